package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/standard"
)

// Fact is a word of the typed vocabulary in which projects are described. A
// fact that left the pack is retired, not deleted: clause versions that were
// once in force still speak of it.
type Fact struct{ ent.Schema }

// Mixin of Fact.
func (Fact) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}, mixin.Retirable{}} }

// Fields of Fact.
func (Fact) Fields() []ent.Field {
	return []ent.Field{
		field.String("key").Unique().Immutable(),
		field.JSON("definition", standard.Fact{}).Comment("Kind, unit, range, values and role."),
		field.JSON("retired_values", []standard.FactValue{}).Optional().Comment("Enum values that left the pack."),
	}
}

// Annotations of Fact: GraphQL serves facts from the compiled vocabulary.
func (Fact) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
