package mail

import (
	"bytes"
	"net/mail"
)

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
