// Package auth answers who is asking: it turns a token into an Identity.
//
// It owns the claims, their limits and the keys that vouch for them: one HS256 key of the
// machine in development, a JWKS of the identity provider in production. It does not own
// transport (where a token comes from is decided in httpd) nor people: whether the user an
// Identity names exists and is active is looked up by somebody else.
//
// A caller must know that an Identity outlives the request that brought it: whoever holds a
// stream open ends it at ExpiresAt, to which no leeway is added.
package auth
