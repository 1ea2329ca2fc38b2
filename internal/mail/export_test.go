package mail

import (
	"bytes"
	"net"
	"net/mail"
	"time"
)

// Bound is a connection as an attempt with that end has it.
func Bound(conn net.Conn, deadline time.Time) net.Conn {
	return &boundConn{Conn: conn, stop: func() bool { return true }, deadline: deadline}
}

// Wire is the message as it goes over the wire.
func Wire(m Message, from mail.Address) ([]byte, error) {
	msg, err := build(m, from)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = msg.WriteTo(&out)
	return out.Bytes(), err
}
