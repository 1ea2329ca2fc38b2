package projection

import "reflect"

// Sharer is implemented by (pointers to) objects that many people have, each their own, and that differ in some fields
// only. It must work on nil.
type Sharer interface {
	// SharedFields are the fields of the schema that are the same for everybody: a written list, so that a new field is
	// everybody's own until somebody has thought about it.
	SharedFields() []string
}

// Shared is what values of one plan have in common, as it stands in the answer: the texts between their own values.
type Shared []string

// Share renders what the value has in common with others, once for all of them; nil when that is nothing.
func (p *Plan) Share(pointer any) Shared {
	if p.fields == nil {
		return nil
	}
	v := reflect.ValueOf(pointer).Elem()
	var texts Shared
	var text []byte
	any := false
	for i := range p.fields.parts {
		part := &p.fields.parts[i]
		text = append(text, part.head...)
		if part.shared {
			text, any = part.append(text, v), true
			continue
		}
		texts, text = append(texts, string(text)), text[:0]
	}
	if !any {
		return nil
	}
	return append(texts, string(append(text, p.fields.tail...)))
}

// AppendShared appends the same as Append, from what was rendered of another value that shares it.
func (p *Plan) AppendShared(b []byte, shared Shared, pointer any) []byte {
	v := reflect.ValueOf(pointer).Elem()
	next := 0
	for i := range p.fields.parts {
		if part := &p.fields.parts[i]; !part.shared {
			b = part.append(append(b, shared[next]...), v)
			next++
		}
	}
	return append(b, shared[next]...)
}
