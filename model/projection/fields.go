package projection

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/vektah/gqlparser/v2/ast"
)

// fields are what is selected of an object, in the order of the answer. The fields of objects that are part of it stand
// among its own.
type fields struct {
	parts []part
	tail  string
}

// part is one value, with all that comes before it.
type part struct {
	head   string
	owner  []int // where the object that has it is in the outermost one
	index  []int // where the value is there; nil: getter
	getter Getter
	render render
	shared bool
}

func (c *compiler) object(o *object, sel ast.SelectionSet) (render, error) {
	f := new(fields)
	if err := c.add(f, o, sel, nil); err != nil {
		return nil, err
	}
	return f.append, nil
}

// add adds what is selected of an object that is found at a place of the outermost one.
func (c *compiler) add(f *fields, o *object, sel ast.SelectionSet, owner []int) error {
	f.tail += "{"
	for i, selected := range c.collect(make([]collected, 0, len(sel)), sel, o, map[string]bool{}) {
		if i > 0 {
			f.tail += ","
		}
		f.tail += `"` + selected.key + `":` // a name of GraphQL has nothing to escape
		if selected.name == "__typename" {
			f.tail += `"` + o.name + `"`
			continue
		}
		if slices.Contains(c.except, selected.name) {
			return fmt.Errorf("%w: %s.%s", ErrResolver, o.name, selected.name)
		}
		p := part{owner: owner, shared: slices.Contains(o.shared, selected.name)}
		var t reflect.Type
		if getter, ok := o.getters[selected.name]; ok {
			p.getter, t = getter, getter.result
		} else if field, ok := o.field(selected.name); ok {
			p.index, t = slices.Concat(owner, field.Index), field.Type
		} else {
			return fmt.Errorf("%w: %s.%s", ErrResolver, o.name, selected.name)
		}
		if p.index != nil && !p.shared && plainObject(t) {
			if err := c.add(f, objectOf(t), selected.sel, p.index); err != nil {
				return err
			}
			continue
		}
		var err error
		if p.render, err = c.value(t, selected.sel); err != nil {
			return err
		}
		p.head, f.tail = f.tail, ""
		f.parts = append(f.parts, p)
	}
	f.tail += "}"
	return nil
}

func (f *fields) append(b []byte, v reflect.Value) []byte {
	for i := range f.parts {
		p := &f.parts[i]
		b = p.append(append(b, p.head...), v)
	}
	return append(b, f.tail...)
}

func (p *part) append(b []byte, v reflect.Value) []byte {
	if p.index != nil {
		return p.render(b, v.FieldByIndex(p.index))
	}
	if len(p.owner) > 0 {
		v = v.FieldByIndex(p.owner)
	}
	pointer := v.Addr().Interface()
	if p.getter.text != nil {
		return AppendString(b, p.getter.text(pointer))
	}
	return p.render(b, p.getter.get(pointer))
}
