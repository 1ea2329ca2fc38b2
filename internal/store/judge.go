package store

import (
	"strconv"

	"github.com/heffl/bff/model"
)

// judgement is what decides, at the moment of sending, whether a delivery still may go: the person, the workspace's
// rule and the person's own cell may have changed since it was queued. It joins to a row named due.
const judgement = ` FROM due
	LEFT JOIN users u ON u.id = due.user_id
	LEFT JOIN notifications n ON n.id = due.notification_id
	LEFT JOIN events e ON e.id = n.event_id
	LEFT JOIN workspace_rules r ON r.workspace_id = u.workspace_id AND r.event_type = e.type AND r.channel = `

// What each channel asks of the person before anything else.
const (
	emailReasons = ` WHEN u.email = '' THEN 7 WHEN u.email_state <> 0 THEN 8`
	cliqReasons  = ` WHEN i.status = 0 THEN 4 WHEN i.status = 2 THEN 5`
)

// reason is the number of the model.SkipReason why a delivery may not go; NULL when it may. The order is that of the
// decision when the event came: whom nothing reaches, then what nobody can turn off, then rules and switches.
// locked is the parameter that lists the event types that nothing turns off.
func (s *Store) reason(channel model.Channel, locked string) string {
	master, own := `u.email_enabled`, emailReasons
	if channel == model.ChannelCliq {
		master, own = `u.cliq_enabled`, cliqReasons
	}
	return `CASE WHEN e.id IS NULL OR u.active IS NOT TRUE THEN 9` + own + `
		WHEN ` + s.anyOf("e.type", locked) + ` THEN NULL
		WHEN r.mode = 3 THEN 3
		WHEN NOT ` + master + ` THEN 2
		WHEN r.mode = 2 THEN NULL
		WHEN p.enabled = FALSE THEN 1 END`
}

// judged joins what reason needs to the rows named due.
func judged(channel model.Channel) string {
	n := strconv.Itoa(int(channel.Number()))
	return judgement + n + `
	LEFT JOIN preferences p ON p.user_id = u.id AND p.event_type = e.type AND p.channel = ` + n
}

// sendOrSkip is the SET clause that follows a judgement j: what may go is being sent, counts the attempt and belongs
// to the lease; what may not has ended.
func (s *Store) sendOrSkip(now, leaseID, until string) string {
	return ` SET status = CASE WHEN j.reason IS NULL THEN 1 ELSE 6 END, reason = j.reason,
		attempts = deliveries.attempts + CASE WHEN j.reason IS NULL THEN 1 ELSE 0 END,
		lease_id = CASE WHEN j.reason IS NULL THEN ` + leaseID + s.pick(`::uuid`, ``) + ` END,
		lease_until = CASE WHEN j.reason IS NULL THEN ` + until + s.pick(`::timestamptz`, ``) + ` END,
		finished_at = CASE WHEN j.reason IS NOT NULL THEN ` + now + s.pick(`::timestamptz`, ``) + ` END,
		problem = NULL, carrier = NULL`
}
