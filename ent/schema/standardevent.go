package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// StandardEvent is one thing that happened to a draft or a coordination, written
// in the same commit as what it changed.
type StandardEvent struct{ ent.Schema }

// Mixin of StandardEvent.
func (StandardEvent) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of StandardEvent.
func (StandardEvent) Fields() []ent.Field {
	return []ent.Field{
		field.String("draft_id").Optional().Nillable().Immutable().Annotations(entgql.Skip()),
		field.String("coordination_id").Optional().Nillable().Immutable().Annotations(entgql.Skip()),
		field.Int("position").Immutable().Annotations(entgql.OrderField("POSITION")).Comment("Place in its draft or coordination, from 1 on."),
		field.String("kind").Immutable().Comment("The mutation's name."),
		field.Time("occurred_at").Immutable(),
		field.Time("recorded_at").Immutable(),
		field.Bool("late").Immutable(),
		field.String("actor").Immutable(),
		field.String("role").Immutable(),
		field.String("department").Optional().Nillable().Immutable(),
		field.JSON("data", map[string]any{}).Optional().Immutable().Annotations(entgql.Type("FactSet")),
	}
}

// Edges of StandardEvent.
func (StandardEvent) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("draft", StandardDraft.Type).Ref("events").Field("draft_id").Unique().Immutable().Annotations(entgql.Skip()),
		edge.From("coordination", Coordination.Type).Ref("events").Field("coordination_id").Unique().Immutable().Annotations(entgql.Skip()),
	}
}

// Indexes of StandardEvent.
func (StandardEvent) Indexes() []ent.Index {
	return []ent.Index{index.Fields("draft_id", "position"), index.Fields("coordination_id", "position")}
}

// Annotations of StandardEvent.
func (StandardEvent) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
