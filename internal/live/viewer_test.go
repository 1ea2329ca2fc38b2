package live

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

func TestViewerChanges(t *testing.T) {
	t.Parallel()
	raise := func(store *memory, user uuid.UUID) {
		store.with(user, func(p *person) { p.position.ViewerRevision++ })
	}
	// watch is one person, and a viewer subscription of theirs.
	watch := func(t *testing.T, workspace uuid.UUID) (h *Hub, store *memory, user uuid.UUID, changes <-chan struct{}) {
		t.Helper()
		user = uuid.New()
		h, store = virtual(t, true, user)
		changes, err := h.ViewerChanges(t.Context(), testViewer(workspace, user))
		if err != nil {
			t.Fatal(err)
		}
		return h, store, user, changes
	}
	t.Run("AtMostOneInAPauseAndTheNewestWins", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, store, user, changes := watch(t, uuid.New())
			defer h.Stop(context.Background())
			began := time.Now()
			var told []time.Duration
			const every = 30 * time.Millisecond
			go func() {
				for range 3 * viewerPause / every {
					raise(store, user)
					h.ViewerChanged(user)
					time.Sleep(every)
				}
			}()
			for range changes {
				told = append(told, time.Since(began))
				if len(told) == 4 {
					break
				}
			}
			for i, want := range []time.Duration{0, viewerPause, 2 * viewerPause, 3 * viewerPause} {
				if told[i] < want || told[i] > want+50*time.Millisecond {
					t.Errorf("tick %d came after %v, want %v", i, told[i], want)
				}
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			select {
			case <-changes:
				t.Error("a tick without a change")
			default:
			}
			raise(store, user)
			h.ViewerChanged(user)
			at := time.Now()
			receive(t, changes)
			if took := time.Since(at); took > 10*time.Millisecond {
				t.Errorf("the first change after a quiet time took %v", took)
			}
		})
	})
	t.Run("RightAfterAnotherWasTold", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, store, user, changes := watch(t, uuid.New())
			defer h.Stop(context.Background())
			const most = 750 * time.Millisecond // of the second that is promised; the rest is for reading and rendering
			for after := time.Duration(0); after <= most; after += most / 50 {
				raise(store, user)
				h.ViewerChanged(user)
				receive(t, changes)
				time.Sleep(after)
				raise(store, user)
				h.ViewerChanged(user)
				at := time.Now()
				receive(t, changes)
				if took := time.Since(at); took > most-after {
					t.Errorf("a change %v after another was told %v later", after, took)
				}
				time.Sleep(viewerPause)
			}
		})
	})
	t.Run("OfTheirOwnWhileTheWorkspaceIsTold", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			workspace := uuid.New()
			h, store, user, changes := watch(t, workspace)
			defer h.Stop(context.Background())
			waited := 0
			for range 50 {
				h.PolicyChanged(workspace)
				raise(store, user)
				time.Sleep(round) // the reconciler has been here, and lets it wait with everybody else's
				synctest.Wait()
				if len(changes) > 0 {
					<-changes
					raise(store, user)
				} else {
					waited++
				}
				h.ViewerChanged(user)
				at := time.Now()
				receive(t, changes)
				if took := time.Since(at); took > viewerPause {
					t.Errorf("a change of their own took %v", took)
				}
				time.Sleep(workspaceSpread)
			}
			if waited == 0 {
				t.Error("nothing ever waited: this shows nothing")
			}
		})
	})
	t.Run("FoundByTheReconciler", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, store, user, changes := watch(t, uuid.New())
			defer h.Stop(context.Background())
			began := time.Now()
			raise(store, user)
			receive(t, changes)
			if took := time.Since(began); took > round+mostLull {
				t.Errorf("took %v", took)
			}
		})
	})
	t.Run("NotOfWhatWasBefore", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			h, store, v, _ := virtualStream(t)
			defer h.Stop(context.Background())
			raise(store, v.User.UUID) // while nobody follows the viewer
			time.Sleep(3 * round)
			changes, err := h.ViewerChanges(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * round)
			synctest.Wait()
			if len(changes) > 0 {
				t.Error("told of a change that was there when the subscription began")
			}
			raise(store, v.User.UUID)
			receive(t, changes)
		})
	})
	t.Run("SpreadOverAWorkspace", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			workspace := uuid.New()
			users := make([]uuid.UUID, 400)
			for i := range users {
				users[i] = uuid.New()
			}
			h, store := virtual(t, true, users...)
			defer h.Stop(context.Background())
			told := make(chan time.Time, len(users))
			for _, u := range users {
				changes, _ := h.ViewerChanges(t.Context(), testViewer(workspace, u))
				go func() {
					for range changes {
						told <- time.Now()
					}
				}()
			}
			began := time.Now()
			for _, u := range users {
				raise(store, u)
			}
			h.PolicyChanged(workspace)
			perSecond := make(map[int]int)
			for range users {
				perSecond[int(receive(t, told).Sub(began)/time.Second)]++
			}
			for second, n := range perSecond {
				if second > 4 || n > 180 {
					t.Errorf("%d of %d were told in second %d", n, len(users), second)
				}
			}
			if perSecond[3]+perSecond[4] == 0 {
				t.Error("nobody waited")
			}
			h.PolicyChanged(workspace)
			synctest.Wait()
			for _, u := range users[:20] {
				raise(store, u)
				h.ViewerChanged(u)
				at := time.Now()
				if took := receive(t, told).Sub(at); took > viewerPause {
					t.Errorf("a change of their own took %v", took)
				}
			}
		})
	})
	t.Run("OnAnotherReplica", func(t *testing.T) {
		t.Parallel()
		b := setup(t, 2, seldom) // the message alone brings it: a reconciler would be too late
		changes, err := b.hubs[0].ViewerChanges(t.Context(), b.viewer())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			raise(b.store, b.user)
			b.hubs[1].ViewerChanged(b.user)
			receive(t, changes)
		}
	})
}
