// Package resolvers is the thin skin between GraphQL and the concerns: a resolver parses, calls, returns.
//
// One file per noun. Written by hand: graph.ResolverRoot says what is missing. The one thing that lives here and
// is more than skin is the dispatcher (dispatcher.go): event → plan → one transaction → after the commit, live
// messages and a wake-up for the workers.
//
// The package imports no concern that touches a database or a network. It declares, in the file that uses them,
// the few methods it needs; package app hands them over. What went wrong travels in three ways: a
// *model.UserError becomes an entry of `userErrors`, a *model.Error becomes a GraphQL error with its code, anything
// else is logged and becomes INTERNAL.
package resolvers
