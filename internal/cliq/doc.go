// Package cliq speaks to Zoho: the accounts servers of its data centres (OAuth)
// and the Cliq endpoint through which a bot writes to one person.
//
// It owns the closed table of data centres, the reading of everything Zoho
// answers, the composing of message texts, and the certainty about what reached
// Zoho. It keeps no state about people, has no database, refreshes no token by
// itself and never sends anything twice: callers decide when to try again, from
// the classes of [SendError] and the errors of the token endpoint.
//
// What a caller must know:
//
//   - Data centres are named by [Code]. Addresses come from the table only, so
//     no input can direct a client secret or a token to another host; the dialer
//     refuses every other host as well.
//   - Access tokens, refresh tokens and client secrets are [Secret] values and
//     print as "[redacted]". No error of this package quotes an answer or a URL.
//   - [ClassUnknown] means that the message may have arrived. It must not be sent
//     again.
//   - Every call ends within ten seconds, body included.
//
// A [Client] and its [Regions] may be used by many goroutines.
package cliq
