package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/drafting"
)

// Coordination is how departments whose standards contradict each other come to
// a ruling (协调). Only commands of internal/drafting change it.
type Coordination struct{ ent.Schema }

// Mixin of Coordination.
func (Coordination) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of Coordination.
func (Coordination) Fields() []ent.Field {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Field{
		field.String("number").Immutable().Unique().Comment("裁定编号, which clauses cite."),
		field.Enum("state").GoType(drafting.CoordinationState("")).Annotations(entgql.Type("CoordinationState")),
		field.Int("version").Annotations(skip).Comment("Raised by every command; see expectedVersion."),
		field.String("lead_id").Immutable().Annotations(entgql.Skip()),
		field.Strings("parties").Immutable().Annotations(entgql.Skip()),
		field.String("reason").Immutable().Annotations(skip),
		field.JSON("finding", conflict.Finding{}).Immutable().Annotations(entgql.Skip()).Comment("As it was found, with its witness."),
		field.String("found").Immutable().Annotations(entgql.Skip()).Comment("Identity of the finding."),
		field.String("analysis").Immutable().Annotations(skip).Comment("Digest of the report that it was found in."),
		field.String("draft").Optional().Nillable().Immutable().Annotations(entgql.Skip()).Comment("Under which it was found."),
		field.JSON("minutes", drafting.Minutes{}).Annotations(entgql.Skip()),
		field.Time("opened_at").Immutable().Annotations(entgql.OrderField("OPENED_AT"), skip),
		field.Time("ruled_at").Optional().Nillable().Annotations(skip),
		field.Time("recorded_at").Annotations(skip).Comment("Of the last event."),
		field.Int("event_count").Annotations(entgql.Skip()),
	}
}

// Edges of Coordination.
func (Coordination) Edges() []ent.Edge {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Edge{
		edge.To("lead", Department.Type).Field("lead_id").Unique().Required().Immutable().Annotations(skip),
		edge.From("drafts", StandardDraft.Type).Ref("coordination").Annotations(entgql.RelayConnection(), skip),
		edge.To("events", StandardEvent.Type).Annotations(entgql.RelayConnection(), skip),
	}
}

// Indexes of Coordination.
func (Coordination) Indexes() []ent.Index {
	return []ent.Index{index.Fields("state"), index.Fields("opened_at")}
}

// Annotations of Coordination.
func (Coordination) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder()}
}
