package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// PolicyRule is a rule of the district as data: a time rule, the lamps, the
// rating scale, privacy masks, a derived fact.
type PolicyRule struct{ ent.Schema }

// Mixin of PolicyRule.
func (PolicyRule) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of PolicyRule.
func (PolicyRule) Fields() []ent.Field {
	return []ent.Field{
		field.String("section").Immutable().Comment("One of time_rules, lamps, evaluation, privacy …"),
		field.String("code").Immutable().Comment("The rule's id in its section, e.g. T6."),
		field.JSON("body", map[string]any{}).Annotations(entgql.Type("JSON")).Comment("The rule as the pack writes it, with its source."),
	}
}

// Indexes of PolicyRule.
func (PolicyRule) Indexes() []ent.Index {
	return []ent.Index{index.Fields("section", "code").Unique()}
}

// Annotations of PolicyRule.
func (PolicyRule) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.Skip(entgql.SkipWhereInput), entgql.MultiOrder()}
}
