package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// Standard is one version of a single-item standard (单个事项标准, with its item
// and clauses) or of a joint standard (联合审批标准, with its scheme). A published
// version never changes; only the day on which it ends is written later.
type Standard struct{ ent.Schema }

// Mixin of Standard.
func (Standard) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of Standard.
func (Standard) Fields() []ent.Field {
	return []ent.Field{
		field.Enum("kind").Values("ITEM", "JOINT").Immutable(),
		field.String("code").Immutable().Annotations(entgql.OrderField("CODE")).Comment("The code of its item or scheme."),
		field.Int("version").Positive().Immutable().Annotations(entgql.OrderField("VERSION")),
		field.String("effective_from").Optional().Nillable().Immutable().
			Annotations(entgql.Type("Date"), entgql.Skip(entgql.SkipWhereInput)).Comment("First day in force; null: since ever."),
		field.String("effective_to").Optional().Nillable().
			Annotations(entgql.Type("Date"), entgql.Skip(entgql.SkipWhereInput)).Comment("First day no longer in force; null: open."),
		field.String("digest").Immutable().Comment("SHA-256 of the content, in hex."),
	}
}

// Edges of Standard.
func (Standard) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("item", Item.Type).Unique(),
		edge.To("scheme", Scheme.Type).Unique().Annotations(entgql.Skip(entgql.SkipWhereInput)),
		edge.To("clauses", Clause.Type).Annotations(entgql.RelayConnection(), entgql.Skip(entgql.SkipWhereInput)),
	}
}

// Indexes of Standard.
func (Standard) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("kind", "code", "version").Unique(),
		index.Fields("effective_from", "effective_to"),
	}
}

// Annotations of Standard.
func (Standard) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder()}
}
