package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/eform"
	"github.com/onedoor/onedoor/plugins/sdk"
)

const venueGuards = "C-ENT-020"

// The number of guards (娱乐场所治安管理办法 第30条): two up to 200 m² of business
// area, and one more for each further 200 m²; in a disco 5 % of the people that it
// may hold.
var (
	guardArea    = sdk.Whole(200)
	firstGuards  = int64(2)
	discoPercent = sdk.Whole(5)
)

// guardContract is the contract with a security company. The pack names it as the
// clause's evidence; the item asks for no material, so that it may be missing.
type guardContract struct {
	eform.Head
	Guards int64        `json:"guards"`
	Term   eform.Period `json:"term"`
}

var guardForm = eform.Form{Material: "保安服务合同", Schema: "guard-contract/1"}

// Wrong says what is wrong with the form.
func (f *guardContract) Wrong() error {
	if f.Guards < 0 || f.Guards > 10_000 {
		return errors.New("guards: is not between 0 and 10000")
	}
	if err := f.Term.Wrong(); err != nil {
		return fmt.Errorf("term: %w", err)
	}
	return nil
}

func guards() sdk.Check {
	return sdk.Check{
		ID: "venue-guards", Clauses: []string{venueGuards},
		Facts:         []string{"ent_kind"},
		OptionalFacts: []string{"use_area", "occupants", "guard_contract"},
		Contents:      []string{guardForm.Material},
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{
				"ent_kind": sdk.Choice("ktv"), "use_area": sdk.Dec("200.01"), "guard_contract": true,
			}},
			Want: []sdk.Finding{citation.Back(sdk.Human(venueGuards, "CONTRACT_TO_SEE").
				Say("guards.to_see", "need", 3), entGuards, entGuardCount).Used("ent_kind", "guard_contract", "use_area")},
		},
		Run: runGuards,
	}
}

func runGuards(_ context.Context, c *sdk.Case) []sdk.Finding {
	kind := c.Choice("ent_kind")
	if kind != "ktv" && kind != "dance" && kind != "arcade" {
		return []sdk.Finding{sdk.Pass(venueGuards)}
	}
	has, known := c.OptionalBool("guard_contract")
	if known && !has {
		return []sdk.Finding{citation.Back(sdk.Fail(venueGuards, "NO_CONTRACT").
			Say("guards.no_contract").Advise("guards.contract"), entGuards)}
	}
	var missing []string
	if !known {
		missing = append(missing, "guard_contract")
	}
	measure := "use_area"
	if kind == "dance" {
		measure = "occupants"
	}
	size, sized := c.OptionalNumber(measure)
	if !sized {
		missing = append(missing, measure)
	}
	if len(missing) > 0 {
		return []sdk.Finding{sdk.NeedsFacts(venueGuards, missing...)}
	}
	least, need := needGuards(kind, size)
	if _, there := c.Material(guardForm.Material); !there {
		return []sdk.Finding{citation.Back(sdk.Human(venueGuards, "CONTRACT_TO_SEE").
			Say("guards.to_see", "need", need), entGuards, entGuardCount)}
	}
	form, none := eform.Read[guardContract](c, guardForm, venueGuards)
	switch {
	case form == nil:
		return none
	case !form.Term.Has(c.Day()):
		return []sdk.Finding{citation.Back(sdk.Fail(venueGuards, "CONTRACT_NOT_IN_FORCE").
			Say("guards.not_in_force", "from", form.Term.From, "to", form.Term.To).Advise("guards.contract"), entGuards)}
	case form.Guards < least:
		return []sdk.Finding{citation.Back(sdk.Fail(venueGuards, "TOO_FEW_GUARDS").
			Say("guards.too_few", "need", least, "have", form.Guards).
			Advise("guards.more", "more", need-form.Guards), entGuards, entGuardCount)}
	case form.Guards < need:
		return []sdk.Finding{citation.Back(sdk.Human(venueGuards, "GUARDS_BY_READING").
			Say("guards.reading", "least", least, "need", need, "have", form.Guards), entGuards, entGuardCount)}
	}
	return []sdk.Finding{sdk.Pass(venueGuards)}
}

// needGuards counts the guards that a venue needs: by its area, a disco by its
// people. "Each further 200 m²" can be read of full and of begun ones: least is the
// number below which nobody reads it, safe the one that satisfies both.
func needGuards(kind string, size sdk.Decimal) (least, safe int64) {
	if kind == "dance" {
		need := size.Mul(discoPercent).Div(sdk.Whole(100)).Ceil()
		return need, need
	}
	more := size.Sub(guardArea)
	if more.Sign() <= 0 {
		return firstGuards, firstGuards
	}
	more = more.Div(guardArea)
	return firstGuards + more.Floor(), firstGuards + more.Ceil()
}
