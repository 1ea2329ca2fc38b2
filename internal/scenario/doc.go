// Package scenario tests the whole: it builds the binary, starts it as a process with a data folder of its own, and
// uses it the way people and services do – by HTTP with a browser's cookies, by WebSocket, by the command line.
//
// It owns no code of the product and imports none: what must come out is read from the catalog's data, the sample
// events and their reviewed texts, and what went outside is read from the JSON API of the stand-in. Both databases
// go through the same story.
package scenario
