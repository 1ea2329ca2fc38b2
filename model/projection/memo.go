package projection

import (
	"runtime"
	"sync"
	"weak"
)

// Memo remembers something about each of many values for as long as they are there: it keeps none of them. What is
// remembered must not refer to its key. The zero Memo is ready to use, by any number of goroutines.
//
// What belongs to documents that strangers send is kept in one: how many documents are remembered, and how large they
// may be, is then decided in one place, where they are parsed.
type Memo[K, V any] struct{ known sync.Map } // weak.Pointer[K] → V

// Get is what is remembered about a value.
func (m *Memo[K, V]) Get(key *K) (value V, ok bool) {
	found, ok := m.known.Load(weak.Make(key))
	if !ok {
		return value, false
	}
	return found.(V), true
}

// Put remembers something about a value, if nothing is yet, and answers what is remembered now.
func (m *Memo[K, V]) Put(key *K, value V) V {
	place := weak.Make(key)
	first, there := m.known.LoadOrStore(place, value)
	if !there {
		runtime.AddCleanup(key, func(gone weak.Pointer[K]) { m.known.Delete(gone) }, place)
	}
	return first.(V)
}
