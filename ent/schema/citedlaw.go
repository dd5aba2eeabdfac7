package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// CitedLaw is a source that items and clauses cite, with how its text was checked.
type CitedLaw struct{ ent.Schema }

// Mixin of CitedLaw.
func (CitedLaw) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of CitedLaw.
func (CitedLaw) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Unique().Immutable().Annotations(entgql.OrderField("NAME")),
		field.String("checked").Comment("How the citation was checked: text, web, knowledge or district."),
		field.Strings("places").Annotations(entgql.Type("[String!]")).Comment("Where the text was read."),
	}
}

// Annotations of CitedLaw.
func (CitedLaw) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Type("Law"), entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
