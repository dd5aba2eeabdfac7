package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// CheckReceipt is one call of a plugin as it went over the wire. With the program
// of its digest the answer can be had again.
type CheckReceipt struct{ ent.Schema }

// Mixin of CheckReceipt.
func (CheckReceipt) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of CheckReceipt.
func (CheckReceipt) Fields() []ent.Field {
	return []ent.Field{
		field.String("case_id").Immutable(),
		field.String("plugin").Immutable(),
		field.String("version").Immutable(),
		field.String("digest").Immutable().Comment("SHA-256 of the program that answered, in hex."),
		field.String("sandbox").Immutable().Comment("The level that it ran in."),
		field.Bool("unsigned").Immutable(),
		field.Bytes("request").Immutable(),
		field.Bytes("response").Immutable(),
		field.Time("recorded_at").Immutable(),
	}
}

// Indexes of CheckReceipt.
func (CheckReceipt) Indexes() []ent.Index { return []ent.Index{index.Fields("case_id")} }

// Annotations of CheckReceipt: no part of the API.
func (CheckReceipt) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
