package model

// Channels are all channels in the order in which the API lists them. Treat it as read-only.
var Channels = [...]Channel{ChannelInApp, ChannelEmail, ChannelCliq}

// Number is the channel as a small number, for arrays and for the database: 0, 1, 2.
func (e Channel) Number() int16 {
	switch e {
	case ChannelInApp:
		return 0
	case ChannelEmail:
		return 1
	case ChannelCliq:
		return 2
	}
	return -1
}

// ChannelOf is the channel with the given number.
func ChannelOf(n int16) Channel { return Channels[n] }

// Decision says, in four bits per channel, whether one event goes to one person on that channel, or why not.
// The zero Decision delivers everywhere. It is stored, so the numbers of the reasons never change.
type Decision int16

// skipReasons gives every reason its number; index 0 is "deliver".
var skipReasons = [...]SkipReason{
	"", SkipReasonEventOff, SkipReasonChannelOff, SkipReasonLockedOff, SkipReasonNotConnected, SkipReasonNeedsReconnect,
	SkipReasonIntegrationProblem, SkipReasonAddressMissing, SkipReasonAddressBounced, SkipReasonInactive,
}

// Number is the reason as a small number, 0 for none.
func (e SkipReason) Number() int16 {
	for i, r := range skipReasons {
		if r == e {
			return int16(i)
		}
	}
	return 0
}

// SkipReasonOf is the reason with the given number; empty for 0.
func SkipReasonOf(n int16) SkipReason { return skipReasons[n] }

// Skip is d with the channel skipped for the given reason.
func (d Decision) Skip(c Channel, why SkipReason) Decision {
	shift := 4 * c.Number()
	return d&^(0xF<<shift) | Decision(why.Number()<<shift)
}

// Why is the reason why the channel is skipped; empty when the channel delivers.
func (d Decision) Why(c Channel) SkipReason { return skipReasons[d>>(4*c.Number())&0xF] }

// Delivers reports whether the channel gets the event.
func (d Decision) Delivers(c Channel) bool { return d>>(4*c.Number())&0xF == 0 }

// DeliversAny reports whether any channel gets the event.
func (d Decision) DeliversAny() bool {
	for _, c := range Channels {
		if d.Delivers(c) {
			return true
		}
	}
	return false
}

// Toggle is a person's own choice for one cell.
type Toggle int8

// The states of a cell: most people never touch most of them.
const (
	ToggleUnset Toggle = iota
	ToggleOff
	ToggleOn
)

// ToggleOf is the choice as a Toggle.
func ToggleOf(enabled bool) Toggle {
	if enabled {
		return ToggleOn
	}
	return ToggleOff
}
