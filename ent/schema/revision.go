package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
)

// Revision is one import that changed the catalogue. Its number tells a running
// server that there is something to reload.
type Revision struct{ ent.Schema }

// Fields of Revision.
func (Revision) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Positive().Immutable(),
		field.String("digest").Immutable().Comment("SHA-256 of the pack's content, in hex."),
		field.String("effective_from").Immutable().Comment("The day on which its changes came into force."),
		field.Time("imported_at").Immutable(),
		field.JSON("extra", map[string]any{}).Optional().Comment("What stands in the pack outside of its lists."),
	}
}

// Annotations of Revision.
func (Revision) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
