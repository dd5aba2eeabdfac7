package model

import (
	"strings"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/standard"
)

// The rows below are made from values, not read: what a guide says about an
// item must not need the database, nor change with it. The client lets a query
// go on from there to what the guide does not hold, such as the item's clauses.

// DepartmentRow makes the row of a department.
func DepartmentRow(c *ent.Client, d district.Department) *ent.Department {
	return c.AttachDepartment(&ent.Department{ID: ref.Department(d.Code), Code: d.Code, Name: d.Name, NameEn: d.NameEN, Role: d.Role, Duties: d.Duties, Note: d.Note})
}

// ItemRow makes the row of an item's version.
func ItemRow(c *ent.Client, it *item.Item, version int, department *ent.Department) *ent.ItemVersion {
	row := c.AttachItemVersion(&ent.ItemVersion{
		ID: ref.Item(it.Code, version), Code: it.Code, Version: version, Name: it.Name, NameEn: it.NameEN, Kind: it.Kind(),
		Type: it.Type, Level: it.Level, Basis: it.Basis, Time: it.Time, NeededWhen: it.NeededWhen,
		Preconditions: it.Preconditions, Obligations: it.Obligations, StopsClock: it.StopsClock, Result: it.Result,
		Fee: it.Fee, FilingDue: it.FilingDue, Commitment: it.Commitment, Note: it.Note,
		Confidence: it.Confidence, Verified: it.Verified,
	})
	row.Edges.Department = department
	return row
}

// ClauseRow makes the row of a clause in a version of its item's standard.
func ClauseRow(client *ent.Client, c *standard.Clause, version int, department *ent.Department) *ent.Clause {
	row := client.AttachClause(&ent.Clause{
		ID: ref.Clause(c.Code, c.Item, version), Code: c.Code, Category: c.Category, Kind: strings.ToLower(string(c.Kind)),
		Text: c.Text, TextEn: c.TextEN, Applies: c.AppliesWhen, Requires: c.Requires, Manual: text(&c.Manual),
		Evidence: c.Evidence, Promisable: c.Promisable, Basis: c.Basis, Level: c.Level,
		EffectiveFrom: text(&c.Effective.From), EffectiveTo: text(&c.Effective.To),
		InterpretationGroup: text(&c.InterpretationGroup), Confidence: c.Confidence, Verified: c.Verified, Rulings: c.Rulings,
	})
	row.Edges.Department = department
	return row
}
