package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/surroundings"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// pollution judges the straight line to cesspits, refuse sites and the like.
func pollution() sdk.Check {
	const clause = "C-FOD-001"
	rule := surroundings.Rule{
		Kind: surroundings.Pollution, Limit: sdk.Whole(25), Measure: surroundings.Straight,
		Fact: "distance_pollution_source", Law: []citation.Citation{foodPollution, foodHygiene},
	}
	return sdk.Check{
		ID: "pollution-distance", Clauses: []string{clause},
		OptionalFacts: []string{"industry", "serves_food", rule.Fact},
		Contents:      []string{surroundings.Sketch},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			applies := sdk.Any(c.Is("industry", "catering"), c.Holds("serves_food"))
			if !applies.Yes() {
				return []sdk.Finding{unlessApplies(clause, applies)}
			}
			return surroundings.Judge(c, clause, true, rule)
		},
	}
}

// tobacco judges how far a shop for tobacco or packaged alcohol is from schools and
// kindergartens. The distance is the district's parameter. The catalogue's predicate
// looks at schools alone; the law and the clause's text name kindergartens too
// (未成年人保护法 第59条), so this check does.
func tobacco() sdk.Check {
	const clause = "C-FOD-019"
	limit := sdk.Whole(50)
	rules := []surroundings.Rule{
		{Kind: surroundings.School, Limit: limit, Measure: surroundings.OnFoot, Fact: "distance_school", Law: []citation.Citation{minorsTobacco}},
		{Kind: surroundings.Kindergarten, Limit: limit, Measure: surroundings.OnFoot, Fact: "distance_kindergarten", Law: []citation.Citation{minorsTobacco}},
	}
	return sdk.Check{
		ID: "tobacco-distance", Clauses: []string{clause},
		OptionalFacts: []string{"sells_tobacco", "sells_alcohol", "prepacked_only", "distance_school", "distance_kindergarten"},
		Contents:      []string{surroundings.Sketch},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			applies := sdk.Any(c.Holds("sells_tobacco"), sdk.All(c.Holds("sells_alcohol"), c.Holds("prepacked_only")))
			if !applies.Yes() {
				return []sdk.Finding{unlessApplies(clause, applies)}
			}
			return surroundings.Judge(c, clause, false, rules...)
		},
	}
}

// unlessApplies says that a clause does not apply, or which facts would tell.
func unlessApplies(clause string, applies sdk.Truth) sdk.Finding {
	if applies.No() {
		return sdk.NotApplicable(clause)
	}
	return sdk.NeedsFacts(clause, applies.Missing()...)
}
