// Package delivery sends what the dispatcher queued: e-mails and Cliq messages.
//
// It owns the workers, the pace, the retries, the breaker and the test message. The queue itself is the table of
// deliveries: package store claims, this package decides what an attempt meant. It owns no text (package catalog),
// no protocol (packages mail and cliq) and no token (package connect).
//
// What is promised: an e-mail is sent at least once and a repetition has the same Message-ID; a Cliq message is
// sent at most once after the request left this machine, in order, 40 a minute for one person at most. Workers of
// one channel never wait for another; one person's messages are sent by the holder of their lease and by nobody else.
package delivery
