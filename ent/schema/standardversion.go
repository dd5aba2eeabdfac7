package schema

import (
	"regexp"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// StandardVersion is one version of a single-item standard (单个事项标准, with its item
// and clauses) or of a joint standard (联合审批标准, with its scheme). A published
// version never changes; only the day on which it ends is written later.
type StandardVersion struct{ ent.Schema }

// Mixin of StandardVersion.
func (StandardVersion) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of StandardVersion.
func (StandardVersion) Fields() []ent.Field {
	return []ent.Field{
		field.String("kind").Immutable().Match(regexp.MustCompile("^(ITEM|JOINT)$")).
			Annotations(entgql.Type("StandardKind"), entgql.Skip(entgql.SkipWhereInput)),
		field.String("code").Immutable().Annotations(entgql.OrderField("CODE")).Comment("The code of its item or scheme."),
		field.Int("version").Positive().Immutable().Annotations(entgql.OrderField("VERSION")),
		field.String("effective_from").Optional().Nillable().Immutable().
			Annotations(entgql.Type("Date"), entgql.Skip(entgql.SkipWhereInput)).Comment("First day in force; null: since ever."),
		field.String("effective_to").Optional().Nillable().
			Annotations(entgql.Type("Date"), entgql.Skip(entgql.SkipWhereInput)).Comment("First day no longer in force; null: open."),
		field.String("digest").Immutable().Comment("SHA-256 of the content, in hex."),
		field.Time("published_at").Optional().Nillable().Immutable().Annotations(entgql.Skip(entgql.SkipWhereInput)).Comment("Null: by the first import."),
		field.String("reason").Optional().Nillable().Immutable().Annotations(entgql.Skip(entgql.SkipWhereInput)).Comment("Why it was drafted; null: by an import."),
	}
}

// Edges of StandardVersion.
func (StandardVersion) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("item", ItemVersion.Type).Unique(),
		edge.To("scheme", SchemeVersion.Type).Unique().Annotations(entgql.Skip(entgql.SkipWhereInput)),
		edge.To("clauses", Clause.Type).Annotations(entgql.RelayConnection(), entgql.Skip(entgql.SkipWhereInput)),
	}
}

// Indexes of StandardVersion.
func (StandardVersion) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("kind", "code", "version").Unique(),
		index.Fields("effective_from", "effective_to"),
	}
}

// Annotations of StandardVersion.
func (StandardVersion) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Type("Standard"), entgql.RelayConnection(), entgql.MultiOrder()}
}
