// Package mail turns a notification into an e-mail and hands it to an SMTP server.
//
// It owns the message (headers, plain text and HTML of the same content), the check of addresses, the connection
// and the classes of what can go wrong. It owns no queue, no retry and no database: a Send is one attempt that ends
// within the sender's timeout, and its error says whether another attempt makes sense.
//
// The same Message.ID always gives the same Message-ID header, so that a repetition after an unclear end is
// recognised by mail servers and people. Package mail imports nothing of ours.
package mail
