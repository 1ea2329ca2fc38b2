package httpd

import (
	"bytes"
	"sync"
)

// largestPooled is what a buffer may hold to be used again: one large answer must not pin its
// memory for ever.
const largestPooled = 256 << 10

type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) get() *bytes.Buffer {
	if b, ok := p.pool.Get().(*bytes.Buffer); ok {
		return b
	}
	return new(bytes.Buffer)
}

func (p *bufferPool) put(b *bytes.Buffer) {
	if b.Cap() > largestPooled {
		return
	}
	b.Reset()
	p.pool.Put(b)
}
