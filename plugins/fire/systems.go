package main

import (
	"context"
	"slices"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// trigger is one reason for which the code asks for a system.
type trigger struct {
	when    sdk.Truth
	message string
	article string
	value   sdk.Decimal // of the message's gap
}

// systemCheck judges which automatic systems a place needs, by use, storey, area
// and height. It is finer than the catalogue's conditions in two ways: the largest
// storey is not smaller than the mean of the storeys, whatever is declared, and a
// place in a high-rise building needs sprinklers whatever its area (GB 50016 8.3.3).
func systemCheck() sdk.Check {
	return sdk.Check{
		ID: "systems", Clauses: []string{"C-FIR-006", "C-FIR-007", "C-FIR-008", "C-FIR-009"},
		Facts: []string{"industry"},
		OptionalFacts: []string{
			"ent_kind", "bathing_kind", "homestay", "floor_area", "max_floor_area", "room_max_area", "floor_lowest",
			"floor_highest", "storeys_total", "building_height", "sprinkler", "fire_alarm", "smoke_exhaust",
		},
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{
				"industry": sdk.Choice("hotel"), "homestay": false, "ent_kind": sdk.Choice("none"), "floor_area": sdk.Dec("3000.1"),
				"sprinkler": true, "fire_alarm": true,
			}},
			Want: []sdk.Finding{
				sdk.NotApplicable("C-FIR-006").Used("ent_kind", "fire_alarm", "floor_area", "homestay", "industry", "sprinkler"),
				sdk.NotApplicable("C-FIR-007").Used("ent_kind", "fire_alarm", "floor_area", "homestay", "industry", "sprinkler"),
				sdk.NotApplicable("C-FIR-009").Used("ent_kind", "fire_alarm", "floor_area", "homestay", "industry", "sprinkler"),
				sdk.Pass("C-FIR-008").Used("ent_kind", "fire_alarm", "floor_area", "homestay", "industry", "sprinkler"),
			},
		},
		Run: systems,
	}
}

func systems(_ context.Context, c *sdk.Case) []sdk.Finding {
	venue := isEntertainment(c)
	hotel := sdk.All(c.Is("industry", "hotel"), c.Holds("homestay").Not())
	below := sdk.Any(c.Below("floor_lowest", sdk.Whole(0)), c.Below("floor_highest", sdk.Whole(0)))
	fourth := c.AtLeast("floor_highest", sdk.Whole(4))
	high := sdk.All(c.Above("storeys_total", sdk.Whole(1)), c.Above("building_height", highRise))
	first := sdk.All(c.Above("storeys_total", sdk.Whole(1)), c.Above("building_height", firstClass))
	height, _ := c.OptionalNumber("building_height")
	total, _ := c.OptionalNumber("floor_area")
	room, _ := c.OptionalNumber("room_max_area")

	hotelAreas := []trigger{
		{largestStorey(c, sdk.Dec("1500")), "systems.storey_1500", "8.3.4、8.4.1", meanStorey(c)},
		{c.Above("floor_area", sdk.Dec("3000")), "systems.total_3000", "8.3.4、8.4.1", total},
	}
	findings := []sdk.Finding{
		system(c, "C-FIR-006", "sprinkler", "NO_SPRINKLER", venue, []trigger{
			{below, "systems.sprinkler_below", "8.3.4", sdk.Decimal{}},
			{fourth, "systems.sprinkler_fourth", "8.3.4", sdk.Decimal{}},
			{largestStorey(c, sdk.Dec("300")), "systems.sprinkler_300", "8.3.4", meanStorey(c)},
			{high, "systems.sprinkler_high", "8.3.3", height},
		}),
		system(c, "C-FIR-007", "fire_alarm", "NO_ALARM", venue, []trigger{
			{sdk.That(true), "systems.alarm", "8.4.1", sdk.Decimal{}},
		}),
		system(c, "C-FIR-009", "smoke_exhaust", "NO_SMOKE_EXHAUST", venue, []trigger{
			{below, "systems.smoke_below", "8.5.3", sdk.Decimal{}},
			{fourth, "systems.smoke_fourth", "8.5.3", sdk.Decimal{}},
			{partAbove(c, "room_max_area", sdk.Dec("100")), "systems.smoke_room", "8.5.3", room},
		}),
	}
	return append(findings, both(
		system(c, "C-FIR-008", "sprinkler", "NO_SPRINKLER", hotel, append(slices.Clone(hotelAreas),
			trigger{high, "systems.sprinkler_high", "8.3.3", height})),
		system(c, "C-FIR-008", "fire_alarm", "NO_ALARM", hotel, append(slices.Clone(hotelAreas),
			trigger{first, "systems.alarm_first_class", "8.4.1", height})),
	)...)
}

// system judges one system of a kind of place: needed for the first reason that
// holds, and not needed only when none can.
func system(c *sdk.Case, clause, fact, code string, place sdk.Truth, triggers []trigger) sdk.Finding {
	needed := sdk.That(false)
	var why trigger
	for _, t := range triggers {
		if !needed.Yes() && t.when.Yes() {
			why = t
		}
		needed = sdk.Any(needed, t.when)
	}
	return sdk.Judge(clause, sdk.All(place, needed), c.Holds(fact), func() sdk.Finding {
		return sdk.Fail(clause, code).Say(why.message, "value", why.value).Under(codeDesign, why.article).Advise("systems.install")
	})
}

// both joins the findings on two systems of one clause: each that fails, or else
// what is missing for either.
func both(a, b sdk.Finding) []sdk.Finding {
	switch {
	case a.Verdict == sdk.Failed && b.Verdict == sdk.Failed:
		return []sdk.Finding{a, b}
	case a.Verdict == sdk.Missing && b.Verdict == sdk.Missing:
		return []sdk.Finding{sdk.NeedsFacts(a.Clause, sdk.All(sdk.Unknown(a.MissingFacts...), sdk.Unknown(b.MissingFacts...)).Missing()...)}
	case b.Verdict == sdk.Failed, a.Verdict == sdk.Passed && b.Verdict == sdk.Missing, a.Code == "NOT_APPLICABLE":
		return []sdk.Finding{b}
	}
	return []sdk.Finding{a}
}

// meanStorey is what the largest storey has at least: what is declared, or the
// mean of the storeys that are used, whichever is more.
func meanStorey(c *sdk.Case) sdk.Decimal {
	declared, _ := c.OptionalNumber("max_floor_area")
	total, known := c.OptionalNumber("floor_area")
	lowest, knowsLowest := c.OptionalInt("floor_lowest")
	highest, knowsHighest := c.OptionalInt("floor_highest")
	if !known || !knowsLowest || !knowsHighest || highest < lowest {
		return declared
	}
	storeys := highest - lowest + 1
	if lowest < 0 && highest > 0 {
		storeys-- // there is no storey 0
	}
	if mean := total.Div(sdk.Whole(storeys)); declared.Less(mean) {
		return mean
	}
	return declared
}

// largestStorey says whether a storey is larger than a limit. All storeys together
// are no smaller than one, so a small place needs no further fact.
func largestStorey(c *sdk.Case, limit sdk.Decimal) sdk.Truth {
	if limit.Less(meanStorey(c)) {
		return sdk.That(true)
	}
	return partAbove(c, "max_floor_area", limit)
}

// partAbove says whether a part of the place is larger than a limit.
func partAbove(c *sdk.Case, part string, limit sdk.Decimal) sdk.Truth {
	above := c.Above(part, limit)
	if len(above.Missing()) > 0 && c.AtMost("floor_area", limit).Yes() {
		return sdk.That(false)
	}
	return above
}
