package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
)

// ItemVersion is one version of an approval item (事项): the content of its standard
// besides the clauses.
type ItemVersion struct{ ent.Schema }

// Mixin of ItemVersion.
func (ItemVersion) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of ItemVersion.
func (ItemVersion) Fields() []ent.Field {
	skip := entgql.Skip(entgql.SkipWhereInput)
	return []ent.Field{
		field.String("code").Immutable().Annotations(entgql.OrderField("CODE")).Comment("Stable code, the pack's id."),
		field.Int("version").Positive().Immutable().Annotations(skip).Comment("The version of its standard."),
		field.String("name").Immutable().Annotations(entgql.OrderField("NAME")),
		field.String("name_en").Optional().Immutable(),
		field.Enum("kind").GoType(item.Kind("")).Immutable().Annotations(entgql.Type("ItemKind")),
		field.String("type").Immutable().Comment("The district's own word: 许可, 备案, 登记 …"),
		field.String("level").Optional().Immutable(),
		field.JSON("basis", []law.Basis{}).Immutable().Annotations(entgql.Type("[LegalBasis!]")),
		field.JSON("time", item.Time{}).Immutable().Annotations(entgql.Skip()),
		field.String("needed_when").Immutable().Annotations(skip).Comment("CEL over facts."),
		field.JSON("preconditions", []item.Precondition{}).Immutable().Annotations(entgql.Skip()),
		field.Strings("obligations").Immutable().Annotations(entgql.Type("[String!]")),
		field.Strings("stops_clock").Immutable().Annotations(entgql.Type("[String!]")).Comment("Procedures whose time does not count (行政许可法 第45条)."),
		field.JSON("result", item.Result{}).Immutable().Annotations(entgql.Type("ItemResult")),
		field.JSON("fee", item.Fee{}).Immutable().Annotations(entgql.Skip()),
		field.String("filing_due").Optional().Immutable().Annotations(skip).Comment("The applicant's own limit for a filing."),
		field.JSON("commitment", item.Commitment{}).Immutable().Annotations(entgql.Type("ItemCommitment")),
		field.String("note").Optional().Immutable().Annotations(skip),
		field.String("confidence").Optional().Immutable(),
		field.String("source").Optional().Immutable().Annotations(entgql.Skip()),
		field.String("verified").Optional().Immutable(),
	}
}

// Edges of ItemVersion.
func (ItemVersion) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("standard", StandardVersion.Type).Ref("item").Unique().Required().Annotations(entgql.Skip(entgql.SkipWhereInput)),
		edge.From("department", Department.Type).Ref("items").Unique().Required().Immutable(),
		edge.To("materials", ItemMaterial.Type).Annotations(entgql.RelayConnection(), entgql.Skip(entgql.SkipWhereInput)),
	}
}

// Indexes of ItemVersion.
func (ItemVersion) Indexes() []ent.Index {
	return []ent.Index{index.Fields("code", "version").Unique()}
}

// Annotations of ItemVersion.
func (ItemVersion) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Type("Item"), entgql.RelayConnection(), entgql.MultiOrder()}
}
