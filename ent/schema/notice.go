package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"

	"github.com/onedoor/onedoor/ent/schema/mixin"
)

// Notice is a guide frozen, numbered and hashed (一次性告知书). It never changes.
type Notice struct{ ent.Schema }

// Mixin of Notice.
func (Notice) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of Notice.
func (Notice) Fields() []ent.Field {
	return []ent.Field{
		field.String("number").Unique().Immutable(),
		field.Time("issued_at").Immutable(),
		field.String("digest").Immutable().Comment("SHA-256 of the document, in hex."),
		field.Bytes("document").Immutable().Comment("The guide as canonical JSON, byte for byte."),
	}
}

// Annotations of Notice: GraphQL serves the frozen document, not the row.
func (Notice) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
