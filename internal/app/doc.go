// Package app puts the parts together: the only package that knows everyone.
//
// It owns the order in which things start and stop, the commands, what development adds (demo users, the stand-in of
// Zoho, the mail sink, tokens for the playground) and the small adapters between parts that do not know each other.
// It owns no decision: whatever is worth a test of its own lives in the package that is concerned.
package app
