package httpd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/heffl/bff/internal/auth"
	"github.com/heffl/bff/model"
)

// fakeInbox is just enough of an application for the transports to carry: one inbox that everybody
// shares, with events that can be published, read and followed.
type fakeInbox struct {
	mu      sync.Mutex
	entries []map[string]any
	read    map[string]bool
	log     []map[string]any // every change, its cursor is its place
	changed chan struct{}
	started chan struct{} // gets a value for each subscription to ticks
	ticks   chan any
	end     error // what a subscription to the inbox ends with after its first result; nil: it goes on
}

func newFakeInbox() *fakeInbox {
	return &fakeInbox{
		read: make(map[string]bool), changed: make(chan struct{}),
		started: make(chan struct{}, 100), ticks: make(chan any),
	}
}

func (b *fakeInbox) unread() int { return len(b.entries) - len(b.read) }

func (b *fakeInbox) notification(n map[string]any) map[string]any {
	out := map[string]any{"__typename": "Notification", "id": n["id"], "title": n["title"]}
	if b.read[n["id"].(string)] {
		out["readAt"] = "2026-11-22T10:48:00.000Z"
	}
	return out
}

func (b *fakeInbox) view() map[string]any {
	nodes := []any{}
	for i := len(b.entries) - 1; i >= 0 && len(nodes) < 5; i-- {
		nodes = append(nodes, b.notification(b.entries[i]))
	}
	return map[string]any{
		"__typename": "Inbox", "cursor": cursorOf(len(b.log)), "unreadCount": b.unread(),
		"notifications": map[string]any{"__typename": "NotificationConnection", "nodes": nodes},
	}
}

func cursorOf(n int) string { return "c" + strconv.Itoa(n) }

func (b *fakeInbox) append(change map[string]any) {
	change["cursor"] = cursorOf(len(b.log) + 1)
	change["unreadCount"] = b.unread()
	b.log = append(b.log, change)
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *fakeInbox) publish(title string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := map[string]any{"id": fmt.Sprintf("n%d", len(b.entries)+1), "title": title}
	b.entries = append(b.entries, n)
	b.append(map[string]any{"__typename": "NotificationReceived", "notification": b.notification(n)})
	return n["id"].(string)
}

func (b *fakeInbox) follow(ctx context.Context, after any) <-chan any {
	out := make(chan any)
	b.mu.Lock()
	next := len(b.log)
	start := any(nil)
	if text, ok := after.(string); ok {
		n, err := strconv.Atoi(strings.TrimPrefix(text, "c"))
		if next = n; err != nil {
			next = len(b.log)
			start = map[string]any{"__typename": "InboxReset", "cursor": cursorOf(next), "unreadCount": b.unread(), "reason": "UNKNOWN_CURSOR"}
		}
	} else {
		start = map[string]any{"__typename": "InboxReset", "cursor": cursorOf(next), "unreadCount": b.unread(), "reason": "STARTED"}
	}
	b.mu.Unlock()
	go func() {
		defer close(out)
		if start != nil && !offer(ctx, out, start) {
			return
		}
		if b.end != nil {
			FailSubscription(ctx, b.end)
			return
		}
		for {
			b.mu.Lock()
			batch, changed := b.log[min(next, len(b.log)):], b.changed
			b.mu.Unlock()
			for _, change := range batch {
				if !offer(ctx, out, change) {
					return
				}
				next++
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func offer(ctx context.Context, out chan<- any, v any) bool {
	select {
	case out <- v:
		return true
	case <-ctx.Done():
		return false
	}
}

func need(ctx context.Context, scope auth.Scope) error {
	id, ok := auth.From(ctx)
	if !ok {
		return model.Errorf(model.CodeUnauthenticated, "Sign in.")
	}
	if scope != "" && !id.Has(scope) {
		return model.Errorf(model.CodeForbidden, "The scope %s is missing.", scope)
	}
	return nil
}

// schema is the application behind a server under test.
func (b *fakeInbox) schema() *fakeSchema {
	f := newFakeSchema()
	guarded := func(scope auth.Scope, fn func(context.Context, map[string]any) (any, error)) func(context.Context, map[string]any) (any, error) {
		return func(ctx context.Context, args map[string]any) (any, error) {
			if err := need(ctx, scope); err != nil {
				return nil, err
			}
			b.mu.Lock()
			defer b.mu.Unlock()
			return fn(ctx, args)
		}
	}
	f.fields["Query.viewer"] = guarded("", func(ctx context.Context, _ map[string]any) (any, error) {
		id, _ := auth.From(ctx)
		return map[string]any{"__typename": "Viewer", "id": id.UserExternalID, "name": "Ada", "inbox": b.view()}, nil
	})
	f.fields["Query.cliqRegions"] = func(context.Context, map[string]any) (any, error) {
		return []any{map[string]any{"__typename": "Region", "code": "US"}}, nil
	}
	f.fields["Query.echo"] = func(_ context.Context, args map[string]any) (any, error) { return args["text"], nil }
	f.fields["Query.panic"] = func(context.Context, map[string]any) (any, error) { panic("pq: secret") }
	f.fields["Query.secret"] = func(context.Context, map[string]any) (any, error) {
		return nil, fmt.Errorf("pq: password authentication failed for %q", "heffl")
	}
	f.fields["Query.previewEvent"] = guarded(auth.ScopeEventsWrite, func(context.Context, map[string]any) (any, error) {
		return map[string]any{"__typename": "Preview", "title": "t"}, nil
	})
	f.fields["Mutation.setCookie"] = func(ctx context.Context, _ map[string]any) (any, error) {
		return SetCookie(ctx, testCookie), nil
	}
	f.fields["Mutation.publishEvent"] = func(ctx context.Context, args map[string]any) (any, error) {
		if err := need(ctx, auth.ScopeEventsWrite); err != nil {
			return nil, err
		}
		data := args["input"].(map[string]any)["data"].(map[string]any)
		id := b.publish("New deal: " + fmt.Sprint(data["dealTitle"]))
		return map[string]any{
			"__typename": "PublishPayload", "event": map[string]any{"__typename": "Event", "id": id},
			"duplicate": false, "notified": 1, "userErrors": []any{},
		}, nil
	}
	f.fields["Mutation.publishEvents"] = guarded(auth.ScopeEventsWrite, func(context.Context, map[string]any) (any, error) {
		return map[string]any{"__typename": "PublishEventsPayload", "results": []any{}}, nil
	})
	f.fields["Mutation.markNotificationsRead"] = guarded("", b.markRead)
	f.fields["Mutation.markAllNotificationsRead"] = guarded("", b.markAllRead)
	f.streams["inboxChanged"] = func(ctx context.Context, args map[string]any) (<-chan any, error) {
		if err := need(ctx, ""); err != nil {
			return nil, err
		}
		return b.follow(ctx, args["after"]), nil
	}
	f.streams["ticks"] = func(context.Context, map[string]any) (<-chan any, error) {
		b.started <- struct{}{}
		return b.ticks, nil
	}
	return f
}

func (b *fakeInbox) markRead(_ context.Context, args map[string]any) (any, error) {
	marked := []any{}
	for _, id := range args["input"].(map[string]any)["ids"].([]any) {
		for _, n := range b.entries {
			if n["id"] == id {
				b.read[n["id"].(string)] = true
				marked = append(marked, b.notification(n))
			}
		}
	}
	if len(marked) > 0 {
		b.append(map[string]any{"__typename": "NotificationsUpdated", "notifications": marked})
	}
	return map[string]any{"__typename": "MarkPayload", "inbox": b.view(), "notifications": marked, "userErrors": []any{}}, nil
}

func (b *fakeInbox) markAllRead(_ context.Context, args map[string]any) (any, error) {
	upTo := args["input"].(map[string]any)["upTo"]
	for _, change := range b.log {
		if n, ok := change["notification"].(map[string]any); ok {
			b.read[n["id"].(string)] = true
		}
		if change["cursor"] == upTo {
			break
		}
	}
	b.append(map[string]any{"__typename": "AllNotificationsRead", "upTo": upTo, "readAt": time.Unix(0, 0).UTC().Format(time.RFC3339)})
	return map[string]any{"__typename": "MarkAllPayload", "userErrors": []any{}}, nil
}
