package schema

import (
	"regexp"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/drafting"
)

// StandardDraft is a standard under work (标准草案). Only commands of
// internal/drafting change it.
type StandardDraft struct{ ent.Schema }

// Mixin of StandardDraft.
func (StandardDraft) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of StandardDraft.
func (StandardDraft) Fields() []ent.Field {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Field{
		field.String("kind").Immutable().Match(regexp.MustCompile("^(ITEM|JOINT)$")).Annotations(entgql.Type("StandardKind"), skip),
		field.String("code").Immutable().Comment("Of the standard: its item's or scheme's."),
		field.Int("base_version").Immutable().Annotations(skip).Comment("The version that it changes; 0: a new standard."),
		field.Enum("state").GoType(drafting.State("")).Annotations(entgql.Type("DraftState")),
		field.Int("version").Annotations(skip).Comment("Raised by every command; see expectedVersion."),
		field.String("reason").Annotations(skip),
		field.String("department_id").Immutable().Annotations(entgql.Skip()),
		field.JSON("content", drafting.Content{}).Annotations(entgql.Skip()),
		field.String("digest").Annotations(skip).Comment("SHA-256 of the content, in hex."),
		field.String("coordination_id").Optional().Nillable().Annotations(entgql.Skip()),
		field.JSON("dossier", drafting.Dossier{}).Annotations(entgql.Skip()),
		field.String("effective_from").Optional().Nillable().Annotations(entgql.Type("Date"), skip).Comment("Once published."),
		field.Int("published_version").Optional().Nillable().Annotations(skip).Comment("Of the standard, once published; null when that repealed it."),
		field.Time("drafted_at").Annotations(entgql.OrderField("DRAFTED_AT"), skip),
		field.Time("recorded_at").Annotations(entgql.OrderField("RECORDED_AT"), skip).Comment("Of the last event."),
		field.Int("event_count").Annotations(entgql.Skip()),
	}
}

// Edges of StandardDraft.
func (StandardDraft) Edges() []ent.Edge {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Edge{
		edge.To("department", Department.Type).Field("department_id").Unique().Required().Immutable().Annotations(skip),
		edge.To("coordination", Coordination.Type).Field("coordination_id").Unique().Annotations(skip),
		edge.To("events", StandardEvent.Type).Annotations(entgql.RelayConnection(), skip),
		edge.To("impact_runs", ImpactRun.Type).Annotations(entgql.RelayConnection(), skip),
	}
}

// Indexes of StandardDraft.
func (StandardDraft) Indexes() []ent.Index {
	return []ent.Index{index.Fields("state"), index.Fields("code"), index.Fields("drafted_at")}
}

// Annotations of StandardDraft.
func (StandardDraft) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder()}
}
