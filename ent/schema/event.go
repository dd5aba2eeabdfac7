package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// Event is one thing that happened to a case, written in the same commit as
// what it changed. It never changes; only its place in the sequence is written
// after the commit, and readers see it from then on.
type Event struct{ ent.Schema }

// Mixin of Event.
func (Event) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of Event.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("seq").Optional().Nillable().Annotations(entgql.Skip()).Comment("Place among all events, without a gap."),
		field.String("case_id").Immutable().Annotations(entgql.Skip()),
		field.Int("position").Immutable().Annotations(entgql.OrderField("POSITION")).Comment("Place in its case, from 1 on without a gap."),
		field.String("kind").Immutable().Comment("The mutation's name, or that of a consequence."),
		field.Time("occurred_at").Immutable(),
		field.Time("recorded_at").Immutable(),
		field.Bool("late").Immutable().Comment("Keyed in on a later day than it happened."),
		field.String("actor").Immutable().Comment("The subject of who acted."),
		field.String("role").Immutable(),
		field.String("department").Optional().Nillable().Immutable().Comment("Code of the actor's department."),
		field.String("on_behalf_of").Optional().Nillable().Immutable(),
		field.String("mandate").Optional().Nillable().Immutable(),
		field.JSON("data", map[string]any{}).Optional().Immutable().Annotations(entgql.Type("FactSet")),
	}
}

// Edges of Event.
func (Event) Edges() []ent.Edge {
	return []ent.Edge{edge.From("case", CaseFile.Type).Ref("events").Field("case_id").Unique().Required().Immutable()}
}

// Indexes of Event.
func (Event) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("case_id", "position").Unique(),
		index.Fields("seq").Unique(),
		index.Fields("recorded_at").StorageKey("event_unsequenced").Annotations(entsql.IndexWhere("seq IS NULL")),
	}
}

// Annotations of Event.
func (Event) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
