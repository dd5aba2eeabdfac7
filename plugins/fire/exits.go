package main

import (
	"context"
	"slices"

	"github.com/onedoor/onedoor/plugins/sdk"
)

const clauseExits = "C-FIR-002"

// exitCheck judges the number of exits by the facts. It is finer than the
// catalogue's condition in four ways: a place has at least one exit; the load that
// counts is the declared one or the one that the law computes, whichever is more;
// one exit on the ground floor is for buildings that are not high-rise; and a
// fire-safety plan of the old town stands instead of the code in the old town only.
func exitCheck() sdk.Check {
	return sdk.Check{
		ID: "exits", Clauses: []string{clauseExits},
		Facts: []string{"industry"},
		OptionalFacts: []string{
			"exits", "floor_area", "occupants", "floor_lowest", "floor_highest", "storeys_total", "building_height",
			"ent_kind", "bathing_kind", "room_max_area", "fire_plan_alt", "zone",
		},
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{"industry": sdk.Choice("catering"), "exits": int64(2)}},
			Want:  []sdk.Finding{sdk.Pass(clauseExits).Used("exits", "industry")},
		},
		Run: exits,
	}
}

func exits(_ context.Context, c *sdk.Case) []sdk.Finding {
	if c.Is("industry", publicTrades...).No() {
		return []sdk.Finding{sdk.NotApplicable(clauseExits)}
	}
	if c.AtLeast("exits", sdk.Whole(2)).Yes() {
		return []sdk.Finding{sdk.Pass(clauseExits)}
	}
	findings := oneExit(c)
	return alternative(c, findings)
}

// oneExit finds why one exit is not enough, or that it is.
func oneExit(c *sdk.Case) []sdk.Finding {
	under := func(f sdk.Finding) sdk.Finding {
		return f.Under(codeDesign, "5.5.8").Under(codeGeneral, "7.4.1").Advise("exits.add")
	}
	fail := func(key string, namesAndValues ...any) sdk.Finding {
		return under(sdk.Fail(clauseExits, "TOO_FEW_EXITS").Say(key, namesAndValues...))
	}
	have := c.AtLeast("exits", sdk.Whole(1))
	if have.No() {
		return []sdk.Finding{fail("exits.none")}
	}
	var failed []sdk.Finding
	ground := sdk.All(
		c.AtLeast("floor_lowest", sdk.Whole(1)), c.AtMost("floor_lowest", sdk.Whole(1)),
		c.AtLeast("floor_highest", sdk.Whole(1)), c.AtMost("floor_highest", sdk.Whole(1)),
	)
	if ground.No() {
		failed = append(failed, fail("exits.storey"))
	}
	small := c.AtMost("floor_area", oneExitArea)
	if small.No() {
		failed = append(failed, fail("exits.area", "area", c.Number("floor_area"), "most", oneExitArea))
	}
	few := c.AtMost("occupants", oneExitPersons)
	if few.No() {
		failed = append(failed, fail("exits.occupants", "occupants", c.Int("occupants"), "most", oneExitPersons))
	}
	computed, article, dense := largestRoom(c)
	if few.Yes() && dense.Yes() {
		f := fail("exits.load", "occupants", c.Int("occupants"), "load", computed, "most", oneExitPersons)
		failed = append(failed, f.Under(codeDesign, article))
	}
	low := sdk.Any(c.AtMost("storeys_total", sdk.Whole(1)), c.AtMost("building_height", highRise))
	if low.No() {
		failed = append(failed, fail("exits.high_rise", "height", c.Number("building_height"), "most", highRise))
	}
	if len(failed) > 0 {
		if have.Yes() {
			return failed
		}
		return []sdk.Finding{sdk.NeedsFacts(clauseExits, "exits")}
	}
	return []sdk.Finding{sdk.Judge(clauseExits, sdk.That(true), sdk.All(have, ground, small, few, dense.Not(), low), nil)}
}

// largestRoom gives the people that the law counts in the largest room alone, and
// whether they are too many for one exit. Only entertainment has a density; what
// is in the other rooms is not in the facts.
func largestRoom(c *sdk.Case) (load int64, article string, dense sdk.Truth) {
	kind := isEntertainment(c)
	if kind.No() {
		return 0, "", sdk.That(false)
	}
	area, known := c.OptionalNumber("room_max_area")
	if !known {
		return 0, "", sdk.All(kind, sdk.Unknown("room_max_area"))
	}
	use := density["song_dance"]
	if c.Is("ent_kind", "video_hall").Yes() {
		use = density["video_hall"]
	}
	load = area.Mul(use.persons).Ceil()
	return load, use.article, sdk.All(kind, sdk.That(!oneExitPersons.AtLeast(sdk.Whole(load))))
}

func isEntertainment(c *sdk.Case) sdk.Truth {
	return sdk.Any(c.Is("ent_kind", entertainment...), sdk.All(c.Is("industry", "bathing"), c.Is("bathing_kind", "sauna")))
}

// alternative looks at what fails under the code: in the old town a fire-safety
// plan made by the fire department with the planners stands instead of it
// (宁波市慈城古县城保护条例 第21条, 宁波市历史文化名城名镇名村保护条例 第15条).
// Elsewhere there is no such plan, and an officer looks at what is meant.
func alternative(c *sdk.Case, findings []sdk.Finding) []sdk.Finding {
	has := func(v sdk.Verdict) bool {
		return slices.ContainsFunc(findings, func(f sdk.Finding) bool { return f.Verdict == v })
	}
	failed := has(sdk.Failed)
	if !failed && !has(sdk.Missing) {
		return findings
	}
	plan := c.Holds("fire_plan_alt")
	protected := c.Is("zone", "core", "historic_district")
	instead := sdk.All(plan, protected)
	under := func(f sdk.Finding) []sdk.Finding {
		return []sdk.Finding{f.Under("宁波市慈城古县城保护条例", "第21条").Under("宁波市历史文化名城名镇名村保护条例", "第15条")}
	}
	switch {
	case instead.Yes():
		f := sdk.Pass(clauseExits).Say("exits.alternative")
		f.Code = "ALTERNATIVE_PLAN"
		return under(f)
	case !failed:
		return findings
	case plan.Yes() && protected.No():
		return under(sdk.Human(clauseExits, "ALTERNATIVE_PLAN_ELSEWHERE").Say("exits.alternative_elsewhere"))
	case instead.No():
		return findings
	}
	return []sdk.Finding{sdk.NeedsFacts(clauseExits, instead.Missing()...)}
}
