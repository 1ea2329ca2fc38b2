// Package live brings changes to the people who are connected: it is the hub between what was committed and the
// open subscriptions, on this replica and on all others.
//
// It owns the connection to NATS, the messages on it, the subscribers of this replica and their places in the
// inboxes they follow. It owns no truth: a message is a hint, and whatever a subscriber might have missed (a gap in
// the numbers, a full queue, a NATS outage, a message nobody can read) is read from the database, where every change
// of an inbox has its number. A reconciler compares the numbers and tells within 2 s even if no message ever comes.
//
// What a caller must know:
//   - Publishing never waits and never fails. It belongs after the commit: before it, subscribers would read the
//     database too early and hear nothing more.
//   - A Sink is called with a shard's lock held, one call at a time. It must neither block nor call back into the hub.
//   - An idle subscriber costs no goroutine here. The hub itself has about two dozen, whatever the number of subscribers,
//     and uses at most Readers + 2 database connections at a time.
//   - The hub speaks for one replica: messages do not come back to the replica that sent them, which hears of its own
//     changes without NATS.
package live
