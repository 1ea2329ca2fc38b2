package model

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// This file says how the vocabulary looks in a column, the same on both databases: what is counted in
// thousands of rows is a small number, what a person reads in a shell and is rare is text, and "none" is NULL.

// Value stores the channel as its number.
func (e Channel) Value() (driver.Value, error) { return int64(e.Number()), nil }

// Scan reads the number of a channel.
func (e *Channel) Scan(src any) error {
	n, err := number(src, len(Channels), "channel")
	if err == nil {
		*e = ChannelOf(n)
	}
	return err
}

// Value stores the status as its number.
func (e DeliveryStatus) Value() (driver.Value, error) { return int64(e.Number()), nil }

// Scan reads the number of a status.
func (e *DeliveryStatus) Scan(src any) error {
	n, err := number(src, len(deliveryStatuses), "delivery status")
	if err == nil {
		*e = DeliveryStatusOf(n)
	}
	return err
}

// Value stores the reason as its number; NULL for none.
func (e SkipReason) Value() (driver.Value, error) {
	if e == "" {
		return nil, nil //nolint:nilnil // NULL is a value here, not a missing answer
	}
	return int64(e.Number()), nil
}

// Scan reads the number of a reason; NULL is none.
func (e *SkipReason) Scan(src any) error {
	if src == nil {
		*e = ""
		return nil
	}
	n, err := number(src, len(skipReasons), "skip reason")
	if err == nil {
		*e = SkipReasonOf(n)
	}
	return err
}

// integrationStatuses gives every status its number in the database; the numbers never change.
var integrationStatuses = [...]IntegrationStatus{
	IntegrationStatusNotConnected, IntegrationStatusConnected, IntegrationStatusNeedsReconnect,
}

// Number is the status as a small number, for the database.
func (e IntegrationStatus) Number() int16 { return index(integrationStatuses[:], e) }

// Value stores the status as its number.
func (e IntegrationStatus) Value() (driver.Value, error) { return int64(e.Number()), nil }

// Scan reads the number of a status; NULL, as a missing row gives it in an outer join, is NOT_CONNECTED.
func (e *IntegrationStatus) Scan(src any) error {
	if src == nil {
		*e = IntegrationStatusNotConnected
		return nil
	}
	n, err := number(src, len(integrationStatuses), "integration status")
	if err == nil {
		*e = integrationStatuses[n]
	}
	return err
}

// ruleModes gives every mode its number in the database; the numbers never change.
var ruleModes = [...]WorkspaceRuleMode{
	WorkspaceRuleModeDefaultOn, WorkspaceRuleModeDefaultOff, WorkspaceRuleModeLockedOn, WorkspaceRuleModeLockedOff,
}

// Number is the mode as a small number, for the database.
func (e WorkspaceRuleMode) Number() int16 { return index(ruleModes[:], e) }

// Value stores the mode as its number.
func (e WorkspaceRuleMode) Value() (driver.Value, error) { return int64(e.Number()), nil }

// Scan reads the number of a mode.
func (e *WorkspaceRuleMode) Scan(src any) error {
	n, err := number(src, len(ruleModes), "rule mode")
	if err == nil {
		*e = ruleModes[n]
	}
	return err
}

// Value stores the code as text; NULL for none.
func (e ProblemCode) Value() (driver.Value, error) {
	if e == "" {
		return nil, nil //nolint:nilnil // NULL is a value here, not a missing answer
	}
	return string(e), nil
}

// Scan reads a code; NULL is none.
func (e *ProblemCode) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*e = ""
	case string:
		*e = ProblemCode(v)
	case []byte:
		*e = ProblemCode(v)
	default:
		return fmt.Errorf("scan problem code from %T", src)
	}
	return nil
}

// Value stores the object as JSON text; nil is the empty object.
func (o JSONObject) Value() (driver.Value, error) {
	if o == nil {
		return "{}", nil
	}
	b, err := json.Marshal(map[string]any(o))
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return string(b), nil
}

// Scan reads JSON text. Numbers stay json.Number so that none is rounded.
func (o *JSONObject) Scan(src any) error {
	var text []byte
	switch v := src.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("scan JSON from %T", src)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var m map[string]any
	if err := decoder.Decode(&m); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	*o = m
	return nil
}

// index is the place of want in all; -1 when it is not there.
func index[T comparable](all []T, want T) int16 {
	for i, v := range all {
		if v == want {
			return int16(i)
		}
	}
	return -1
}

// number reads a small number below limit out of a column.
func number(src any, limit int, what string) (int16, error) {
	n, ok := src.(int64)
	if !ok {
		return 0, fmt.Errorf("scan %s from %T", what, src)
	}
	if n < 0 || n >= int64(limit) {
		return 0, fmt.Errorf("scan %s: %d is none", what, n)
	}
	return int16(n), nil //nolint:gosec // below limit, which is a handful
}
