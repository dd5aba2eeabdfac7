package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// ItemMaterial is one paper that an item's version asks for (申请材料).
type ItemMaterial struct{ ent.Schema }

// Mixin of ItemMaterial.
func (ItemMaterial) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of ItemMaterial.
func (ItemMaterial) Fields() []ent.Field {
	return []ent.Field{
		field.String("code").Immutable().Comment("Stable code: the pack's id, or the name where the pack gives none."),
		field.String("pack_id").Optional().Immutable().Annotations(entgql.Skip()),
		field.String("name").Immutable(),
		field.String("brought_by").Immutable().Comment("One of applicant, shared (fetched from data sharing) or agency."),
		field.Bool("tolerable").Immutable().Comment("May come later (容缺)."),
	}
}

// Edges of ItemMaterial.
func (ItemMaterial) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("item", ItemVersion.Type).Ref("materials").Unique().Required().Immutable(),
	}
}

// Annotations of ItemMaterial.
func (ItemMaterial) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("materials"), entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
