package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// fumeLaw is 饮食业油烟排放标准（试行）. Its tables 1 and 2 are as public pages give
// them (web); that a concentration is brought to the basic air volume is from
// general knowledge of its chapter on measuring (verified: knowledge).
const fumeLaw = "GB 18483-2001"

var (
	mostFume       = sdk.Dec("2.0")  // mg/m³, 4.2
	stoveAirVolume = sdk.Dec("2000") // m³/h: the basic air volume of one stove in use (web)
)

// sizes are the kitchens of 表1, by the number of basic stoves, by the power of all
// stoves or by the projected area of their hoods, and their purification of 表2.
var sizes = []struct {
	clause              string
	stoves, power, hood sdk.Decimal // from this on; MJ/h, m²
	efficiency          sdk.Decimal // %
	message             string
}{
	{"C-ENV-007", sdk.Dec("1"), sdk.Dec("167"), sdk.Dec("1.1"), sdk.Dec("60"), "fume.small"},
	{"C-ENV-008", sdk.Dec("3"), sdk.Dec("500"), sdk.Dec("3.3"), sdk.Dec("75"), "fume.medium"},
	{"C-ENV-009", sdk.Dec("6"), sdk.Dec("1000"), sdk.Dec("6.6"), sdk.Dec("85"), "fume.large"},
}

const (
	questionnaire  = "项目情况表（事实问卷）"
	kitchenSection = "eco.kitchen/1"
)

// kitchen is the section eco.kitchen/1 of the questionnaire's form.
type kitchen struct {
	Stoves []stove   `json:"stoves"`
	Test   *fumeTest `json:"test"`
}

type stove struct {
	Name  string       `json:"name"`
	Power *sdk.Decimal `json:"power"` // MJ/h
	Hood  *sdk.Decimal `json:"hood"`  // m², projected
}

type fumeTest struct {
	Concentration *sdk.Decimal `json:"concentration"` // mg/m³, as measured
	AirVolume     *sdk.Decimal `json:"air_volume"`    // m³/h, as measured
	Working       *sdk.Decimal `json:"working"`       // basic stoves in use during the test
}

// fumeCheck judges purification by size, and the concentration. It is finer than
// the catalogue's conditions when the questionnaire is a form: it finds the
// size from power and hoods, and brings what was measured to the basic air
// volume, for thinner smoke is not cleaner. The stricter of fact and form counts.
func fumeCheck() sdk.Check {
	return sdk.Check{
		ID: "fume", Clauses: []string{"C-ENV-006", "C-ENV-007", "C-ENV-008", "C-ENV-009"},
		OptionalFacts: []string{"industry", "serves_food", "produces_fume", "stoves", "fume_efficiency", "fume_concentration"},
		Contents:      []string{questionnaire},
		Run:           fume,
	}
}

func fume(_ context.Context, c *sdk.Case) []sdk.Finding {
	applies := cooksWithFume(c)
	if applies.No() {
		return notApplicable("C-ENV-006", "C-ENV-007", "C-ENV-008", "C-ENV-009")
	}
	var k kitchen
	fault := c.Form(questionnaire, kitchenSection, &k)
	if fault == nil {
		if problem := k.problem(); problem != "" {
			fault = sdk.InvalidForm(questionnaire, kitchenSection+": "+problem)
		}
	}
	if fault != nil && fault.Kind == sdk.FormInvalid {
		return fault.Findings("C-ENV-006", "C-ENV-007", "C-ENV-008", "C-ENV-009")
	}
	// Without the form the facts are enough: they speak of basic stoves already.
	return append([]sdk.Finding{concentration(c, applies, k.Test)}, purification(c, applies, k.Stoves)...)
}

func notApplicable(clauses ...string) []sdk.Finding {
	var out []sdk.Finding
	for _, clause := range clauses {
		out = append(out, sdk.NotApplicable(clause))
	}
	return out
}

func (k *kitchen) problem() string {
	if len(k.Stoves) > 200 {
		return "stoves: at most 200"
	}
	powers, hoods := 0, 0
	for i, s := range k.Stoves {
		if s.Power != nil {
			powers++
		}
		if s.Hood != nil {
			hoods++
		}
		if s.Power != nil && s.Power.Sign() <= 0 || s.Hood != nil && s.Hood.Sign() <= 0 {
			return fmt.Sprintf("stoves[%d]: power and hood are more than 0", i)
		}
	}
	if n := len(k.Stoves); n > 0 && powers < n && hoods < n {
		return "stoves: power of each, or hood of each"
	}
	if t := k.Test; t != nil && (t.Concentration == nil || t.Concentration.Sign() < 0 ||
		t.AirVolume == nil || t.AirVolume.Sign() <= 0 || t.Working == nil || t.Working.Sign() <= 0) {
		return "test: concentration, air_volume and working, more than 0"
	}
	return ""
}

// together gives the power and the hoods of all stoves.
func together(stoves []stove) (power, hood sdk.Decimal) {
	for _, s := range stoves {
		if s.Power != nil {
			power = power.Add(*s.Power)
		}
		if s.Hood != nil {
			hood = hood.Add(*s.Hood)
		}
	}
	return power, hood
}

// sizeBy gives the place in sizes of the largest kitchen that any of the measures
// makes; -1 is below all.
func sizeBy(stoves, power, hood sdk.Decimal) int {
	for i, size := range slices.Backward(sizes) {
		if stoves.AtLeast(size.stoves) || power.AtLeast(size.power) || hood.AtLeast(size.hood) {
			return i
		}
	}
	return -1
}

// atBasicVolume brings a measured concentration to the basic air volume.
func (t *fumeTest) atBasicVolume() sdk.Decimal {
	return t.Concentration.Mul(*t.AirVolume).Div(t.Working.Mul(stoveAirVolume))
}

func concentration(c *sdk.Case, applies sdk.Truth, test *fumeTest) sdk.Finding {
	met := c.AtMost("fume_concentration", mostFume)
	if test != nil {
		byTest := sdk.That(mostFume.AtLeast(test.atBasicVolume()))
		if len(met.Missing()) > 0 {
			met = byTest // the test says what the fact does not
		}
		met = sdk.All(met, byTest)
	}
	return sdk.Judge("C-ENV-006", applies, met, func() sdk.Finding {
		f := sdk.Fail("C-ENV-006", "FUME_TOO_DENSE").Under(fumeLaw, "4.2").Advise("fume.clean")
		if c.Above("fume_concentration", mostFume).Yes() {
			return f.Say("fume.dense", "have", c.Number("fume_concentration"), "most", mostFume)
		}
		return f.Say("fume.dense_converted", "measured", test.Concentration, "volume", test.AirVolume, "working", test.Working,
			"have", test.atBasicVolume().Round(3), "most", mostFume)
	})
}

func purification(c *sdk.Case, applies sdk.Truth, stoves []stove) []sdk.Finding {
	count, known := c.OptionalNumber("stoves")
	power, hood := together(stoves)
	declared := sizeBy(count, sdk.Decimal{}, sdk.Decimal{})
	is := sizeBy(count, power, hood)
	var out []sdk.Finding
	for i, size := range sizes {
		of := sdk.Unknown("stoves")
		if known || len(stoves) > 0 {
			of = sdk.That(i == is)
		}
		out = append(out, sdk.Judge(size.clause, sdk.All(applies, of), c.AtLeast("fume_efficiency", size.efficiency), func() sdk.Finding {
			f := sdk.Fail(size.clause, "PURIFIED_TOO_LITTLE").Under(fumeLaw, "4.2").Advise("fume.purify", "least", size.efficiency)
			have := c.Number("fume_efficiency")
			if is != declared {
				return f.Say("fume.computed", "power", power, "hood", hood, "have", have, "least", size.efficiency)
			}
			return f.Say(size.message, "stoves", count, "have", have, "least", size.efficiency)
		}))
	}
	return out
}
