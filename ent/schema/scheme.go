package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/scheme"
)

// Scheme is one version of how an industry's items are handled together
// (联合审批方案).
type Scheme struct{ ent.Schema }

// Mixin of Scheme.
func (Scheme) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of Scheme.
func (Scheme) Fields() []ent.Field {
	return []ent.Field{
		field.String("code").Immutable().Annotations(entgql.OrderField("CODE")).Comment("Stable code, the pack's id."),
		field.Int("version").Positive().Immutable().Comment("The version of its joint standard."),
		field.String("name").Immutable(),
		field.String("name_en").Optional().Immutable(),
		field.String("applies_when").Immutable().Comment("CEL over facts: the projects that the scheme is for."),
		field.Strings("assisting").Immutable().Annotations(entgql.Skip()).Comment("Codes of the co-departments (协办)."),
		field.Strings("intake").Immutable().Annotations(entgql.Skip()),
		field.String("coordinator").Immutable().Annotations(entgql.Skip()),
		field.JSON("clock", scheme.Clock{}).Immutable().Annotations(entgql.Type("SchemeClock")),
		field.JSON("stages", []scheme.Stage{}).Immutable().Annotations(entgql.Type("[Stage!]")),
		field.JSON("entries", []scheme.Entry{}).Immutable().Annotations(entgql.Skip()),
		field.JSON("precedence", []scheme.Edge{}).Immutable().Annotations(entgql.Skip()),
		field.JSON("zoning", []scheme.Zoning{}).Immutable().Annotations(entgql.Skip()),
		field.Strings("ask_first").Immutable().Annotations(entgql.Skip()),
		field.String("region_scope").Optional().Immutable(),
		field.String("note").Optional().Immutable(),
	}
}

// Edges of Scheme.
func (Scheme) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("standard", Standard.Type).Ref("scheme").Unique().Required(),
		edge.To("lead", Department.Type).Unique().Required().Immutable(),
	}
}

// Indexes of Scheme.
func (Scheme) Indexes() []ent.Index {
	return []ent.Index{index.Fields("code", "version").Unique()}
}

// Annotations of Scheme.
func (Scheme) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
