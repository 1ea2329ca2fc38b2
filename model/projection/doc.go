// Package projection renders parts of an answer that need no I/O straight from Go values to JSON, by a selection of
// GraphQL fields that is worked out once and not again for every object.
//
// The executor collects the fields of every object anew and starts a goroutine for every element of a list. For a
// settings page of 180 objects, or for the same event sent to ten thousand subscribers, that is most of the work, and
// none of it is needed where nothing can block and nothing can fail.
//
// It owns the merging of selections (specification of GraphQL, October 2021, section 6.3.2: aliases, fragments, @skip
// and @include) and the JSON of the API's types, which is the executor's byte for byte. It owns no field that needs a
// resolver: [Compile] refuses a selection that has one.
//
// What a caller must know:
//   - The GraphQL name of an object is the name of its Go type. A field is a Go field or a method without arguments of
//     the same name, whatever its case. An object belongs to an interface or union when it has gqlgen's marker method.
//   - The document must have been validated.
//   - A Plan is safe for concurrent use and good for the variables it was compiled with.
package projection
