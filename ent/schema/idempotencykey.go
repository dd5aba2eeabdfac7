package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// IdempotencyKey remembers that a request has had its effect, written in the
// same commit as the effect.
type IdempotencyKey struct{ ent.Schema }

// Mixin of IdempotencyKey.
func (IdempotencyKey) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of IdempotencyKey.
func (IdempotencyKey) Fields() []ent.Field {
	return []ent.Field{
		field.String("request").Immutable().Comment("SHA-256 of the request, in hex."),
		field.String("result").Optional().Immutable().Comment("Identity of what the request made or changed."),
		field.Bytes("answer").Optional().Comment("The whole answer, once it is complete."),
		field.Time("created_at").Immutable(),
	}
}

// Indexes of IdempotencyKey.
func (IdempotencyKey) Indexes() []ent.Index { return []ent.Index{index.Fields("created_at")} }

// Annotations of IdempotencyKey: no part of the API.
func (IdempotencyKey) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
