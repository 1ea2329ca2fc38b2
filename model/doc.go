// Package model is the vocabulary of the project: the things people and programs talk about, their ids,
// times, cursors, decisions and errors.
//
// It owns the shapes that are stored (with gorm's tags as plain strings), the shapes the API shows (bound to
// GraphQL by name) and the coded errors. It owns no behaviour that needs a database, a network or a clock, and
// it imports nothing of ours. It never holds a secret: what must be sealed appears here only as ciphertext
// (see SealedTokens and ConnectState).
//
// models_gen.go is generated from schema.graphqls: inputs, payloads, enumerations and the types that are
// nothing but their fields.
package model
