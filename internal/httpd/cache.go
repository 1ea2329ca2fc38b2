package httpd

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Bounds of the caches that are filled by what clients send. A parsed document takes about twenty times the memory of its
// text; what is wrong with those that were refused has a cache of its own, so that it never pushes out one that is in use.
const (
	maxCacheEntry   = 8 << 10
	maxCacheEntries = 2_000
	maxDocumentText = 4 << 20
	maxRefused      = 1 << 20
	maxPersisted    = 8 << 20
)

// sizedCache is an LRU bounded by count and by the bytes of the texts it was filled with, because
// a stranger chooses their size.
type sizedCache[V any] struct {
	most, entry int // bytes: of all together, and of one

	mu   sync.Mutex // guards the fields below
	lru  *simplelru.LRU[string, sizedEntry[V]]
	size int
}

type sizedEntry[V any] struct {
	value V
	bytes int
}

func newSizedCache[V any](most int) *sizedCache[V] {
	c := &sizedCache[V]{most: most, entry: maxCacheEntry}
	lru, err := simplelru.NewLRU(maxCacheEntries, func(_ string, e sizedEntry[V]) { c.size -= e.bytes })
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	c.lru = lru
	return c
}

func (c *sizedCache[V]) get(key string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.lru.Get(key)
	return e.value, ok
}

// add keeps a value that costs so many bytes; what is too large is not kept at all.
func (c *sizedCache[V]) add(key string, value V, bytes int) {
	if bytes > c.entry {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lru.Contains(key) {
		return
	}
	c.lru.Add(key, sizedEntry[V]{value: value, bytes: bytes})
	c.size += bytes
	for c.size > c.most {
		c.lru.RemoveOldest()
	}
}
