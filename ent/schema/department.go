package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// Department is a body with a part in approvals (实施机关).
type Department struct{ ent.Schema }

// Mixin of Department.
func (Department) Mixin() []ent.Mixin {
	return []ent.Mixin{mixin.ID{}, mixin.Pack{}, mixin.Retirable{}}
}

// Fields of Department.
func (Department) Fields() []ent.Field {
	return []ent.Field{
		field.String("code").Unique().Immutable().Annotations(entgql.OrderField("CODE")).Comment("Stable code, the pack's id."),
		field.String("name"),
		field.String("name_en").Optional(),
		field.String("role").Comment("One of approver, coordinator, intake, assistant, utility, supervisor or reviewer."),
		field.String("duties").Optional(),
		field.String("note").Optional(),
	}
}

// Edges of Department.
func (Department) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("items", ItemVersion.Type).Annotations(entgql.Skip()),
		edge.To("clauses", Clause.Type).Annotations(entgql.Skip()),
	}
}

// Annotations of Department.
func (Department) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder()}
}
