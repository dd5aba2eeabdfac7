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

// Endpoint is a webhook: which events go where, as whom and in what form.
type Endpoint struct{ ent.Schema }

// Mixin of Endpoint.
func (Endpoint) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of Endpoint.
func (Endpoint) Fields() []ent.Field {
	return []ent.Field{
		field.String("url"),
		field.Strings("kinds").Annotations(entgql.Type("[String!]")).Comment("Of events; none: all."),
		field.String("department").Optional().Nillable().Comment("Code: cases that it leads or reviews in."),
		field.String("region").Optional().Nillable().Comment("Code: cases in it, and in what lies in it."),
		field.String("scheme").Optional().Nillable().Comment("Code."),
		field.Bool("own_cases").Comment("Cases whose applicant or agent is the owner."),
		field.String("selection").Comment("Of GraphQL, on Event: what each message tells."),
		field.Enum("state").GoType(webhook.State("")).Annotations(entgql.Type("WebhookState")),
		field.String("reason").Optional().Nillable().Comment("Why it is DISABLED."),
		field.String("owner").Immutable().Comment("The subject as whom the selection is answered."),
		field.String("role").Immutable().Comment("Of the owner."),
		field.String("owner_department").Optional().Nillable().Immutable().Annotations(entgql.Skip()),
		field.String("owner_region").Optional().Nillable().Immutable().Annotations(entgql.Skip()),
		field.JSON("secrets", []webhook.Secret{}).Annotations(entgql.Skip()).Sensitive().Comment("Sealed with the operator's key."),
		field.Int64("cursor").Annotations(entgql.Skip()).Comment("Place of the last event that has become a delivery or was not wanted."),
		field.Int("failures").Comment("Of the endpoint, in a row."),
		field.Time("failing_since").Optional().Nillable(),
		field.Time("open_until").Optional().Nillable().Comment("Nothing is sent before: the endpoint failed too often, or asked for it."),
		field.Time("created_at").Immutable().Annotations(entgql.OrderField("CREATED_AT")),
	}
}

// Edges of Endpoint.
func (Endpoint) Edges() []ent.Edge {
	return []ent.Edge{edge.To("deliveries", Delivery.Type).Annotations(entgql.RelayConnection(), entsql.OnDelete(entsql.Cascade))}
}

// Indexes of Endpoint.
func (Endpoint) Indexes() []ent.Index { return []ent.Index{index.Fields("owner", "created_at")} }

// Annotations of Endpoint.
func (Endpoint) Annotations() []schema.Annotation {
	return []schema.Annotation{entsql.Table("webhooks"), entgql.Type("Webhook"), entgql.RelayConnection(), entgql.MultiOrder(), entgql.Skip(entgql.SkipWhereInput)}
}
