package mail

import (
	"errors"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Class says what a failed attempt means.
type Class int

// The classes.
const (
	// ClassUnavailable: the server was not reached, is busy or cannot be trusted; another attempt makes sense.
	ClassUnavailable Class = iota
	// ClassRejected: the server refuses this message for good.
	ClassRejected
	// ClassMailboxRefused: the server says that the mailbox does not exist or takes nothing from us, ever.
	ClassMailboxRefused
)

// SendError is a failed attempt.
type SendError struct {
	Class Class
	// Code is the SMTP reply (RFC 5321 §4.2), for example 550; 0: none came.
	Code int
	// Err is what happened; it may name hosts and is not for people.
	Err error
}

// Error is what happened.
func (e *SendError) Error() string { return "send e-mail: " + e.Err.Error() }

// Unwrap is what happened.
func (e *SendError) Unwrap() error { return e.Err }

// Permanent reports that another attempt would fail the same way.
func (e *SendError) Permanent() bool { return e.Class != ClassUnavailable }

// classify reads the reply code and, where there is one, the enhanced status code (RFC 3463).
func classify(err error) *SendError {
	out := &SendError{Class: ClassUnavailable, Err: err}
	enhanced, reason := "", gomail.SendErrReason(-1)
	if sent, ok := errors.AsType[*gomail.SendError](err); ok {
		out.Code, enhanced, reason = sent.ErrorCode(), sent.EnhancedStatusCode(), sent.Reason
	}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		out.Code = reply.Code
	}
	if out.Code < 500 || out.Code > 599 {
		return out
	}
	switch {
	case reason == gomail.ErrSMTPRcptTo || strings.HasPrefix(enhanced, "5.1."):
		// 552 and 5.2.2 are a full mailbox: it may be emptied (RFC 3463 §3.3).
		if out.Code == 552 || enhanced == "5.2.2" {
			return out
		}
		out.Class = ClassMailboxRefused
	case reason == gomail.ErrSMTPData || reason == gomail.ErrSMTPDataClose:
		out.Class = ClassRejected
	}
	// A 5xx to the greeting, to STARTTLS, to the login or to MAIL FROM is about us and the server, not about this
	// recipient: people mend it, and the message waits.
	return out
}
