package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/sdk"
)

const planLaw = "浙江省城乡规划条例" // 第47条, as the catalogue cites it (verified: text)

// fit says how a trade fits premises of a planned use.
type fit int

const (
	fits     fit = iota // the planned use is for it, or other clauses speak of it
	change              // it needs an approval of temporary change (C-PLN-002)
	consent             // and the consent of those whom it touches (C-PLN-001)
	industry            // it belongs into industrial premises (C-MET-001)
	officer             // the catalogue says nothing: an officer compares with the plan
)

// landUse is the matrix of planned uses and trades. The catalogue's conditions are
// its cells "consent", "change" and "industry"; it is silent where an officer looks:
// premises without a planned use, or of public service, and repair shops in stores
// and offices, for 第47条 speaks of every change of the planned use. A hotel in a
// dwelling has clauses of its own (C-HTL-024, C-HTL-025).
var landUse = map[string]map[string]fit{
	"commercial":  {"metal": industry},
	"residential": {"catering": consent, "entertainment": consent, "bathing": consent, "repair": consent, "recycling": consent, "metal": consent},
	"industrial":  {"catering": change, "entertainment": change, "hotel": change, "bathing": change},
	"storage":     {"catering": change, "entertainment": change, "hotel": change, "bathing": change, "repair": officer, "metal": industry},
	"office":      {"catering": change, "entertainment": change, "hotel": change, "bathing": change, "repair": officer, "recycling": officer, "metal": industry},
	"public":      {"catering": officer, "entertainment": officer, "hotel": officer, "bathing": officer, "repair": officer, "recycling": officer, "metal": industry},
	"none":        {"catering": officer, "entertainment": officer, "hotel": officer, "bathing": officer, "repair": officer, "recycling": officer, "metal": industry},
}

func landUseCheck() sdk.Check {
	return sdk.Check{
		ID: "land-use", Clauses: []string{"C-PLN-001", "C-PLN-002", "C-MET-001"},
		Facts:         []string{"title_use", "industry"},
		OptionalFacts: []string{"temp_use_approved", "neighbors_consent"},
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{
				"title_use": sdk.Choice("office"), "industry": sdk.Choice("hotel"), "temp_use_approved": true,
			}},
			Want: []sdk.Finding{
				sdk.NotApplicable("C-PLN-001").Used("industry", "temp_use_approved", "title_use"),
				sdk.Pass("C-PLN-002").Used("industry", "temp_use_approved", "title_use"),
				sdk.NotApplicable("C-MET-001").Used("industry", "temp_use_approved", "title_use"),
			},
		},
		Run: uses,
	}
}

func uses(_ context.Context, c *sdk.Case) []sdk.Finding {
	use, trade := c.Choice("title_use"), c.Choice("industry")
	how := landUse[use][trade]
	only := func(f fit) sdk.Truth { return sdk.That(how == f) }
	approval := c.Holds("temp_use_approved")

	dwelling := sdk.Judge("C-PLN-001", only(consent), sdk.All(approval, c.Holds("neighbors_consent")), func() sdk.Finding {
		f := sdk.Fail("C-PLN-001", "CHANGE_NOT_APPROVED").Say("landuse.dwelling_approval").Under(planLaw, "第47条")
		if !approval.No() {
			f = sdk.Fail("C-PLN-001", "NO_CONSENT").Say("landuse.dwelling_consent").Under("民法典", "第279条")
		}
		return f.Advise("landuse.apply")
	})
	other := sdk.Judge("C-PLN-002", only(change), approval, func() sdk.Finding {
		return sdk.Fail("C-PLN-002", "CHANGE_NOT_APPROVED").Say("landuse.change", "use", use, "trade", trade).
			Under(planLaw, "第47条").Advise("landuse.apply")
	})
	if how == officer {
		other = sdk.Human("C-PLN-002", "USE_TO_COMPARE").Say("landuse.compare", "use", use, "trade", trade).Under(planLaw, "第47条")
	}
	// Metal works in a dwelling break both clauses.
	metal := sdk.Judge("C-MET-001", sdk.That(trade == "metal"), sdk.That(use == "industrial"), func() sdk.Finding {
		return sdk.Fail("C-MET-001", "NOT_INDUSTRIAL").Say("landuse.industrial", "use", use).
			Under(planLaw, "第47条").Advise("landuse.move")
	})
	return []sdk.Finding{dwelling, other, metal}
}
