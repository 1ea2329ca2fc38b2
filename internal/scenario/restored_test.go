package scenario

import (
	"testing"
)

// TestRestored shows D10 with the command that operators run: after a restart cursors go on where they were, after
// `migrate --after-restore` everybody is told to begin anew, and hears what comes then.
func TestRestored(t *testing.T) {
	t.Parallel()
	for name, settings := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, settings := t.TempDir(), settings(t)
			first := start(t, data, settings...)
			publish := func(s *server, number int) {
				t.Helper()
				if _, err := s.bearer(t, "u_ada", "events:write").try(t.Context(), publishMutation, numbered(number, []string{"u-ann"})); err != nil {
					t.Fatal(err)
				}
			}
			first.bearer(t, "u-ann").inbox(t)
			publish(first, 1)
			cursor := first.bearer(t, "u-ann").inbox(t).Cursor
			publish(first, 2)
			comeBack := func(s *server) (change, *stream) {
				t.Helper()
				stream := s.bearer(t, "u-ann").subscribe(t, inboxSubscription, map[string]any{"after": cursor})
				got, _ := next[change](t, stream)
				return got, stream
			}
			first.stop(t)
			second := start(t, data, settings...)
			if got, _ := comeBack(second); got.Notification == nil || numberOf(t, got.Notification.Title) != 2 {
				t.Errorf("after a restart came %+v", got)
			}
			second.stop(t)
			succeed(t, second.env, "migrate", "--after-restore")
			third := start(t, data, settings...)
			got, stream := comeBack(third)
			if box := third.bearer(t, "u-ann").inbox(t); got.Reason != "UNKNOWN_CURSOR" || got.UnreadCount != 2 || got.Cursor != box.Cursor || got.Cursor == cursor {
				t.Errorf("after a restore came %+v, the inbox is at %s", got, box.Cursor)
			}
			publish(third, 3)
			if got, _ := next[change](t, stream); got.Notification == nil || numberOf(t, got.Notification.Title) != 3 || got.UnreadCount != 3 {
				t.Errorf("then came %+v", got)
			}
		})
	}
}
