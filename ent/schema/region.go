package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// Region is a node of the tree district → street or town → community or village.
type Region struct{ ent.Schema }

// Mixin of Region.
func (Region) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}, mixin.Retirable{}} }

// Fields of Region.
func (Region) Fields() []ent.Field {
	return []ent.Field{
		field.String("code").Unique().Immutable().Annotations(entgql.OrderField("CODE")).Comment("Stable code, the pack's id."),
		field.String("name"),
		field.String("kind").Comment("One of district, subdistrict, town, community or village."),
		field.String("confidence").Optional().Comment("How sure the pack is: high, medium or low."),
		field.String("note").Optional(),
	}
}

// Edges of Region.
func (Region) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("children", Region.Type).Annotations(entgql.RelayConnection(), entgql.Skip(entgql.SkipWhereInput)).
			From("parent").Unique().Annotations(entgql.Skip(entgql.SkipWhereInput)),
		edge.To("zones", Zone.Type).Annotations(entgql.RelayConnection(), entgql.Skip(entgql.SkipWhereInput)),
	}
}

// Annotations of Region.
func (Region) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder()}
}
