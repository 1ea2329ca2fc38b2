// Package store keeps everything that is true: people, settings, events, inboxes, deliveries, connections.
// It owns the two databases (PostgreSQL, and SQLite as the embedded default), their migrations, every SQL
// statement and every transaction. It owns no rule of the product: it stores what others decided, and it never
// sees a secret in the clear.
//
// What a caller must know:
//
//   - Open never migrates; Migrate does.
//   - A method is one transaction, or a single statement. None of them holds a lock when it returns, none waits for a network
//     but the database's. A deadlock or a serialization failure is retried here, up to three times.
//   - Tables are locked in one order everywhere: events, inboxes, notifications, deliveries, integrations; rows of
//     several people in the order of their user ids. Users come before inboxes, and nobody who has an inbox asks for them.
//   - Every time is an argument; the database's own clock is never asked.
//   - An error that says "try again later" is a *model.Error with CodeUnavailable. Any other error is internal.
//
// What a writer of this package must know:
//
//   - The same SQL serves both databases where it can. Parameters are written $1, $2, … and appear in that order;
//     no statement contains a question mark or an at sign, which gorm would take for its own.
//   - Lists travel as one parameter: arrays on PostgreSQL (uuids, and plain slices), one JSON text on SQLite.
//   - SQLite has one writer handle whose transactions are IMMEDIATE, and a pool that can only read. Inside inTx
//     nothing but the tx may be used: the writer handle is one connection and would wait for itself.
//   - gormlite drops FOR UPDATE without a word: on SQLite the writer's lock is the lock, and claims have a text of
//     their own.
package store
