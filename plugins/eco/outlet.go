package main

import (
	"context"
	"fmt"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// outletLaw is 饮食业环境保护技术规范. That 6.2.2 and 6.2.3 both count, and that
// dwellings in the same building are targets too, says 环函〔2010〕336号 (web).
const outletLaw = "HJ 554-2010"

var (
	outletFar  = sdk.Dec("20") // m, 6.2.2
	outletNear = sdk.Dec("10") // m, 6.2.3: purified and without smell
)

const (
	sitePlan      = "场所位置和平面示意图"
	outletSection = "eco.outlets/1"
)

// sketch is the section eco.outlets/1 of the site plan's form: where the outlets
// and what they could trouble stand, in metres of any grid of the plan.
type sketch struct {
	Outlets []outlet `json:"outlets"`
	Targets []target `json:"targets"`
}

type outlet struct {
	Name string `json:"name"`
	At   point  `json:"at"`
}

type target struct {
	Name    string  `json:"name"`
	Outline []point `json:"outline"` // the corners of the building in turn; one for a point
}

// point is [x, y].
type point []sdk.Decimal

// outletCheck judges how far the outlets of cooking fume are from dwellings,
// schools and hospitals. It is finer than the catalogue's condition when the site
// plan is a form: it measures each outlet from each outline, exactly, and the
// lesser of fact and plan counts.
func outletCheck() sdk.Check {
	return sdk.Check{
		ID: "outlet", Clauses: []string{"C-ENV-010"},
		OptionalFacts: []string{"industry", "serves_food", "produces_fume", "fume_purifier", "deodorizer", "outlet_distance"},
		Contents:      []string{sitePlan},
		Run:           outlets,
	}
}

func outlets(_ context.Context, c *sdk.Case) []sdk.Finding {
	const clause = "C-ENV-010"
	applies := cooksWithFume(c)
	if applies.No() {
		return notApplicable(clause)
	}
	var s sketch
	fault := c.Form(sitePlan, outletSection, &s)
	if fault == nil {
		if problem := s.problem(); problem != "" {
			fault = sdk.InvalidForm(sitePlan, outletSection+": "+problem)
		}
	}
	if fault != nil && fault.Kind == sdk.FormInvalid {
		return fault.Findings(clause)
	}
	near := sdk.All(c.Holds("fume_purifier"), c.Holds("deodorizer"))
	met := sdk.Any(c.AtLeast("outlet_distance", outletFar), sdk.All(near, c.AtLeast("outlet_distance", outletNear)))
	if _, known := c.OptionalNumber("outlet_distance"); !known && fault == nil {
		met = sdk.That(true) // the plan says it
	}
	fail := func() sdk.Finding {
		return sdk.Fail(clause, "OUTLET_TOO_NEAR").Under(outletLaw, "6.2.2").Under(outletLaw, "6.2.3").Advise("outlet.move")
	}
	if fault != nil {
		return []sdk.Finding{sdk.Judge(clause, applies, met, func() sdk.Finding {
			return fail().Say("outlet.near", "have", c.Number("outlet_distance"), "far", outletFar, "near", outletNear)
		})}
	}
	o, t, squared := s.nearest()
	byPlan := sdk.Any(
		sdk.That(squared.AtLeast(outletFar.Mul(outletFar))),
		sdk.All(near, sdk.That(squared.AtLeast(outletNear.Mul(outletNear)))),
	)
	return []sdk.Finding{sdk.Judge(clause, applies, sdk.All(met, byPlan), func() sdk.Finding {
		if met.No() {
			return fail().Say("outlet.near", "have", c.Number("outlet_distance"), "far", outletFar, "near", outletNear)
		}
		return fail().Say("outlet.near_plan", "outlet", o.Name, "target", t.Name, "have", root(squared), "far", outletFar, "near", outletNear)
	})}
}

func (s *sketch) problem() string {
	named := func(name string) bool { return name != "" && len(name) <= 120 }
	bound := sdk.Dec("1000000")
	fits := func(p point) bool {
		if len(p) != 2 {
			return false
		}
		for _, d := range p {
			if bound.Less(d) || d.Less(bound.Neg()) {
				return false
			}
		}
		return true
	}
	if len(s.Outlets) == 0 || len(s.Outlets) > 20 || len(s.Targets) == 0 || len(s.Targets) > 50 {
		return "1 to 20 outlets, 1 to 50 targets"
	}
	for i, o := range s.Outlets {
		if !named(o.Name) || !fits(o.At) {
			return fmt.Sprintf("outlets[%d]: name of 1 to 120 bytes, at [x, y]", i)
		}
	}
	for i, t := range s.Targets {
		if !named(t.Name) || len(t.Outline) == 0 || len(t.Outline) > 50 {
			return fmt.Sprintf("targets[%d]: name of 1 to 120 bytes, outline of 1 to 50 points", i)
		}
		for _, p := range t.Outline {
			if !fits(p) {
				return fmt.Sprintf("targets[%d].outline: points [x, y] within ±1000000", i)
			}
		}
	}
	return ""
}

// nearest gives the outlet and the target that are nearest to each other, and the
// square of their distance, which is exact.
func (s *sketch) nearest() (o outlet, t target, squared sdk.Decimal) {
	first := true
	for _, a := range s.Outlets {
		for _, b := range s.Targets {
			if d := b.squaredFrom(a.At); first || d.Less(squared) {
				o, t, squared, first = a, b, d, false
			}
		}
	}
	return o, t, squared
}

// squaredFrom measures from a point to the walls of a target; inside of them it is
// nothing.
func (t *target) squaredFrom(p point) sdk.Decimal {
	var least sdk.Decimal
	inside := false
	for i := range t.Outline {
		a, b := t.Outline[i], t.Outline[(i+1)%len(t.Outline)]
		if d := squaredToSegment(p, a, b); i == 0 || d.Less(least) {
			least = d
		}
		if p[1].Less(a[1]) != p[1].Less(b[1]) {
			cross := a[0].Add(p[1].Sub(a[1]).Mul(b[0].Sub(a[0])).Div(b[1].Sub(a[1])))
			if p[0].Less(cross) {
				inside = !inside
			}
		}
	}
	if inside {
		return sdk.Decimal{}
	}
	return least
}

func squaredToSegment(p, a, b point) sdk.Decimal {
	dx, dy := b[0].Sub(a[0]), b[1].Sub(a[1])
	px, py := p[0].Sub(a[0]), p[1].Sub(a[1])
	length := dx.Mul(dx).Add(dy.Mul(dy))
	if length.Sign() > 0 {
		along := px.Mul(dx).Add(py.Mul(dy)).Div(length)
		if along.Sign() < 0 {
			along = sdk.Whole(0)
		}
		if sdk.Whole(1).Less(along) {
			along = sdk.Whole(1)
		}
		px, py = px.Sub(along.Mul(dx)), py.Sub(along.Mul(dy))
	}
	return px.Mul(px).Add(py.Mul(py))
}

// root gives a distance for people to read: whole centimetres, cut off.
func root(squared sdk.Decimal) sdk.Decimal {
	most := squared.Mul(sdk.Whole(10_000)).Floor() // cm²
	low, high := int64(0), int64(300_000_001)      // the grid's diagonal and more
	for low+1 < high {
		middle := (low + high) / 2
		if middle*middle <= most {
			low = middle
		} else {
			high = middle
		}
	}
	return sdk.Whole(low).Div(sdk.Whole(100))
}
