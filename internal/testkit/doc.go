// Package testkit supports tests: databases to throw away. It owns the PostgreSQL server that a test process starts
// for itself; it knows nothing of the schema. Only tests import it.
//
// Tests that need PostgreSQL fail where it is missing: a suite that skips one of two databases proves nothing.
package testkit
