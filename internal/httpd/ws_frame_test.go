package httpd

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestWSFrameConformance shows G6 below the messages: what breaks RFC 6455 is closed with the code that it has for it,
// what only looks strange is served.
func TestWSFrameConformance(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const (
		text  = finBit | byte(opText)
		ping  = finBit | byte(opPing)
		ended = finBit | byte(opClose)
		more  = byte(opContinuation)
	)
	frame := func(first byte, payload string) string { return string(maskedFrame(first, []byte(payload))) }
	violations := map[string]struct {
		wire string
		code int
	}{
		"Unmasked":            {"\x81\x0f" + `{"type":"ping"}`, 1002},
		"ReservedBit":         {frame(text|0x40, `{"type":"ping"}`), 1002},
		"UnknownFrame":        {frame(finBit|3, ""), 1002},
		"UnknownControlFrame": {frame(finBit|11, ""), 1002},
		"LongPing":            {frame(ping, strings.Repeat("x", 126)), 1002},
		"SplitPing":           {frame(byte(opPing), "x"), 1002},
		"ContinuationOfNone":  {frame(finBit|more, "x"), 1002},
		"MessageInMessage":    {frame(byte(opText), `{"type":`) + frame(text, `"ping"}`), 1002},
		"CloseWithHalfACode":  {frame(ended, "\x03"), 1002},
		"CloseWith1005":       {frame(ended, "\x03\xed"), 1002},
		"CloseWith999":        {frame(ended, "\x03\xe7"), 1002},
		"CloseReasonNotUTF8":  {frame(ended, "\x03\xe8\xff"), 1007},
		"SplitNotUTF8":        {frame(byte(opText), "\"\xc3") + frame(finBit|more, "(\""), 1007},
		"SplitTooBig":         {frame(byte(opText), strings.Repeat(" ", 60<<10)) + frame(finBit|more, strings.Repeat(" ", 6<<10)), 1009},
		"HugeLength":          {"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009},
		"NegativeLength":      {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", 1009},
		"Binary":              {frame(finBit|byte(opBinary), `{"type":"ping"}`), 4400},
		"CloseIsAnswered":     {frame(ended, "\x03\xe8bye"), 1000},
		"CloseOfTheirOwn":     {frame(ended, "\x0f\xa0"), 4000},
	}
	for name, v := range violations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, reader := b.rawSocket(t)
			if _, err := io.WriteString(conn, v.wire); err != nil {
				t.Fatal(err)
			}
			if op, payload := readFrame(t, conn, reader); op != opClose || len(payload) < 2 || int(binary.BigEndian.Uint16(payload)) != v.code {
				t.Errorf("got %d %q, want a close frame with %d", op, payload, v.code)
			}
		})
	}

	served := map[string]struct {
		wire string
		op   opcode
		want string
	}{
		"SplitMessage":   {frame(byte(opText), `{"ty`) + frame(more, "") + frame(finBit|more, `pe":"ping"}`), opText, `{"type":"pong"}`},
		"PingInMessage":  {frame(byte(opText), `{"ty`) + frame(ping, "now"), opPong, "now"},
		"SplitCharacter": {frame(byte(opText), "{\"type\":\"ping\",\"x\":\"\xc3") + frame(finBit|more, "\xbc\"}"), opText, `{"type":"pong"}`},
		"EmptyPing":      {frame(ping, ""), opPong, ""},
		"LongestPing":    {frame(ping, strings.Repeat("x", 125)), opPong, strings.Repeat("x", 125)},
		"Pong":           {frame(finBit|byte(opPong), "unasked") + frame(ping, "x"), opPong, "x"},
	}
	for name, s := range served {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, reader := b.rawSocket(t)
			if _, err := io.WriteString(conn, s.wire); err != nil {
				t.Fatal(err)
			}
			if op, payload := readFrame(t, conn, reader); op != s.op || string(payload) != s.want {
				t.Errorf("got %d %q, want %d %q", op, payload, s.op, s.want)
			}
		})
	}

	t.Run("PingFlood", func(t *testing.T) {
		t.Parallel()
		conn, _ := b.rawSocket(t) // its answers are never read
		_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
		flood := strings.Repeat(frame(ping, strings.Repeat("x", 125)), 1000)
		for range 1000 { // 131 MB: far more than the kernel and the queue take
			if _, err := io.WriteString(conn, flood); err != nil {
				if isTimeout(err) {
					t.Error("it is neither read nor cut off")
				}
				return
			}
		}
		t.Error("somebody who reads no answer may ask for ever")
	})
}

// readFrame reads one frame of the server.
func readFrame(tb testing.TB, conn net.Conn, reader *bufio.Reader) (opcode, []byte) {
	tb.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var head [2]byte
	if _, err := io.ReadFull(reader, head[:]); err != nil {
		tb.Fatal(err)
	}
	payload := make([]byte, head[1])
	if _, err := io.ReadFull(reader, payload); err != nil {
		tb.Fatal(err)
	}
	return opcode(head[0] & 0x0f), payload
}
