package model

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// timeLayout prints RFC 3339 in UTC with exactly three decimals.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is a moment in UTC, cut to whole milliseconds: what both databases can hold and what the API prints,
// so that a value read back equals the value written. The zero Time means "none" where a field is not a pointer.
type Time struct{ t time.Time }

// NewTime cuts t to milliseconds and moves it to UTC.
func NewTime(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t: t.UTC().Truncate(time.Millisecond)}
}

// UnixMilli is the moment ms milliseconds after 1970-01-01T00:00:00Z.
func UnixMilli(ms int64) Time { return Time{t: time.UnixMilli(ms).UTC()} }

// ParseTime reads an RFC 3339 time of the years 1 to 9999, with any offset and any number of decimals.
func ParseTime(s string) (Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return Time{}, errors.New("must be an RFC 3339 time, for example 2026-11-22T10:48:00.000Z")
	}
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return Time{}, errors.New("must lie in the years 1 to 9999")
	}
	return NewTime(t), nil
}

// Std is the same moment as the standard library's type.
func (t Time) Std() time.Time { return t.t }

// IsZero reports whether t is no moment at all.
func (t Time) IsZero() bool { return t.t.IsZero() }

// UnixMilli is the number of milliseconds since 1970-01-01T00:00:00Z.
func (t Time) UnixMilli() int64 { return t.t.UnixMilli() }

// Add is the moment d later, cut to milliseconds again.
func (t Time) Add(d time.Duration) Time { return NewTime(t.t.Add(d)) }

// Sub is the duration from u to t.
func (t Time) Sub(u Time) time.Duration { return t.t.Sub(u.t) }

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t.t.Before(u.t) }

// After reports whether t is later than u.
func (t Time) After(u Time) bool { return t.t.After(u.t) }

// Equal reports whether t and u are the same moment.
func (t Time) Equal(u Time) bool { return t.t.Equal(u.t) }

// Ptr is t for an optional field: nil when t is no moment.
func (t Time) Ptr() *Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// String prints t as the API does.
func (t Time) String() string { return t.t.Format(timeLayout) }

// AppendText appends t as the API prints it.
func (t Time) AppendText(b []byte) ([]byte, error) { return t.t.AppendFormat(b, timeLayout), nil }

// MarshalText prints t as the API does.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(nil) }

// UnmarshalText reads what ParseTime reads.
func (t *Time) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTime(string(b))
	return err
}

// MarshalGQL writes the scalar Time.
func (t Time) MarshalGQL(w io.Writer) {
	var buf [len(timeLayout) + 2]byte
	b := append(buf[:0], '"')
	b = append(t.t.AppendFormat(b, timeLayout), '"')
	_, _ = w.Write(b)
}

// UnmarshalGQL reads the scalar Time.
func (t *Time) UnmarshalGQL(v any) error {
	s, ok := v.(string)
	if !ok {
		return &InputError{Message: "Time must be a string such as 2026-11-22T10:48:00.000Z."}
	}
	parsed, err := ParseTime(s)
	if err != nil {
		return &InputError{Message: "Time " + strconv.Quote(clip(s, 40)) + " " + err.Error() + "."}
	}
	*t = parsed
	return nil
}

// Value stores t; a zero Time is NULL.
func (t Time) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil //nolint:nilnil // NULL is a value here, not a missing answer
	}
	return t.t, nil
}

// Scan reads a timestamp column of either database: a time on PostgreSQL, Unix milliseconds on SQLite.
func (t *Time) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Time{}
	case time.Time:
		*t = NewTime(v)
	case int64:
		*t = UnixMilli(v)
	default:
		return fmt.Errorf("scan time from %T", src)
	}
	return nil
}

// GormDataType names the column type for gorm.
func (Time) GormDataType() string { return "time" }

// clip cuts s to at most n bytes on a rune boundary, for echoing input in a message.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
