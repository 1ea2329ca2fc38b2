package httpd

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()

	t.Run("ByBytes", func(t *testing.T) {
		t.Parallel()
		c := newSizedCache[int](100)
		for i := range 50 {
			c.add(strconv.Itoa(i), i, 30)
			if c.size > 100 || c.size != 30*c.lru.Len() {
				t.Fatalf("%d bytes in %d entries", c.size, c.lru.Len())
			}
		}
		if _, ok := c.get("49"); !ok {
			t.Error("the newest is gone")
		}
		if _, ok := c.get("0"); ok {
			t.Error("the oldest is still there")
		}
	})

	t.Run("ByCount", func(t *testing.T) {
		t.Parallel()
		c := newSizedCache[int](1 << 30)
		for i := range 2 * maxCacheEntries {
			c.add(strconv.Itoa(i), i, 1)
		}
		if c.lru.Len() != maxCacheEntries || c.size != maxCacheEntries {
			t.Errorf("%d bytes in %d entries", c.size, c.lru.Len())
		}
	})

	t.Run("TooLarge", func(t *testing.T) {
		t.Parallel()
		c := newSizedCache[int](1 << 30)
		c.add("a", 1, maxCacheEntry)
		c.add("b", 2, maxCacheEntry+1)
		if _, ok := c.get("b"); ok || c.lru.Len() != 1 {
			t.Errorf("%d entries, the one that is too large: %t", c.lru.Len(), ok)
		}
	})

	t.Run("SameKeyCountsOnce", func(t *testing.T) {
		t.Parallel()
		c := newSizedCache[int](100)
		c.add("a", 1, 30)
		c.add("a", 2, 40)
		if v, _ := c.get("a"); v != 1 || c.size != 30 {
			t.Errorf("%d, %d bytes", v, c.size)
		}
	})

	// A stranger fills both caches of a server with all that one may send.
	t.Run("Flood", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for i := range 3000 {
			size := 8100
			if i%3 == 0 {
				size = 60_000
			}
			text := fmt.Sprintf("{a%d:__typename}#", i) + strings.Repeat("x", size)
			if _, code := b.createFrom(t, persistedParams(text)); code != "" {
				t.Fatal(code)
			}
			if b.engine.persisted.size > maxPersisted || b.engine.documents.size > maxDocumentText {
				t.Fatalf("after %d: %d and %d bytes", i, b.engine.persisted.size, b.engine.documents.size)
			}
		}
		if b.engine.persisted.lru.Len() == 0 || b.engine.documents.lru.Len() == 0 {
			t.Error("nothing is remembered")
		}
	})
}

// persistedParams is a request that brings a text and its hash.
func persistedParams(text string) *graphql.RawParams {
	return &graphql.RawParams{Query: text, Extensions: map[string]any{
		"persistedQuery": map[string]any{"version": 1, "sha256Hash": hashOf(text)},
	}}
}

// TestRefusedDocuments shows that a text that is not fit to run is judged, and paid for, once.
func TestRefusedDocuments(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"Unreadable":  "{viewer{id}",
		"NoOperation": "fragment f on Viewer{id}",
		"Invalid":     "{viewer{" + strings.Repeat("nothing ", 30) + "}}",
		"TooDear":     "{viewer{...a}} fragment a on Viewer{...b} fragment b on Viewer{...a}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ask := func() (float64, gqlerror.List) {
				_, owed, refused := b.document(t.Context(), caller{}, &graphql.RawParams{Query: query})
				if refused == nil {
					t.Error("not refused")
					return owed, gqlerror.List{}
				}
				return owed, refused.errors()
			}
			_, errs := ask()
			if len(errs) == 0 || len(errs) > b.engine.limits.Errors {
				t.Errorf("%d errors", len(errs))
			}
			first := errs.Error()
			b.engine.limits.Tokens = 1 // it would be refused for something else now
			var group sync.WaitGroup
			for range 4 {
				group.Go(func() {
					owed, errs := ask()
					for _, err := range b.engine.finish(t.Context(), errs) {
						err.Extensions["requestId"] = "somebody's own"
					}
					if owed != 0 || errs.Error() != first || len(errs) > 0 && errs[0].Extensions["requestId"] != nil {
						t.Errorf("owes %v for %v", owed, errs)
					}
				})
			}
			group.Wait()
		})
	}
	t.Run("PushNobodyOut", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for i := range 3_000 {
			_, fine := b.engine.judge(fmt.Sprintf("{viewer{id}} # %d", i%20))
			_, refused := b.engine.judge(fmt.Sprintf("{nothing} # %d%s", i, strings.Repeat(" ", 1_000)))
			if len(fine) > 0 || len(refused) == 0 {
				t.Fatal(fine, refused)
			}
		}
		if got := b.engine.documents.lru.Len(); got != 20 || b.engine.refused.size > maxRefused {
			t.Errorf("%d documents, %d bytes of refused ones", got, b.engine.refused.size)
		}
	})
	t.Run("KeepLittle", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		// One error of 700 KB for 1 KB of text, and ten errors for a hundred bytes.
		conflicts := "{viewer{" + strings.Repeat("id ", 99) + "}viewer{" + strings.Repeat("id:name ", 99) + "}}"
		for i := range 200 {
			for _, text := range []string{conflicts, "{" + strings.Repeat("nothing"+strings.Repeat("x", 100)+" ", 12) + "}"} {
				if _, errs := b.engine.judge(fmt.Sprintf("%s#%d", text, i)); len(errs) == 0 {
					t.Fatal("not refused")
				}
			}
		}
		kept := 0
		for _, text := range b.engine.refused.lru.Keys() {
			errs, _ := b.engine.refused.get(text)
			kept += len(text)
			for _, err := range errs {
				if err.Err != nil {
					t.Errorf("keeps %v", err.Err)
				}
				kept += len(err.Message) + 32*len(err.Locations)
			}
		}
		if kept == 0 || kept > b.engine.refused.size || b.engine.refused.size > maxRefused {
			t.Errorf("%d bytes kept, %d counted", kept, b.engine.refused.size)
		}
	})
}
