package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/check"
)

// PluginVersion is one installed version of a department's plugin. What was
// signed never changes; the mode does, each change leaving a PluginActivation.
type PluginVersion struct{ ent.Schema }

// Mixin of PluginVersion.
func (PluginVersion) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}} }

// Fields of PluginVersion.
func (PluginVersion) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").Immutable(),
		field.String("version").Immutable(),
		field.String("department").Immutable().Comment("Code of the department that answers for it."),
		field.JSON("checks", []check.Check{}).Immutable().Comment("As the manifest declares them."),
		field.JSON("programs", map[string]check.Program{}).Immutable().Comment("By platform, such as linux/amd64, or any."),
		field.Bytes("manifest").Immutable(),
		field.Bytes("signature").Optional().Immutable(),
		field.Time("installed_at").Immutable(),
		field.String("installed_by").Immutable(),
		field.Enum("mode").GoType(check.Mode("")),
		field.JSON("policies", map[string]check.Policy{}).Comment("As approved, by check."),
		field.Time("activated_at").Optional().Nillable(),
		field.String("activated_by").Optional().Nillable(),
	}
}

// Indexes of PluginVersion.
func (PluginVersion) Indexes() []ent.Index {
	return []ent.Index{index.Fields("name", "version").Unique()}
}

// Annotations of PluginVersion: the API shows how the host sees it.
func (PluginVersion) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
