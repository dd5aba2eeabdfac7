package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/surroundings"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// The law says "around", and sets neither a number nor a way of measuring. The
// distances are the district's parameters, as in the catalogue's clause; the
// catalogue's fact of schools is the way on foot to the gate.
var barRules = []surroundings.Rule{{
	Kind: surroundings.School, Limit: sdk.Whole(200), Measure: surroundings.OnFoot,
	Fact: "distance_school", Law: []citation.Citation{minorsBars},
}, {
	Kind: surroundings.Kindergarten, Limit: sdk.Whole(100), Measure: surroundings.OnFoot,
	Fact: "distance_kindergarten", Law: []citation.Citation{minorsBars},
}}

func bars() sdk.Check {
	const clause = "C-FOD-018"
	return sdk.Check{
		ID: "bar-distance", Clauses: []string{clause},
		Facts: []string{"is_bar"}, OptionalFacts: []string{"distance_school", "distance_kindergarten"},
		Contents: []string{surroundings.Sketch},
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{"is_bar": true}},
			Want:  []sdk.Finding{sdk.NeedsMaterials(clause, surroundings.Sketch).Used("is_bar")},
		},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			if !c.Bool("is_bar") {
				return []sdk.Finding{sdk.NotApplicable(clause)}
			}
			return surroundings.Judge(c, clause, false, barRules...)
		},
	}
}
