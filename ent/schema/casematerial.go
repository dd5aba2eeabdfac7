package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/casework"
)

// CaseMaterial is one paper of one case: asked for, and perhaps here.
type CaseMaterial struct{ ent.Schema }

// Mixin of CaseMaterial.
func (CaseMaterial) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of CaseMaterial.
func (CaseMaterial) Fields() []ent.Field {
	return []ent.Field{
		field.Int("position").Annotations(entgql.Skip(entgql.SkipType), entgql.OrderField("POSITION")),
		field.String("case_id").Immutable().Annotations(entgql.Skip()),
		field.String("code").Comment("As in the guide."),
		field.String("name"),
		field.String("source").Annotations(entgql.Type("MaterialSource")),
		field.Strings("from_items").Optional().Annotations(entgql.Type("[String!]")).Comment("INTERNAL: codes of the items whose result it is, passed inside."),
		field.Bool("tolerable").Comment("SECONDARY (次要): may come later."),
		field.JSON("file", &casework.File{}).Optional().Annotations(entgql.Skip()),
		field.Enum("trust").GoType(casework.Trust("")).Optional().Nillable().Annotations(entgql.Type("Trust")),
		field.String("attached_by").Optional().Nillable(),
		field.Time("attached_at").Optional().Nillable(),
		field.Bool("on_paper").Comment("The window has it before it on paper."),
		field.String("due_on").Optional().Nillable().Annotations(entgql.Type("Date")).Comment("Tolerated: the day by which it must come."),
		field.Time("missed_at").Optional().Nillable(),
	}
}

// Edges of CaseMaterial.
func (CaseMaterial) Edges() []ent.Edge {
	return []ent.Edge{edge.From("case", CaseFile.Type).Ref("materials").Field("case_id").Unique().Required().Immutable()}
}

// Indexes of CaseMaterial.
func (CaseMaterial) Indexes() []ent.Index {
	return []ent.Index{index.Fields("case_id", "code").Unique()}
}

// Annotations of CaseMaterial.
func (CaseMaterial) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Type("Material"), entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
