// Package bench measures how close the server comes to the fastest program that can be written by hand for the same
// work: `make bench`. It owns the workloads W1 to W6, the people they are measured on, the load, the checks of every
// answer and the table of results. It owns no limit of its own: that is the program in ./bare, which speaks raw
// PostgreSQL on the same tables and answers these operations and no others, byte for byte as the server does.
//
// Everything else is in the tests of this package, because it needs a PostgreSQL server to throw away:
//
//	go test -run '^$' -bench . -benchtime 1x ./internal/bench            a few minutes, to see where one stands
//	go test -run '^$' -bench . -benchtime 1x ./internal/bench -full      five runs of each, to report
//	go test -run '^$' -bench /W1 -benchtime 1x ./internal/bench          one workload
//
// Server and bare program are measured in turns, each in a process of its own that is started for the run, on one
// database with PostgreSQL's default settings. Only ratios mean anything: all of it shares one machine.
package bench
