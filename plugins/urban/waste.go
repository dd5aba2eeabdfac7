package main

import (
	"context"
	"errors"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/creditcode"
	"github.com/onedoor/onedoor/plugins/internal/term"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// The clauses on waste.
const (
	kitchenClause  = "C-CIT-001"
	buildingClause = "C-CIT-008"
)

// contract is a contract with a firm.
type contract struct {
	Contractor struct {
		CreditCode string `json:"credit_code"`
	} `json:"contractor"`
	Term term.Term `json:"term"`
}

func (k contract) problem() string {
	if problem := k.Term.Problem(); problem != "" {
		return "term." + problem
	}
	return ""
}

// judge looks at the contractor's code and whether the contract is in force on the
// day judged. Whether the contractor has the licence for it only the department's
// register can say. What is the contract's subject, which the words need: "kitchen",
// "transport" or "disposal".
func (k contract) judge(c *sdk.Case, clause, what string, law citation.Citation) []sdk.Finding {
	var out []sdk.Finding
	code, err := creditcode.Parse(k.Contractor.CreditCode)
	switch {
	case err != nil:
		key := "code.characters"
		switch {
		case errors.Is(err, creditcode.ErrLength):
			key = "code.length"
		case errors.Is(err, creditcode.ErrCheck):
			key = "code.check"
		}
		out = append(out, citation.Back(sdk.Fail(clause, "CONTRACTOR_CODE_WRONG").Say(key).Advise("code.correct."+what), law, creditCodes))
	case !code.OrganisationFits():
		out = append(out, citation.Back(sdk.Human(clause, "CONTRACTOR_CODE_DOUBTFUL").Say("code.organisation"), creditCodes))
	}
	if !k.Term.Has(c.Day()) {
		out = append(out, citation.Back(sdk.Fail(clause, "CONTRACT_NOT_IN_FORCE").
			Say("contract.not_in_force."+what, "from", k.Term.From, "to", k.Term.To).Advise("contract.renew"), law))
	}
	return out
}

// kitchenPerSeat is how much kitchen waste a seat makes in a day, in kg
// (kitchenAmount): illustrative, so that too small a contract goes to an officer.
var kitchenPerSeat = sdk.Dec("0.15")

const (
	kitchenPaper   = "收运协议"
	kitchenSection = "urban.kitchen-waste/1"
)

// kitchenAgreement is the section urban.kitchen-waste/1 of the agreement on collecting kitchen waste.
type kitchenAgreement struct {
	contract
	KgADay sdk.Decimal `json:"kg_a_day"` // that the contractor takes
}

// kitchenWaste judges the agreement by what stands in it, where the catalogue's
// predicate takes the applicant's word that there is one.
func kitchenWaste() sdk.Check {
	return sdk.Check{
		ID: "kitchen-waste", Clauses: []string{kitchenClause},
		OptionalFacts: []string{"industry", "serves_food", "kitchen_waste_contract", "seats"},
		Contents:      []string{kitchenPaper},
		Run:           runKitchenWaste,
	}
}

func runKitchenWaste(_ context.Context, c *sdk.Case) []sdk.Finding {
	switch applies := sdk.Any(c.Is("industry", "catering"), c.Holds("serves_food")); {
	case applies.No():
		return []sdk.Finding{sdk.NotApplicable(kitchenClause)}
	case !applies.Yes():
		return []sdk.Finding{sdk.NeedsFacts(kitchenClause, applies.Missing()...)}
	}
	if c.Holds("kitchen_waste_contract").No() {
		return []sdk.Finding{citation.Back(sdk.Fail(kitchenClause, "NO_CONTRACT").Say("kitchen.none").Advise("kitchen.contract"), kitchenContract)}
	}
	var f kitchenAgreement
	if fault := c.Form(kitchenPaper, kitchenSection, &f); fault != nil {
		return fault.Findings(kitchenClause)
	}
	if problem := f.problem(); problem != "" {
		return sdk.InvalidForm(kitchenPaper, kitchenSection+": "+problem).Findings(kitchenClause)
	}
	out := f.judge(c, kitchenClause, "kitchen", kitchenContract)
	switch seats, known := c.OptionalInt("seats"); {
	case !known:
		out = append(out, sdk.NeedsFacts(kitchenClause, "seats"))
	case f.KgADay.Less(kitchenPerSeat.Mul(sdk.Whole(seats))):
		out = append(out, citation.Back(sdk.Human(kitchenClause, "CONTRACT_MAY_BE_SMALL").
			Say("kitchen.small", "kg", f.KgADay, "expected", kitchenPerSeat.Mul(sdk.Whole(seats)), "seats", seats), kitchenContract, kitchenAmount))
	}
	if len(out) == 0 {
		return []sdk.Finding{sdk.Pass(kitchenClause)}
	}
	return out
}

const (
	buildingPaper   = "运输和消纳合同"
	buildingSection = "urban.construction-waste/1"
)

// buildingContracts is the section urban.construction-waste/1 of the contracts on carrying and on taking construction waste.
type buildingContracts struct {
	Amount    sdk.Decimal `json:"amount"` // m³ that arise
	Transport struct {
		contract
		Amount sdk.Decimal `json:"amount"` // m³ that the contractor takes
	} `json:"transport"`
	Disposal struct {
		contract
		Amount sdk.Decimal `json:"amount"` // m³
	} `json:"disposal"`
}

// problem says the first thing that the form does not say as its schema asks.
func (f *buildingContracts) problem() string {
	if f.Amount.Sign() <= 0 {
		return "amount: above 0"
	}
	if problem := f.Transport.problem(); problem != "" {
		return "transport." + problem
	}
	if problem := f.Disposal.problem(); problem != "" {
		return "disposal." + problem
	}
	return ""
}

// constructionWaste judges the contracts. The clause itself is for a person, who looks
// whether the firms are licensed: the best that this check finds is that there is
// nothing else to look at.
func constructionWaste() sdk.Check {
	return sdk.Check{
		ID: "construction-waste", Clauses: []string{buildingClause},
		Facts: []string{"construction_waste"}, Contents: []string{buildingPaper},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			if !c.Bool("construction_waste") {
				return []sdk.Finding{sdk.NotApplicable(buildingClause)}
			}
			var f buildingContracts
			if fault := c.Form(buildingPaper, buildingSection, &f); fault != nil {
				return fault.Findings(buildingClause)
			}
			if problem := f.problem(); problem != "" {
				return sdk.InvalidForm(buildingPaper, buildingSection+": "+problem).Findings(buildingClause)
			}
			out := append(f.Transport.judge(c, buildingClause, "transport", buildingWaste), f.Disposal.judge(c, buildingClause, "disposal", buildingWaste)...)
			short := func(code, key string, taken sdk.Decimal) {
				if taken.Less(f.Amount) {
					out = append(out, citation.Back(sdk.Fail(buildingClause, code).
						Say(key, "taken", taken, "amount", f.Amount).
						Advise("building.enlarge", "more", f.Amount.Sub(taken)), buildingWaste))
				}
			}
			short("TRANSPORT_TOO_SMALL", "building.transport_small", f.Transport.Amount)
			short("DISPOSAL_TOO_SMALL", "building.disposal_small", f.Disposal.Amount)
			if len(out) == 0 {
				return []sdk.Finding{citation.Back(sdk.Human(buildingClause, "FIRMS_TO_CHECK").Say("building.firms"), buildingWaste)}
			}
			return out
		},
	}
}
