package main

import (
	"context"
	"slices"

	"github.com/onedoor/onedoor/plugins/sdk"
)

const cichengLaw = "宁波市慈城古县城保护条例"

var cichengClauses = []string{"C-PLN-008", "C-PLN-009", "C-PLN-013", "C-PLN-014", "C-BTH-007"}

// place is a zone in which a project is judged, with the height limit that its map
// has; "" is outside of the old town.
type place struct {
	zone   string
	limit  sdk.Decimal // 0: the map has none
	onLine bool        // the map is not exact enough to tell
	known  bool        // false: neither fact nor map says where
}

// cichengCheck judges what the zones of the old town ask. With the site's outline it
// finds the zone itself: of nested zones the strictest that the site reaches into
// counts for all of it. Where fact and map differ, or the site lies on a line, and
// the verdict depends on it, an officer looks. Of two height limits the lower counts.
func cichengCheck() sdk.Check {
	return sdk.Check{
		ID: "cicheng", Clauses: cichengClauses,
		OptionalFacts: []string{
			"industry", "zone", "project_nature", "infra_project", "building_height", "plan_height_limit", "exterior_duct",
			"ad_large", "duct_decorated", "boiler", "stack_height",
		},
		Contents: siteMaterials,
		Run:      cicheng,
	}
}

func cicheng(_ context.Context, c *sdk.Case) []sdk.Finding {
	s, fault := siteOf(c)
	if fault != nil && fault.Kind == sdk.FormInvalid {
		return fault.Findings(cichengClauses...)
	}
	declared := place{known: false}
	if zone, known := c.OptionalChoice("zone"); known {
		declared = place{zone: oldTown(zone), known: true}
	}
	if s == nil { // the fact is all that there is
		return inZone(c, declared)
	}
	places := s.places()
	if declared.known && declared.zone == places[0].zone {
		declared = places[0] // the map says the same, and more
	}
	if declared.known {
		places = append(places, declared)
	}
	byMap := inZone(c, places[0])
	findings := slices.Clone(byMap)
	for _, other := range slices.Backward(places[1:]) { // a line that is near says more than a fact that differs
		for i, f := range inZone(c, other) {
			if f.Verdict != byMap[i].Verdict {
				findings[i] = differing(f.Clause, places[0], other)
			}
		}
	}
	return findings
}

// oldTown keeps of a zone's code what is of the old town.
func oldTown(zone string) string {
	switch zone {
	case "core", "style", "control":
		return zone
	}
	return ""
}

func differing(clause string, first, other place) sdk.Finding {
	code, key := "ZONE_DIFFERS", "cicheng.differs"
	if other.onLine {
		code, key = "ON_THE_LINE", "cicheng.line"
	}
	name := func(zone string) string {
		if zone == "" {
			return "-"
		}
		return zone
	}
	return sdk.Human(clause, code).Say(key, "map", name(first.zone), "other", name(other.zone)).Under(cichengLaw, "第10条")
}

// places gives the zone that the map says, first, and those on whose lines the site
// lies.
func (s *site) places() []place {
	first := place{known: true}
	var near []place
	for _, zone := range []string{"core", "style", "control"} {
		found := place{zone: zone, known: true}
		in := false
		for i := range lines {
			if lines[i].kind != zone {
				continue
			}
			switch r, _, _ := s.lies(&lines[i]); r {
			case within:
				in = true
				found.limit = lower(found.limit, lines[i].height)
			case onLine:
				near = append(near, place{zone: zone, limit: lines[i].height, onLine: true, known: true})
			}
		}
		if in {
			first = found
			break // the strictest counts
		}
	}
	out := []place{first}
	for _, p := range near {
		if p.zone != first.zone || !lower(first.limit, p.limit).Equal(first.limit) {
			out = append(out, p)
		}
	}
	return out
}

// lower gives the lower of two limits; 0 is none.
func lower(a, b sdk.Decimal) sdk.Decimal {
	if a.Sign() == 0 || b.Sign() > 0 && b.Less(a) {
		return b
	}
	return a
}

// inZone judges the clauses as if the project stood in a zone.
func inZone(c *sdk.Case, p place) []sdk.Finding {
	is := func(zones ...string) sdk.Truth {
		if !p.known {
			return sdk.Unknown("zone")
		}
		for _, zone := range zones {
			if zone == p.zone {
				return sdk.That(true)
			}
		}
		return sdk.That(false)
	}
	building := sdk.All(is("core"), c.Is("industry", "construction"), c.Is("project_nature", "new", "rebuild", "expand"))
	fittings := sdk.All(c.Holds("exterior_duct").Not(), c.Holds("ad_large").Not())
	return []sdk.Finding{
		sdk.Judge("C-PLN-008", building, c.Holds("infra_project"), func() sdk.Finding {
			return sdk.Fail("C-PLN-008", "NO_BUILDING_IN_CORE").Say("cicheng.building").Under(cichengLaw, "第11条").Advise("cicheng.elsewhere")
		}),
		height(c, "C-PLN-009", is("style"), "building_height", p.limit),
		sdk.Judge("C-PLN-013", is("core"), fittings, func() sdk.Finding {
			key := "cicheng.duct"
			if !c.Holds("exterior_duct").Yes() {
				key = "cicheng.ad"
			}
			return sdk.Fail("C-PLN-013", "FITTING_IN_CORE").Say(key).Under(cichengLaw, "第25条").Advise("cicheng.inside")
		}),
		sdk.Judge("C-PLN-014", sdk.All(is("style"), c.Holds("exterior_duct")), c.Holds("duct_decorated"), func() sdk.Finding {
			return sdk.Fail("C-PLN-014", "DUCT_NOT_SCREENED").Say("cicheng.screen").Under(cichengLaw, "第25条").Advise("cicheng.screened")
		}),
		height(c, "C-BTH-007", sdk.All(is("style", "core"), c.Holds("boiler")), "stack_height", p.limit),
	}
}

// height judges a height by the plan's limit and the map's. The illustrative map
// can forbid, and never allows what the plan's limit does not.
func height(c *sdk.Case, clause string, applies sdk.Truth, fact string, limit sdk.Decimal) sdk.Finding {
	high, knowsHeight := c.OptionalNumber(fact)
	planned, knowsPlan := c.OptionalNumber("plan_height_limit")
	var met sdk.Truth
	switch {
	case !knowsHeight && !knowsPlan:
		met = sdk.Unknown(fact, "plan_height_limit")
	case !knowsHeight:
		met = sdk.Unknown(fact)
	case limit.Sign() > 0 && limit.Less(high):
		met = sdk.That(false)
	case !knowsPlan:
		met = sdk.Unknown("plan_height_limit")
	default:
		met = sdk.That(planned.AtLeast(high))
	}
	return sdk.Judge(clause, applies, met, func() sdk.Finding {
		f := sdk.Fail(clause, "TOO_HIGH").Under(cichengLaw, "第11条").Advise("cicheng.lower")
		if knowsPlan && planned.Less(high) {
			return f.Say("cicheng.height_plan", "height", high, "limit", planned)
		}
		return f.Say("cicheng.height_map", "height", high, "limit", limit)
	})
}
