package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// Zone is a functional area that planning standards speak of.
type Zone struct{ ent.Schema }

// Mixin of Zone.
func (Zone) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}, mixin.Retirable{}} }

// Fields of Zone.
func (Zone) Fields() []ent.Field {
	return []ent.Field{
		field.String("code").Unique().Immutable().Annotations(entgql.OrderField("CODE")).Comment("Stable code, the pack's id; a value of the fact \"zone\"."),
		field.String("name"),
		field.String("name_en").Optional(),
		field.String("basis").Optional(),
		field.String("confidence").Optional(),
	}
}

// Edges of Zone.
func (Zone) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("region", Region.Type).Ref("zones").Unique(),
	}
}

// Annotations of Zone.
func (Zone) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
