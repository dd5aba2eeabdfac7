package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// Material is one paper that an item's version asks for (申请材料).
type Material struct{ ent.Schema }

// Mixin of Material.
func (Material) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of Material.
func (Material) Fields() []ent.Field {
	return []ent.Field{
		field.String("code").Immutable().Comment("Stable code: the pack's id, or the name where the pack gives none."),
		field.String("pack_id").Optional().Immutable().Annotations(entgql.Skip()),
		field.String("name").Immutable(),
		field.String("brought_by").Immutable().Comment("applicant, shared (fetched from data sharing) or agency."),
		field.Bool("tolerable").Immutable().Comment("May come later (容缺)."),
	}
}

// Edges of Material.
func (Material) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("item", ItemVersion.Type).Ref("materials").Unique().Required().Immutable(),
	}
}

// Annotations of Material.
func (Material) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
