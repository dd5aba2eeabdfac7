package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/internal/check"
)

// PluginActivation is one change of the mode of a version of a plugin: who, when,
// and which policies were approved. Its number tells a running server that there
// is something to apply.
type PluginActivation struct{ ent.Schema }

// Fields of PluginActivation.
func (PluginActivation) Fields() []ent.Field {
	return []ent.Field{
		field.Int("id").Positive().Immutable(),
		field.String("name").Immutable(),
		field.String("version").Immutable(),
		field.Enum("mode").GoType(check.Mode("")).Immutable(),
		field.JSON("policies", map[string]check.Policy{}).Immutable(),
		field.Time("activated_at").Immutable(),
		field.String("activated_by").Immutable(),
	}
}

// Indexes of PluginActivation.
func (PluginActivation) Indexes() []ent.Index { return []ent.Index{index.Fields("name")} }

// Annotations of PluginActivation: no part of the API.
func (PluginActivation) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
