// Package schema says what the database keeps: one file an entity, its fields,
// edges and indexes. Rules live in the core, never here.
package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/onedoor/onedoor/ent/schema/mixin"
	"github.com/onedoor/onedoor/internal/workday"
)

// CalendarYear is one year of a working calendar: the yearly notice as data.
type CalendarYear struct{ ent.Schema }

// Mixin of CalendarYear.
func (CalendarYear) Mixin() []ent.Mixin { return []ent.Mixin{mixin.ID{}, mixin.Pack{}} }

// Fields of CalendarYear.
func (CalendarYear) Fields() []ent.Field {
	return []ent.Field{
		field.String("calendar").Immutable().Comment("Code of the calendar, e.g. CN-mainland."),
		field.Int("year").Immutable(),
		field.JSON("notice", workday.Year{}).Comment("Status, source, days off and make-up working days."),
	}
}

// Indexes of CalendarYear.
func (CalendarYear) Indexes() []ent.Index {
	return []ent.Index{index.Fields("calendar", "year").Unique()}
}

// Annotations of CalendarYear: GraphQL serves dates, not calendars' rows.
func (CalendarYear) Annotations() []schema.Annotation { return []schema.Annotation{entgql.Skip()} }
