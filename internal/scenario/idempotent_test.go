package scenario

import (
	"sync"
	"testing"
)

// TestIdempotentIngest shows D13: the same event sent a hundred times at once is one notification for every recipient,
// and the same key with other content is an error.
func TestIdempotentIngest(t *testing.T) {
	t.Parallel()
	for name, settings := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), settings(t)...)
			ada, grace := s.bearer(t, "u_ada", "admin", "events:write"), s.bearer(t, "u_grace")
			event := wonDeal(map[string]any{"idempotencyKey": "once", "actor": map[string]any{"id": "u_boss", "name": "Boss"}, "recipientIds": []string{"u_grace", "u_ada"}})
			const times = 100
			answers := make([]published, times)
			var group sync.WaitGroup
			for i := range times {
				group.Go(func() { answers[i] = ada.publish(t, event) })
			}
			group.Wait()
			first := 0
			for _, a := range answers {
				if !a.Duplicate {
					first++
				}
				if a.Notified != 2 || a.Event == nil || a.Event.ID != answers[0].Event.ID {
					t.Errorf("answered %+v, another one %+v", a, answers[0])
				}
			}
			if first != 1 {
				t.Errorf("%d of them were the first", first)
			}
			for _, p := range []*person{ada, grace} {
				if in := p.inbox(t); in.UnreadCount != 1 || len(in.Notifications.Nodes) != 1 {
					t.Errorf("%d unread of %d", in.UnreadCount, len(in.Notifications.Nodes))
				}
			}
			event["data"] = map[string]any{"dealId": "d2", "dealTitle": "Another fleet"}
			got := ask[published](t, ada, publishMutation, input(event))
			if len(got.UserErrors) != 1 || got.UserErrors[0].Code != "IDEMPOTENCY_CONFLICT" || got.Event != nil {
				t.Errorf("other content: %+v", got)
			}
			s.expectQuietLog(t)
		})
	}
}
