package projection_test

import (
	"runtime"
	"sync"
	"testing"
	"weak"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/heffl/bff/model"
	"github.com/heffl/bff/model/projection"
)

func TestMemo(t *testing.T) {
	t.Parallel()
	var memo projection.Memo[ast.Field, string]
	kept := &ast.Field{Name: "kept"}
	if _, ok := memo.Get(kept); ok {
		t.Error("something is known of what was never seen")
	}
	if got := memo.Put(kept, "first"); got != "first" {
		t.Errorf("got %q", got)
	}
	if got := memo.Put(kept, "second"); got != "first" {
		t.Errorf("the second takes the place of the first: %q", got)
	}
	if got, ok := memo.Get(kept); !ok || got != "first" {
		t.Errorf("got %q", got)
	}

	t.Run("forgets what is gone", func(t *testing.T) { //nolint:paralleltest // it has the collector run
		var plans projection.Memo[ast.Field, *projection.Plan]
		gone := func() weak.Pointer[ast.Field] {
			op, sel := operation(t, `{cursor notification{id title subject{id} actor{name}}}`, nil)
			plan, err := projection.Compile[model.NotificationReceived](op, sel)
			if err != nil {
				t.Fatal(err)
			}
			field := sel[1].(*ast.Field)
			plans.Put(field, plan) // which must not keep the document it was made of
			return weak.Make(field)
		}()
		for range 100 {
			if runtime.GC(); gone.Value() == nil {
				break
			}
		}
		if gone.Value() != nil {
			t.Error("a plan keeps its document")
		}
		if got, ok := memo.Get(kept); !ok || got != "first" {
			t.Errorf("what is there was forgotten, too: %q", got)
		}
	})
	t.Run("at the same time", func(t *testing.T) {
		t.Parallel()
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 1000 {
					key := new(ast.Field)
					if got := memo.Put(key, "mine"); got != "mine" {
						t.Errorf("got %q", got)
					}
					memo.Get(kept)
					runtime.KeepAlive(key)
				}
			})
		}
		all.Wait()
	})
}
