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
	"github.com/onedoor/onedoor/internal/webhook"
)

// DeliveryAttempt is one time that a delivery was sent, or was to be.
type DeliveryAttempt struct{ ent.Schema }

// Mixin of DeliveryAttempt.
func (DeliveryAttempt) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of DeliveryAttempt.
func (DeliveryAttempt) Fields() []ent.Field {
	return []ent.Field{
		field.String("delivery_id").Immutable().Annotations(entgql.Skip()),
		field.Int("position").Immutable().Annotations(entgql.OrderField("POSITION")).Comment("Among all attempts of its delivery, from 1 on."),
		field.Time("at").Immutable(),
		field.Int("took").Immutable().Comment("Milliseconds."),
		field.Enum("outcome").GoType(webhook.Outcome("")).Immutable().Annotations(entgql.Type("WebhookOutcome")),
		field.Int("status").Optional().Nillable().Immutable().Comment("Of HTTP; null without an answer."),
		field.String("error").Optional().Nillable().Immutable(),
	}
}

// Edges of DeliveryAttempt.
func (DeliveryAttempt) Edges() []ent.Edge {
	return []ent.Edge{edge.From("delivery", Delivery.Type).Ref("attempts").Field("delivery_id").Unique().Required().Immutable()}
}

// Indexes of DeliveryAttempt.
func (DeliveryAttempt) Indexes() []ent.Index {
	return []ent.Index{index.Fields("delivery_id", "position").Unique()}
}

// Annotations of DeliveryAttempt.
func (DeliveryAttempt) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("webhook_attempts"), entgql.Type("WebhookAttempt"), entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
