package model_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/model"
)

func TestTime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"ThreeDecimals": {"2026-11-22T10:48:00Z", "2026-11-22T10:48:00.000Z"},
		"Cut":           {"2026-11-22T10:48:00.1239Z", "2026-11-22T10:48:00.123Z"},
		"MovedToUTC":    {"2026-11-22T14:48:00.5+04:00", "2026-11-22T10:48:00.500Z"},
		"LastYear":      {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := model.ParseTime(test.in)
			if err != nil || got.String() != test.want {
				t.Fatalf("%s, %v; want %s", got, err, test.want)
			}
			var out bytes.Buffer
			got.MarshalGQL(&out)
			if out.String() != `"`+test.want+`"` {
				t.Errorf("marshalled %s", out.String())
			}
			var back model.Time
			if err := back.Scan(got.UnixMilli()); err != nil || !back.Equal(got) {
				t.Errorf("back from milliseconds: %s, %v", back, err)
			}
		})
	}
	for _, bad := range []string{"", "yesterday", "2026-11-22", "2026-11-22T10:48:00", "2026-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"} {
		if got, err := model.ParseTime(bad); err == nil {
			t.Errorf("%q was read as %s", bad, got)
		}
	}
	if v, err := (model.Time{}).Value(); v != nil || err != nil {
		t.Errorf("no moment is stored as %v, %v", v, err)
	}
	if model.NewTime(time.Time{}).Ptr() != nil {
		t.Error("no moment is not nil")
	}
}

func TestGlobalID(t *testing.T) {
	t.Parallel()
	u := uuid.MustParse("01937f2e-5b1c-7aaa-8bbb-0123456789ab")
	id := model.GlobalID(model.KindNotification, u)
	if len(id) != 23 {
		t.Errorf("%q has %d characters", id, len(id))
	}
	kind, back, ok := model.ParseGlobalID(id)
	if !ok || kind != model.KindNotification || back != u {
		t.Errorf("%v %v %v", kind, back, ok)
	}
	if _, ok := model.ParseIDOf(model.KindInbox, id); ok {
		t.Error("an id of another kind was taken")
	}
	for _, bad := range []string{"", id[1:], id + "A", id[:22] + "=", id[:22] + "!", strings.Repeat("A", 22) + "B", strings.Repeat("Ä", 12), u.String()} {
		if _, _, ok := model.ParseGlobalID(bad); ok {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	epoch, user := model.Epoch{1, 2, 3}, uuid.New()
	for _, place := range []model.Place{{Seq: 0}, {Seq: 1}, {Seq: 1 << 62}, {Seq: 7, Within: 3}} {
		c := model.NewCursorAt(epoch, user, place)
		if got, ok := c.Place(epoch, user); !ok || got != place {
			t.Errorf("%+v came back as %+v, %v", place, got, ok)
		}
		if _, ok := c.Place(model.Epoch{1, 2, 4}, user); ok {
			t.Error("a cursor of another epoch was taken")
		}
		if _, ok := c.Place(epoch, uuid.New()); ok {
			t.Error("a cursor of another person was taken")
		}
		for i := range len(c) {
			changed := []byte(c)
			changed[i] ^= 1
			if got, ok := model.Cursor(changed).Place(epoch, user); ok && got == place {
				t.Errorf("changed at %d it is still %+v", i, got)
			}
		}
	}
}

func TestDecision(t *testing.T) {
	t.Parallel()
	reasons := []model.SkipReason{
		model.SkipReasonEventOff, model.SkipReasonChannelOff, model.SkipReasonLockedOff, model.SkipReasonNotConnected,
		model.SkipReasonNeedsReconnect, model.SkipReasonIntegrationProblem, model.SkipReasonAddressMissing, model.SkipReasonAddressBounced,
		model.SkipReasonInactive,
	}
	if len(reasons) != len(model.AllSkipReason) {
		t.Errorf("%d of %d reasons", len(reasons), len(model.AllSkipReason))
	}
	for i, why := range reasons {
		if int(why.Number()) != i+1 || model.SkipReasonOf(why.Number()) != why {
			t.Errorf("%s has number %d, which is stored and must stay %d", why, why.Number(), i+1)
		}
	}
	for _, first := range reasons {
		for _, second := range reasons {
			d := model.Decision(0).Skip(model.ChannelInApp, first).Skip(model.ChannelCliq, second)
			if d.Why(model.ChannelInApp) != first || d.Why(model.ChannelCliq) != second || !d.Delivers(model.ChannelEmail) || !d.DeliversAny() || d < 0 {
				t.Errorf("%s and %s gave %d", first, second, d)
			}
			if d = d.Skip(model.ChannelCliq, first); d.Why(model.ChannelCliq) != first {
				t.Errorf("%s over %s gave %s", first, second, d.Why(model.ChannelCliq))
			}
			if d.Skip(model.ChannelEmail, first).DeliversAny() {
				t.Error("nothing delivers, but something does")
			}
		}
	}
}

func TestStatusNumbers(t *testing.T) {
	t.Parallel()
	for _, status := range model.AllDeliveryStatus {
		if n := status.Number(); n < 0 || model.DeliveryStatusOf(n) != status {
			t.Errorf("%s has number %d", status, n)
		}
	}
	for i, channel := range model.Channels {
		if int(channel.Number()) != i || model.ChannelOf(channel.Number()) != channel {
			t.Errorf("%s has number %d", channel, channel.Number())
		}
	}
}

func TestValidExternalID(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "u_ada", strings.Repeat("x", 128), strings.Repeat("ü", 128), "a.b*>"} {
		if !model.ValidExternalID(good) {
			t.Errorf("%q was refused", good)
		}
	}
	for _, bad := range []string{"", strings.Repeat("x", 129), "a\nb", "a\x00", "\xff", "a\u0085"} {
		if model.ValidExternalID(bad) {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzCursor(f *testing.F) {
	epoch, user := model.Epoch{1}, uuid.UUID{2}
	f.Add(string(model.NewCursor(epoch, user, 5)))
	f.Add("")
	f.Fuzz(func(t *testing.T, raw string) {
		if place, ok := model.Cursor(raw).Place(epoch, user); ok && string(model.NewCursorAt(epoch, user, place)) != raw {
			t.Errorf("%q is %+v, whose cursor is another", raw, place)
		}
	})
}

// FuzzGlobalID: what is read as an id is written again as it was, so that no thing has two ids.
func FuzzGlobalID(f *testing.F) {
	f.Add(model.GlobalID(model.KindNotification, model.NewID()))
	for _, id := range []string{"", "0", "-1", "1 OR 1=1", "AQAAAAAAAAAAAAAAAAAAAAB", "AQAAAAAAAAAAAAAAAAAAAA=", "AQAAAAAAAAAAAAAAAAAAAA\n", "\x00", "٠"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		kind, u, ok := model.ParseGlobalID(id)
		if ok && model.GlobalID(kind, u) != id {
			t.Errorf("%q is read and written as %q", id, model.GlobalID(kind, u))
		}
		for _, only := range []model.NodeKind{model.KindViewer, model.KindInbox, model.KindNotification} {
			if _, is := model.ParseIDOf(only, id); is != (ok && kind == only) {
				t.Errorf("%q is an id of kind %d: %v", id, only, is)
			}
		}
	})
}
