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

// Review is one item of one case in one department (审查).
type Review struct{ ent.Schema }

// Mixin of Review.
func (Review) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of Review.
func (Review) Fields() []ent.Field {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Field{
		field.Int("position").Immutable().Annotations(entgql.Skip(entgql.SkipType|entgql.SkipWhereInput), entgql.OrderField("POSITION")),
		field.String("case_id").Immutable().Annotations(entgql.Skip()),
		field.String("item_id").Immutable().Annotations(entgql.Skip()),
		field.String("department_id").Immutable().Annotations(entgql.Skip()),
		field.Bool("lead").Immutable().Annotations(skip),
		field.Bool("binding").Immutable().Annotations(skip).Comment("Its dissent refuses the item; otherwise the lead may overrule it."),
		field.Bool("safety_of_life").Immutable().Annotations(skip).Comment("Its silence is never consent."),
		field.Enum("state").GoType(casework.ReviewState("")).Annotations(entgql.Type("ReviewState"), entgql.OrderField("STATE")),
		field.Enum("opinion").GoType(casework.Opinion("")).Optional().Nillable().Annotations(entgql.Type("Opinion")),
		field.JSON("reasons", []casework.Reason{}).Annotations(entgql.Type("[OpinionReason!]")),
		field.Strings("after").Annotations(entgql.Type("[String!]")).Comment("Codes of the items whose results it waits for."),
		field.Time("copy_sent_at").Immutable().Annotations(skip).Comment("The copy notice (抄告)."),
		field.Time("copy_received_at").Immutable().Annotations(skip).Comment("In the department's inbox, which is on this platform: as it is sent."),
		field.Time("copy_opened_at").Optional().Nillable(),
		field.Time("opened_at").Optional().Nillable().Annotations(skip).Comment("Its clock starts then."),
		field.Time("answered_at").Optional().Nillable(),
		field.String("due_on").Optional().Nillable().Annotations(entgql.Type("Date"), skip, entgql.OrderField("DUE_ON")),
		field.JSON("ledger", casework.Ledger{}).Annotations(entgql.Skip()),
		field.JSON("findings", []casework.Finding{}).Annotations(entgql.Skip()),
	}
}

// Edges of Review.
func (Review) Edges() []ent.Edge {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Edge{
		edge.From("case", CaseFile.Type).Ref("reviews").Field("case_id").Unique().Required().Immutable().Annotations(skip),
		edge.To("item", ItemVersion.Type).Field("item_id").Unique().Required().Immutable().Annotations(skip),
		edge.To("department", Department.Type).Field("department_id").Unique().Required().Immutable().Annotations(skip),
	}
}

// Indexes of Review.
func (Review) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("case_id", "position").Unique(),
		index.Fields("department_id", "state", "due_on"),
		index.Fields("department_id", "case_id"), // which cases a department sees
	}
}

// Annotations of Review.
func (Review) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder()}
}
