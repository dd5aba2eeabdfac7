package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// waterTrades discharge pollutants, as the catalogue lists them. In a first-class
// zone every project that has nothing to do with water supply is forbidden
// (水污染防治法 第65条), so there the trade does not matter.
var waterTrades = []string{"catering", "hotel", "bathing", "repair", "metal", "recycling", "construction"}

// linesCheck compares the site's outline with the control lines. A line can raise
// what the facts do not say; as long as the lines are illustrative they never clear
// what the facts leave open.
func linesCheck() sdk.Check {
	return sdk.Check{
		ID: "control-lines", Clauses: []string{"C-PLN-022", "C-CON-017"},
		Facts:         []string{"industry"},
		OptionalFacts: []string{"in_water_source_zone", "archaeology_required", "archaeology_done", "land_supply"},
		Contents:      siteMaterials,
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			s, fault := siteOf(c)
			if fault != nil && fault.Kind == sdk.FormMissing && c.Is("industry", "construction").Yes() {
				fault.Material = townDesign // no site check, but a design, is asked of a building project
				if c.Is("land_supply", "collective").Yes() {
					fault.Material = villageDesign
				}
			}
			return append(water(c, s, fault), relics(c, s, fault)...)
		},
	}
}

// nearest gives how a site lies to the lines of a kind: to the one that it is
// deepest in, else to the nearest.
func (s *site) nearest(kinds ...string) (at *line, r reach, area, away float64) {
	for i := range lines {
		for _, kind := range kinds {
			if lines[i].kind != kind {
				continue
			}
			r2, area2, away2 := s.lies(&lines[i])
			if at == nil || r2 > r || r2 == r && (area2 > area || area2 == area && away2 < away) {
				at, r, area, away = &lines[i], r2, area2, away2
			}
		}
	}
	return at, r, area, away
}

func water(c *sdk.Case, s *site, fault *sdk.FormFault) []sdk.Finding {
	const clause = "C-PLN-022"
	declared := c.Holds("in_water_source_zone")
	discharges := c.Is("industry", waterTrades...)
	if declared.Yes() && discharges.Yes() {
		return []sdk.Finding{sdk.Fail(clause, "IN_WATER_SOURCE_ZONE").Say("water.declared").
			Under("水污染防治法", "第65、66条").Advise("water.move")}
	}
	if fault != nil {
		if declared.No() && discharges.No() {
			return []sdk.Finding{sdk.NotApplicable(clause)}
		}
		return fault.Findings(clause)
	}
	kinds := []string{"water_1"}
	if discharges.Yes() {
		kinds = append(kinds, "water_2")
	}
	at, r, area, away := s.nearest(kinds...)
	switch {
	case r == within:
		return []sdk.Finding{sdk.Fail(clause, "IN_WATER_SOURCE_ZONE").Say("water.map", "line", at.id, "area", metres(area)).
			Under(at.law, at.article).Advise("water.move")}
	case r == onLine:
		return []sdk.Finding{sdk.Human(clause, "ON_THE_LINE").
			Say("water.line", "line", at.id, "away", metres(away), "accuracy", metres(at.accuracy)).Under(at.law, at.article)}
	case declared.Yes(): // a trade that may be in a second-class zone, by the facts in one of the two
		return []sdk.Finding{sdk.Human(clause, "CLASS_TO_SEE").Say("water.class").Under("水污染防治法", "第65条")}
	case !declared.No():
		return []sdk.Finding{sdk.NeedsFacts(clause, declared.Missing()...)}
	}
	f := sdk.Pass(clause)
	if at != nil {
		f = f.Say("water.clear", "line", at.id, "away", far(away))
	}
	return []sdk.Finding{f}
}

func relics(c *sdk.Case, s *site, fault *sdk.FormFault) []sdk.Finding {
	const clause = "C-CON-017"
	if c.Is("industry", "construction").No() {
		return []sdk.Finding{sdk.NotApplicable(clause)}
	}
	declared, done := c.Holds("archaeology_required"), c.Holds("archaeology_done")
	fail := func(key string, namesAndValues ...any) sdk.Finding {
		return sdk.Fail(clause, "NOT_SURVEYED").Say(key, namesAndValues...).Under("文物保护法", "第29条（2017）").Advise("relics.survey")
	}
	switch {
	case done.Yes():
		return []sdk.Finding{sdk.Pass(clause)}
	case declared.Yes() && done.No():
		return []sdk.Finding{fail("relics.declared")}
	case declared.Yes():
		return []sdk.Finding{sdk.NeedsFacts(clause, done.Missing()...)}
	case fault != nil:
		return fault.Findings(clause)
	}
	at, r, area, away := s.nearest("relics")
	switch {
	case r == within && done.No():
		return []sdk.Finding{fail("relics.map", "line", at.id, "area", metres(area))}
	case r == within:
		return []sdk.Finding{sdk.NeedsFacts(clause, done.Missing()...)}
	case r == onLine:
		return []sdk.Finding{sdk.Human(clause, "ON_THE_LINE").
			Say("relics.line", "line", at.id, "away", metres(away), "accuracy", metres(at.accuracy)).Under(at.law, at.article)}
	case !declared.No():
		return []sdk.Finding{sdk.NeedsFacts(clause, declared.Missing()...)}
	}
	return []sdk.Finding{sdk.NotApplicable(clause)}
}
