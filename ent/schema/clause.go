package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/law"
)

// Clause is one condition, prohibition or duty of a standard's version (条款).
type Clause struct{ ent.Schema }

// Mixin of Clause.
func (Clause) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of Clause.
func (Clause) Fields() []ent.Field {
	return []ent.Field{
		field.String("code").Immutable().Annotations(entgql.OrderField("CODE")).Comment("Stable code, the pack's id."),
		field.String("category").Immutable(),
		field.String("kind").Immutable().Comment("One of condition, prohibition, mitigation, obligation, rule or advice."),
		field.String("text").Immutable(),
		field.String("text_en").Optional().Immutable(),
		field.String("applies").Immutable().Comment("CEL over facts: when the clause concerns a project."),
		field.String("requires").Optional().Nillable().Immutable().Comment("CEL over facts: what it demands; null: a person must judge."),
		field.String("manual").Optional().Nillable().Immutable().Comment("What the person looks at."),
		field.Strings("evidence").Immutable().Annotations(entgql.Type("[String!]")),
		field.Bool("promisable").Immutable().Comment("May be met by a commitment (告知承诺)."),
		field.JSON("basis", []law.Basis{}).Immutable().Annotations(entgql.Type("[LegalBasis!]")),
		field.String("level").Optional().Immutable().Comment("One of national, province, city or district."),
		field.String("effective_from").Optional().Nillable().Immutable().Annotations(entgql.Type("Date")).Comment("First day on which the rule itself is law; null: open."),
		field.String("effective_to").Optional().Nillable().Immutable().Annotations(entgql.Type("Date")).Comment("Last day on which the rule itself is law; null: open."),
		field.String("interpretation_group").Optional().Nillable().Immutable().Comment("Clauses that read one rule differently."),
		field.String("confidence").Optional().Immutable(),
		field.String("verified").Optional().Immutable(),
		field.JSON("rulings", []law.Ruling{}).Optional().Immutable().Annotations(entgql.Type("[Ruling!]")).Comment("Of coordinating bodies on this clause."),
	}
}

// Edges of Clause.
func (Clause) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("standard", StandardVersion.Type).Ref("clauses").Unique().Required().Immutable(),
		edge.From("department", Department.Type).Ref("clauses").Unique().Required().Immutable(),
	}
}

// Indexes of Clause.
func (Clause) Indexes() []ent.Index {
	return []ent.Index{index.Fields("code").Edges("standard").Unique()}
}

// Annotations of Clause.
func (Clause) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
