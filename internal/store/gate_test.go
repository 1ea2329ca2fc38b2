package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heffl/bff/model"
)

func TestGate(t *testing.T) {
	t.Parallel()
	t.Run("RefusesTheExcess", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(2, time.Second)
			for range 2 {
				if err := g.enter(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			begin := time.Now()
			err := wrap("try", g.inside(t.Context(), func() error { t.Error("let in"); return nil }))
			var known *model.Error
			if took := time.Since(begin); !errors.As(err, &known) || known.Code != model.CodeUnavailable || took != time.Second {
				t.Errorf("%v after %v", err, took)
			}
			g.leave()
			if err := g.inside(t.Context(), func() error { return nil }); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("InTheOrderTheyCame", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(1, time.Minute)
			if err := g.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			let := make(chan int, 10)
			for i := range 10 {
				go func() {
					if err := g.inside(t.Context(), func() error { let <- i; return nil }); err != nil {
						t.Error(err)
					}
				}()
				synctest.Wait()
			}
			g.leave()
			for i := range 10 {
				if got := <-let; got != i {
					t.Errorf("%d was let in at place %d", got, i)
				}
			}
		})
	})
	t.Run("EndsWithTheContext", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g := newGate(1, time.Minute)
			if err := g.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := g.enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	})
}
