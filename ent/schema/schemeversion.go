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

// SchemeVersion is one version of how an industry's items are handled together
// (联合审批方案).
type SchemeVersion struct{ ent.Schema }

// Mixin of SchemeVersion.
func (SchemeVersion) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of SchemeVersion.
func (SchemeVersion) Fields() []ent.Field {
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

// Edges of SchemeVersion.
func (SchemeVersion) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("standard", StandardVersion.Type).Ref("scheme").Unique().Required(),
		edge.To("lead", Department.Type).Unique().Required().Immutable(),
	}
}

// Indexes of SchemeVersion.
func (SchemeVersion) Indexes() []ent.Index {
	return []ent.Index{index.Fields("code", "version").Unique()}
}

// Annotations of SchemeVersion.
func (SchemeVersion) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Type("Scheme"), entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
