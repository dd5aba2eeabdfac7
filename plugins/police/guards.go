package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/internal/citation"
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

// guards computes how many guards a venue needs. How many its contract has stands in
// no fact, and no item of the pack asks for the contract: an officer compares.
func guards() sdk.Check {
	return sdk.Check{
		ID: "venue-guards", Clauses: []string{venueGuards},
		Facts:         []string{"ent_kind"},
		OptionalFacts: []string{"use_area", "occupants", "guard_contract"},
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{
				"ent_kind": sdk.Choice("ktv"), "use_area": sdk.Whole(400), "guard_contract": true,
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
		return []sdk.Finding{sdk.NotApplicable(venueGuards)}
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
	least, safe := needGuards(kind, size)
	if least < safe {
		return []sdk.Finding{citation.Back(sdk.Human(venueGuards, "CONTRACT_TO_SEE").
			Say("guards.to_see_reading", "least", least, "safe", safe), entGuards, entGuardCount)}
	}
	return []sdk.Finding{citation.Back(sdk.Human(venueGuards, "CONTRACT_TO_SEE").
		Say("guards.to_see", "need", safe), entGuards, entGuardCount)}
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
