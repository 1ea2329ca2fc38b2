package resolvers

import (
	"slices"
	"strconv"
)

// at is the path of a field below another; it shares no memory with it.
func at(path []string, names ...string) []string {
	return append(slices.Clone(path), names...)
}

// indexed is the path of an element of a list: input.events.3.
func indexed(names ...any) []string {
	path := make([]string, len(names))
	for i, name := range names {
		switch v := name.(type) {
		case string:
			path[i] = v
		case int:
			path[i] = strconv.Itoa(v)
		}
	}
	return path
}
