package store_test

import (
	"errors"
	"flag"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/heffl/bff/internal/store"
	"github.com/heffl/bff/internal/store/storetest"
	"github.com/heffl/bff/model"
)

var full = flag.Bool("full", false, "as many events as the goals name, instead of a few")

// TestSeqCommitOrder shows D4: while 64 writers send to one person, a reader who goes on from the last number finds every
// number once and in order, and the count that belongs to it.
func TestSeqCommitOrder(t *testing.T) {
	t.Parallel()
	const writers = 64
	each := int64(12)
	if *full {
		each = 100_000/writers + 1
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		t.Helper()
		v := storetest.Person(t, s, "acme", "ann")
		var working sync.WaitGroup
		var slowest, refused atomic.Int64
		written := make(chan struct{}, 1)
		tell := func() {
			select {
			case written <- struct{}{}:
			default:
			}
		}
		begin := time.Now()
		for range writers {
			working.Go(func() {
				defer tell()
				for range each {
					began := time.Now()
					p := storetest.Plan(v.Workspace.UUID, "deal.won", model.NewTime(began), 0, v.User.UUID)
					_, err := s.SavePlan(t.Context(), p)
					for busy(err) && t.Context().Err() == nil { // whoever is in excess tries again
						refused.Add(1)
						_, err = s.SavePlan(t.Context(), p)
					}
					if err != nil {
						t.Error(err)
						return
					}
					tell()
					if took := int64(time.Since(began)); took > slowest.Load() {
						slowest.Store(took)
					}
				}
			})
		}
		seen := make(map[uuid.UUID]bool, writers*each)
		reads, last := 0, int64(0)
		for last < writers*each && !t.Failed() {
			<-written
			got, err := s.Changes(t.Context(), v.User.UUID, last, 100_000)
			if err != nil || got.TooFarBehind {
				t.Fatalf("changes after %d: %+v, %v", last, got.Inbox, err)
			}
			reads++
			for i := range got.Notifications {
				n := &got.Notifications[i]
				if last++; n.Seq != last || n.ChangedSeq != last || seen[n.UUID] {
					t.Fatalf("number %d where %d was due, seen before: %v", n.Seq, last, seen[n.UUID])
				}
				seen[n.UUID] = true
			}
			if got.Inbox.LastSeq != last || int64(got.Inbox.UnreadCount) != last {
				t.Fatalf("inbox = %+v after %d", got.Inbox, last)
			}
		}
		working.Wait()
		t.Logf("%d events from %d writers, seen in %d reads: no gap, no repeat; %.0f events/s, slowest %v, %d refused for a while",
			last, writers, reads, float64(last)/time.Since(begin).Seconds(), time.Duration(slowest.Load()).Round(time.Millisecond), refused.Load())
	})
}

// busy reports whether the database had no room and trying again helps.
func busy(err error) bool {
	var known *model.Error
	return errors.As(err, &known) && known.Code == model.CodeUnavailable
}
