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
	"github.com/onedoor/onedoor/internal/drafting"
)

// ImpactRun is closed cases judged anew under a draft, and how far that has come.
type ImpactRun struct{ ent.Schema }

// Mixin of ImpactRun.
func (ImpactRun) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of ImpactRun.
func (ImpactRun) Fields() []ent.Field {
	return []ent.Field{
		field.String("draft_id").Immutable().Annotations(entgql.Skip()),
		field.String("digest").Immutable().Comment("Of the draft's content judged under."),
		field.String("code").Immutable().Annotations(entgql.Skip()),
		field.Int("standard_version").Immutable().Annotations(entgql.Skip()),
		field.JSON("content", drafting.Content{}).Immutable().Annotations(entgql.Skip()),
		field.Enum("state").GoType(drafting.RunState("")).Annotations(entgql.Type("ImpactState")),
		field.Int("total").Immutable().Comment("Closed cases when it was asked for."),
		field.Int("stride").Immutable().Comment("Of so many cases one is judged."),
		field.Int("seen").Comment("Cases passed."),
		field.Int("judged"),
		field.String("cursor").Annotations(entgql.Skip()),
		field.JSON("flips", []drafting.Flip{}).Annotations(entgql.Skip()),
		field.Int("flipped"),
		field.String("asked_by").Immutable(),
		field.Time("asked_at").Immutable().Annotations(entgql.OrderField("ASKED_AT")),
		field.Time("recorded_at"),
		field.Time("ended_at").Optional().Nillable(),
	}
}

// Edges of ImpactRun.
func (ImpactRun) Edges() []ent.Edge {
	return []ent.Edge{edge.From("draft", StandardDraft.Type).Ref("impact_runs").Field("draft_id").Unique().Required().Immutable()}
}

// Indexes of ImpactRun.
func (ImpactRun) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("draft_id"),
		index.Fields("asked_at").StorageKey("impactrun_unfinished").Annotations(entsql.IndexWhere("ended_at IS NULL")),
	}
}

// Annotations of ImpactRun.
func (ImpactRun) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
