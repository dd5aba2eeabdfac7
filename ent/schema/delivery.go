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

// Delivery is one event on its way to one webhook.
type Delivery struct{ ent.Schema }

// Mixin of Delivery.
func (Delivery) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of Delivery.
func (Delivery) Fields() []ent.Field {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Field{
		field.String("webhook_id").Immutable().Annotations(entgql.Skip()),
		field.String("event_id").Optional().Immutable().Annotations(entgql.Skip()),
		field.String("kind").Immutable().Annotations(skip).Comment("Of the event."),
		field.String("case_id").Immutable().Annotations(entgql.Skip()),
		field.Int64("seq").Immutable().Annotations(entgql.Skip(entgql.SkipType|entgql.SkipWhereInput), entgql.OrderField("POSITION")).Comment("Place of the event among all."),
		field.Enum("state").GoType(webhook.DeliveryState("")).Annotations(entgql.Type("WebhookDeliveryState")),
		field.Int("attempt_count").Annotations(skip).Comment("Since it is PENDING."),
		field.Time("next_at").Optional().Nillable().Annotations(skip).Comment("While PENDING, and only then: when it is sent next, at the earliest."),
		field.Time("since").Annotations(skip).Comment("When it became PENDING."),
		field.Time("done_at").Optional().Nillable().Annotations(skip),
		field.String("lease").Optional().Nillable().Annotations(entgql.Skip()).Comment("Of the worker that has claimed it."),
		field.Time("lease_until").Optional().Nillable().Annotations(entgql.Skip()),
	}
}

// Edges of Delivery.
func (Delivery) Edges() []ent.Edge {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Edge{
		edge.From("webhook", Endpoint.Type).Ref("deliveries").Field("webhook_id").Unique().Required().Immutable().Annotations(skip),
		edge.To("event", Event.Type).Field("event_id").Unique().Immutable().Annotations(skip).Comment("Null when the viewer may not see it any more."),
		edge.To("attempts", DeliveryAttempt.Type).Annotations(entgql.RelayConnection(), skip, entsql.OnDelete(entsql.Cascade)),
	}
}

// Indexes of Delivery.
func (Delivery) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("webhook_id", "seq").Unique(),
		index.Fields("webhook_id", "case_id", "seq").StorageKey("delivery_pending_case").Annotations(entsql.IndexWhere("next_at IS NOT NULL")),
		index.Fields("webhook_id", "next_at").StorageKey("delivery_pending").Annotations(entsql.IndexWhere("next_at IS NOT NULL")),
		index.Fields("done_at").Annotations(entsql.IndexWhere("done_at IS NOT NULL")),
	}
}

// Annotations of Delivery.
func (Delivery) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("webhook_deliveries"), entgql.Type("WebhookDelivery"), entgql.RelayConnection(), entgql.MultiOrder()}
}
