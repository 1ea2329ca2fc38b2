package projection

import (
	"reflect"
	"strings"
	"sync"
)

// Getters give fields of an object that are not Go fields. A value is made by [Get].
type Getters map[string]Getter

// Getter gives the value of one field. The pointer is to the object.
type Getter struct {
	result reflect.Type
	get    func(object any) reflect.Value
	text   func(object any) string // instead of get, for strings
}

// Get makes a getter of a method expression, for example Get((*Notification).Title).
func Get[T, R any](method func(*T) R) Getter {
	g := Getter{
		result: reflect.TypeFor[R](),
		get: func(object any) reflect.Value {
			result := method(object.(*T))
			return reflect.ValueOf(&result).Elem()
		},
	}
	if text, ok := any(method).(func(*T) string); ok {
		g.text = func(object any) string { return text(object.(*T)) }
	}
	return g
}

// Object is implemented by (pointers to) objects that have fields which are not Go fields. It must work on nil.
type Object interface{ ProjectedFields() Getters }

// object is a Go type that is an object of the schema.
type object struct {
	t       reflect.Type // a struct
	name    string
	getters Getters
	shared  []string
}

// plainObject reports whether a type is rendered as an object, field by field.
func plainObject(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(textType) && !t.Implements(marshalType)
}

// objects remembers what was found out about a type.
var objects sync.Map // reflect.Type → *object

func objectOf(t reflect.Type) *object {
	if known, ok := objects.Load(t); ok {
		return known.(*object)
	}
	o := &object{t: t, name: t.Name()}
	if own, ok := reflect.TypeAssert[Object](reflect.Zero(reflect.PointerTo(t))); ok {
		o.getters = own.ProjectedFields()
	}
	if own, ok := reflect.TypeAssert[Sharer](reflect.Zero(reflect.PointerTo(t))); ok {
		o.shared = own.SharedFields()
	}
	known, _ := objects.LoadOrStore(t, o)
	return known.(*object)
}

// is reports whether the object satisfies a type condition; gqlgen marks the objects of an interface by a method.
func (o *object) is(condition string) bool {
	if condition == "" || condition == o.name {
		return true
	}
	_, marked := reflect.PointerTo(o.t).MethodByName("Is" + condition)
	return marked
}

// field finds the Go field with the name of a field of the schema.
func (o *object) field(name string) (reflect.StructField, bool) {
	for f := range o.t.Fields() {
		if !f.IsExported() {
			continue
		}
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name || tag == "" && strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}
