package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// list is 建设项目环境影响评价分类管理名录（2021年版）. Public pages of the ministry and
// its evaluation centre bear out the exemptions of the entries 66 to 68, the entry
// 121 with its area, the entry 91 but for its gas, and that scale means what is added
// (web); the rest is not yet compared with the printed text (verified: knowledge).
// What no entry names needs no assessment (第5条); a project of several entries has
// the strictest category of them (第4条).
const (
	list    = "建设项目环境影响评价分类管理名录（2021年版）"
	eiaLaw  = "环境影响评价法"
	notOpen = "第25条" // without approval no work begins
)

// trigger is a reason for which an entry of the list asks for a report.
type trigger struct {
	when    sdk.Truth
	entry   string
	message string
	value   sdk.Decimal // of the message's gap
}

var categoryFacts = []string{
	"electroplating", "passivation", "pickling", "casting", "casting_t", "painting", "solvent_paint_t", "lowvoc_paint_t",
	"cut_weld_assemble_only", "use_area", "crush_wash", "rec_kind", "lead_battery", "building_use", "env_sensitive_area", "boiler",
	"boiler_fuel", "eia_approved",
}

// categoryCheck finds the category of the list from what a project does, and
// whether the assessment that it asks for is approved. Where the catalogue has
// an exemption it looks whether the facts bear it: "only cutting, welding and
// assembling" is not only that with pickling, casting or painting besides.
func categoryCheck() sdk.Check {
	return sdk.Check{
		ID:            "category",
		Clauses:       []string{"C-MET-003", "C-MET-004", "C-MET-005", "C-REC-017", "C-CON-030", "C-REP-010", "C-ENV-017"},
		Facts:         []string{"industry"},
		OptionalFacts: categoryFacts,
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{"industry": sdk.Choice("hotel")}},
			Want: []sdk.Finding{
				sdk.NotApplicable("C-MET-003").Used("industry"), sdk.NotApplicable("C-MET-004").Used("industry"),
				sdk.NotApplicable("C-MET-005").Used("industry"), sdk.NotApplicable("C-REC-017").Used("industry"),
				sdk.NotApplicable("C-CON-030").Used("industry"), sdk.NotApplicable("C-REP-010").Used("industry"),
				sdk.NotApplicable("C-ENV-017").Used("industry"),
			},
		},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			report, form, only := metal(c)
			return []sdk.Finding{report, form, only, recycling(c), construction(c), repair(c), services(c)}
		},
	}
}

// approved judges whether the assessment of a category is there.
func approved(c *sdk.Case, clause, code string, due sdk.Truth, message, entry string, namesAndValues ...any) sdk.Finding {
	return sdk.Judge(clause, due, c.Holds("eia_approved"), func() sdk.Finding {
		return sdk.Fail(clause, code).Say(message, namesAndValues...).Under(eiaLaw, notOpen).Under(list, entry+"类").Advise("category.apply")
	})
}

// none says that a project is not in the list.
func none(clause, entry string) sdk.Finding {
	f := sdk.Pass(clause).Say("category.none").Under(list, entry)
	f.Code = "NO_ASSESSMENT"
	return f
}

// metal judges the entries 66 to 68.
func metal(c *sdk.Case) (report, form, only sdk.Finding) {
	is := c.Is("industry", "metal")
	paint, _ := c.OptionalNumber("solvent_paint_t")
	iron, _ := c.OptionalNumber("casting_t")
	triggers := []trigger{
		{c.Holds("electroplating"), "66、67", "category.report_plating", sdk.Decimal{}},
		{c.Holds("passivation"), "67", "category.report_passivation", sdk.Decimal{}},
		{c.AtLeast("solvent_paint_t", sdk.Dec("10")), "66", "category.report_paint", paint},
		{c.AtLeast("casting_t", sdk.Dec("100000")), "68", "category.report_casting", iron},
	}
	needsReport := sdk.That(false)
	var why trigger
	for _, t := range triggers {
		if !needsReport.Yes() && t.when.Yes() {
			why = t
		}
		needsReport = sdk.Any(needsReport, t.when)
	}
	report = approved(c, "C-MET-003", "REPORT_NOT_APPROVED", sdk.All(is, needsReport), why.message, why.entry, "value", why.value)

	// The exemptions are of whoever does nothing else.
	declared := c.Holds("cut_weld_assemble_only")
	besides := sdk.Any(c.Holds("pickling"), c.Holds("casting"), c.Holds("painting"), needsReport)
	paintsOnly := sdk.All(
		c.Holds("painting"), c.AtMost("solvent_paint_t", sdk.Dec("0")), c.Below("lowvoc_paint_t", sdk.Dec("10")),
		c.Holds("pickling").Not(), c.Holds("casting").Not(),
	)
	exempt := sdk.Any(sdk.All(declared, besides.Not()), paintsOnly)
	message := "category.form_metal"
	if declared.Yes() {
		message = "category.form_not_only"
	}
	form = approved(c, "C-MET-004", "FORM_NOT_APPROVED", sdk.All(is, needsReport.Not(), exempt.Not()), message, "66、67、68")

	switch all := sdk.All(is, declared); {
	case all.No():
		only = sdk.NotApplicable("C-MET-005")
	case all.Yes() && besides.No():
		only = none("C-MET-005", "66、68类")
	case all.Yes() && besides.Yes():
		only = sdk.Human("C-MET-005", "NOT_ONLY").Say("category.not_only").Under(list, "66、68类")
	default:
		only = sdk.NeedsFacts("C-MET-005", sdk.All(all, besides).Missing()...)
	}
	return report, form, only
}

// recycling judges entry 85. To work up batteries or oil asks for a report, other
// working up for a form, and mere collecting for nothing.
func recycling(c *sdk.Case) sdk.Finding {
	worksUp := sdk.Any(c.Holds("crush_wash"), c.Is("rec_kind", "dismantle"))
	message := "category.form_recycling"
	if sdk.All(worksUp, c.Holds("lead_battery")).Yes() {
		message = "category.report_recycling"
	}
	return approved(c, "C-REC-017", "ASSESSMENT_NOT_APPROVED", sdk.All(c.Is("industry", "recycling"), worksUp), message, "85")
}

// construction judges entry 97.
func construction(c *sdk.Case) sdk.Finding {
	due := sdk.All(
		c.Is("industry", "construction"), c.Is("building_use", "housing", "commercial", "office", "hotel", "industrial"),
		c.Holds("env_sensitive_area"),
	)
	return approved(c, "C-CON-030", "FORM_NOT_APPROVED", due, "category.form_building", "97")
}

// repair judges entry 121. The catalogue's rule says who is exempt and leaves open
// what becomes of the others; the list asks them for a form.
func repair(c *sdk.Case) sdk.Finding {
	const clause = "C-REP-010"
	is := c.Is("industry", "repair")
	large := c.AtLeast("use_area", sdk.Dec("5000"))
	due := sdk.All(is, large, sdk.Any(c.Above("solvent_paint_t", sdk.Dec("0")), c.AtLeast("lowvoc_paint_t", sdk.Dec("10"))))
	switch {
	case is.No():
		return sdk.NotApplicable(clause)
	case is.Yes() && due.No():
		return none(clause, "121类")
	}
	area, _ := c.OptionalNumber("use_area")
	return approved(c, clause, "FORM_NOT_APPROVED", due, "category.form_repair", "121", "area", area)
}

// services judges the trades that the list does not name. A boiler of their own is
// an entry of its own (91: 热力生产和供应工程，包括自建自用); its capacity, on which
// the entry turns for gas, is not in the facts: an officer looks at it.
func services(c *sdk.Case) sdk.Finding {
	const clause = "C-ENV-017"
	is := c.Is("industry", "catering", "bathing", "entertainment")
	listed := sdk.All(c.Holds("boiler"), c.Is("boiler_fuel", "electric", "none").Not())
	switch {
	case is.No():
		return sdk.NotApplicable(clause)
	case !sdk.All(is, sdk.Any(listed, listed.Not())).Yes():
		return sdk.NeedsFacts(clause, sdk.All(is, listed).Missing()...)
	case listed.Yes():
		return sdk.Human(clause, "BOILER_IN_LIST").Say("category.boiler").Under(list, "91类")
	}
	return none(clause, "第5条")
}
