// Package secret seals what must not be readable in the database: access and
// refresh tokens, PKCE verifiers, authorization codes.
//
// It owns the encryption (tink AEAD keysets), the binding of a ciphertext to
// the one place where it may stand, the key ids that make rotation observable,
// and the type that keeps a secret out of logs. It stores nothing and decides
// nothing about what is secret.
//
// What a caller must know:
//
//   - A ciphertext opens only with the exact [Binding] it was sealed with. Rename
//     a column or change how a row is named, and every row must be sealed anew.
//   - Every ciphertext begins with the id of its key, see [KeyID]. A process must
//     refuse to start when a stored row names a key for which [Box.Has] is false.
//   - Rotation takes two roll-outs, because replicas do not change configuration
//     at the same moment: first [Add] everywhere, then [Promote] everywhere, then
//     seal the old rows anew, then [Remove].
//
// A [Box] never changes after [New] and may be used by many goroutines.
package secret
