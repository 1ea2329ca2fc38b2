// Package connect is how a person's Zoho account becomes connected, stays so and is forgotten.
//
// It owns the flow of DESIGN: a single-use state bound to the viewer who asked, the callback with its two proofs
// (the browser's cookie, or the hand-over by ticket), the exchange at the data centre that Zoho names, the sealed
// tokens with their refresh, and the revocations that Zoho is still to be told. It owns no message and no retry of
// messages: package delivery asks it for a token while it holds the person's lease.
//
// What a caller must know: both proofs are checked before any code is exchanged; a state is consumed by the first
// callback that names it, right or wrong; refreshing is safe for one holder of the person's lease at a time, and a
// refresh that lost the race takes the winner's token.
package connect
