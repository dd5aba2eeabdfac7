// Package mixin holds the parts that all entities share.
package mixin

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"
)

// ID is the identity of an entity: a text whose prefix names the type, such as
// dep_samr, made from the natural key, so that an import gives the same ids on
// every database.
type ID struct{ mixin.Schema }

// Fields of ID.
func (ID) Fields() []ent.Field {
	return []ent.Field{field.String("id").NotEmpty().Immutable()}
}

// Pack is what every entity of a catalogue pack carries: its position in the
// pack's file, and the fields that the pack has and our model lacks (path →
// value), which an export gives back.
type Pack struct{ mixin.Schema }

// Fields of Pack.
func (Pack) Fields() []ent.Field {
	return []ent.Field{
		field.Int("position").Annotations(entgql.Skip(entgql.SkipType|entgql.SkipWhereInput), entgql.OrderField("POSITION")),
		field.JSON("extra", map[string]any{}).Optional().Annotations(entgql.Skip()),
	}
}

// Retirable is for entries that have no versions of their own: one that left the
// pack is kept, since versions that were once in force still speak of it.
type Retirable struct{ mixin.Schema }

// Fields of Retirable.
func (Retirable) Fields() []ent.Field {
	return []ent.Field{
		field.Bool("retired").Default(false).Annotations(entgql.Skip()).Comment("Left the pack."),
	}
}
