// Package pbtest helps tests of code that maps messages of the contract to types
// of its own: a field that somebody forgets must make a test fail.
package pbtest

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Fill gives a value that is not its zero to every field of m, and of what m
// holds; lists get two elements, maps one. No two texts are equal. Of a oneof it
// sets the last field; Oneofs gives the others.
func Fill(m protoreflect.ProtoMessage) {
	n := 0
	fill(m.ProtoReflect(), &n)
}

// Oneofs gives, for each field of a oneof of m, its name and a setter.
func Oneofs(m protoreflect.ProtoMessage) map[string]func(protoreflect.ProtoMessage) {
	out := map[string]func(protoreflect.ProtoMessage){}
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.ContainingOneof() == nil {
			continue
		}
		out[string(f.Name())] = func(m protoreflect.ProtoMessage) {
			n := 0
			m.ProtoReflect().Set(f, value(m.ProtoReflect(), f, &n))
		}
	}
	return out
}

func fill(m protoreflect.Message, n *int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case f.IsMap():
			entries := m.Mutable(f).Map()
			entries.Set(scalar(f.MapKey(), n).MapKey(), scalar(f.MapValue(), n))
		case f.IsList():
			list := m.Mutable(f).List()
			for range 2 {
				if f.Message() != nil {
					element := list.NewElement()
					fill(element.Message(), n)
					list.Append(element)
				} else {
					list.Append(scalar(f, n))
				}
			}
		default:
			m.Set(f, value(m, f, n))
		}
	}
}

func value(m protoreflect.Message, f protoreflect.FieldDescriptor, n *int) protoreflect.Value {
	if f.Message() != nil {
		v := m.NewField(f)
		fill(v.Message(), n)
		return v
	}
	return scalar(f, n)
}

func scalar(f protoreflect.FieldDescriptor, n *int) protoreflect.Value {
	*n++
	switch f.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(fmt.Sprintf("%s-%03d", f.Name(), *n))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(fmt.Appendf(nil, "%s-%03d", f.Name(), *n))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(1).Number())
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(*n))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(*n))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(*n))
	}
	panic(fmt.Sprintf("pbtest: no value for %s", f.FullName()))
}

// Empty lists the fields of m, and of what m holds, that are not set: what a
// mapping has forgotten.
func Empty(m protoreflect.ProtoMessage) []string { return empty(m.ProtoReflect()) }

func empty(m protoreflect.Message) []string {
	var names []string
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case !m.Has(f) && f.ContainingOneof() != nil && m.WhichOneof(f.ContainingOneof()) != nil:
		case !m.Has(f):
			names = append(names, string(f.FullName()))
		case f.IsMap() || f.Message() == nil:
		case f.IsList():
			names = append(names, empty(m.Get(f).List().Get(0).Message())...)
		default:
			names = append(names, empty(m.Get(f).Message())...)
		}
	}
	return names
}
