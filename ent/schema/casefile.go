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
	"github.com/onedoor/onedoor/internal/casework"
)

// CaseFile is a case (办件). Only commands of internal/casework change it; the
// state is its one state column. (`case` is a word of Go's own.)
type CaseFile struct{ ent.Schema }

// Mixin of CaseFile.
func (CaseFile) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of CaseFile.
func (CaseFile) Fields() []ent.Field {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Field{
		field.String("number").Optional().Nillable().Unique().Annotations(entgql.Skip(entgql.SkipType)).Comment("申办流水号; none before the first submission."),
		field.String("query_code").Optional().Sensitive().Annotations(entgql.Skip()).Comment("With the number shows the progress."),
		field.Enum("state").GoType(casework.CaseState("")).Annotations(entgql.Type("CaseState")),
		field.Int("version").Annotations(skip).Comment("Raised by every command; see expectedVersion."),
		field.String("applicant").Immutable().Comment("The applicant's subject."),
		field.String("agent").Optional().Nillable().Annotations(skip).Comment("The subject of the agent (全程员) who acts for the applicant."),
		field.String("notice_number").Optional().Nillable().Annotations(entgql.Skip()),
		field.String("scheme_id").Optional().Nillable().Annotations(entgql.Skip()),
		field.String("item_id").Optional().Nillable().Annotations(entgql.Skip()),
		field.String("lead_id").Annotations(entgql.Skip()),
		field.String("region_id").Optional().Nillable().Annotations(entgql.Skip()),
		field.JSON("facts", map[string]any{}).Annotations(entgql.Type("FactSet")),
		field.JSON("dossier", casework.Dossier{}).Annotations(entgql.Skip()).Comment("Supplements, procedures, meetings, decision: what is never looked up alone."),
		field.Time("opened_at").Annotations(entgql.OrderField("OPENED_AT")),
		field.Time("received_at").Optional().Nillable().Annotations(entgql.OrderField("RECEIVED_AT")),
		field.Time("accepted_at").Optional().Nillable().Comment("By silence: the day of receipt."),
		field.Time("decided_at").Optional().Nillable(),
		field.Time("recorded_at").Annotations(entgql.OrderField("RECORDED_AT")).Comment("Of the last event."),
		field.Int("event_count").Annotations(entgql.Skip()),
		field.String("calendar").Annotations(entgql.Skip()).Comment("The version of the calendar by which the days below were found."),
		field.String("accept_by").Optional().Nillable().Annotations(entgql.Skip()),
		field.String("promised_due_on").Optional().Nillable().Annotations(entgql.Skip(entgql.SkipType|entgql.SkipWhereInput), entgql.OrderField("PROMISED_DUE_ON")),
		field.String("statutory_due_on").Optional().Nillable().Annotations(entgql.Skip(entgql.SkipType|entgql.SkipWhereInput), entgql.OrderField("STATUTORY_DUE_ON")),
		field.String("wake_on").Optional().Nillable().Annotations(entgql.Skip()).Comment("The first day on which a timer has work."),
		field.Time("checks_at").Optional().Nillable().Annotations(entgql.Skip()).Comment("When the first check that is still to be run is due."),
	}
}

// Edges of CaseFile.
func (CaseFile) Edges() []ent.Edge {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Edge{
		edge.To("scheme", SchemeVersion.Type).Field("scheme_id").Unique().Annotations(skip),
		edge.To("item", ItemVersion.Type).Field("item_id").Unique().Annotations(skip),
		edge.To("lead", Department.Type).Field("lead_id").Unique().Required().Annotations(skip),
		edge.To("region", Region.Type).Field("region_id").Unique().Annotations(skip),
		edge.To("reviews", Review.Type).Annotations(entgql.RelayConnection(), skip),
		edge.To("materials", CaseMaterial.Type).Annotations(entgql.RelayConnection(), skip),
		edge.To("events", Event.Type).Annotations(entgql.RelayConnection(), skip),
	}
}

// Indexes of CaseFile.
func (CaseFile) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("applicant", "opened_at"),
		index.Fields("agent").Annotations(entsql.IndexWhere("agent IS NOT NULL")),
		index.Fields("wake_on").Annotations(entsql.IndexWhere("wake_on IS NOT NULL")),
		index.Fields("checks_at").Annotations(entsql.IndexWhere("checks_at IS NOT NULL")),
		index.Fields("state", "opened_at"),
		index.Fields("lead_id", "opened_at"),
		index.Fields("opened_at"),
		index.Fields("recorded_at"),
	}
}

// Annotations of CaseFile.
func (CaseFile) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("cases"), entgql.Type("Case"), entgql.RelayConnection(), entgql.MultiOrder()}
}
