package main

import (
	"context"
	"fmt"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// fumeLaw is 饮食业油烟排放标准（试行）. Its numbers are as the catalogue has them
// (verified: knowledge), those of the basic stove are from general knowledge.
const fumeLaw = "GB 18483-2001"

var (
	mostFume       = sdk.Dec("2.0")  // mg/m³, 4.2
	stovePower     = sdk.Dec("167")  // MJ/h, 表1: what counts as one basic stove (1.67×10⁸ J/h)
	stoveHood      = sdk.Dec("1.1")  // m², 表1: or this much of the hood's projected area
	stoveAirVolume = sdk.Dec("2000") // m³/h: the basic air volume of one stove in use
)

// sizes are the kitchens of 表1 and their purification of 表2.
var sizes = []struct {
	clause     string
	least      sdk.Decimal // basic stoves
	below      sdk.Decimal // 0: no end
	efficiency sdk.Decimal // %
	message    string
}{
	{"C-ENV-007", sdk.Dec("1"), sdk.Dec("3"), sdk.Dec("60"), "fume.small"},
	{"C-ENV-008", sdk.Dec("3"), sdk.Dec("6"), sdk.Dec("75"), "fume.medium"},
	{"C-ENV-009", sdk.Dec("6"), sdk.Dec("0"), sdk.Dec("85"), "fume.large"},
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
// the catalogue's conditions when the questionnaire is a form: it reckons the basic
// stoves from power and hoods, and brings what was measured to the basic air
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

// basicStoves reckons the stoves into basic ones, by power or by hoods, whichever
// is more.
func basicStoves(stoves []stove) sdk.Decimal {
	var power, hood sdk.Decimal
	for _, s := range stoves {
		if s.Power != nil {
			power = power.Add(*s.Power)
		}
		if s.Hood != nil {
			hood = hood.Add(*s.Hood)
		}
	}
	power, hood = power.Div(stovePower), hood.Div(stoveHood)
	if power.Less(hood) {
		return hood
	}
	return power
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
	declared, knows := c.OptionalNumber("stoves")
	count, known := declared, knows
	if basic := basicStoves(stoves); len(stoves) > 0 && declared.Less(basic) {
		count, known = basic, true
	}
	var out []sdk.Finding
	for _, size := range sizes {
		of := sdk.Unknown("stoves")
		if known {
			of = sdk.That(count.AtLeast(size.least) && (size.below.Sign() == 0 || count.Less(size.below)))
		}
		out = append(out, sdk.Judge(size.clause, sdk.All(applies, of), c.AtLeast("fume_efficiency", size.efficiency), func() sdk.Finding {
			f := sdk.Fail(size.clause, "PURIFIED_TOO_LITTLE").Under(fumeLaw, "4.2").Advise("fume.purify", "least", size.efficiency)
			have := c.Number("fume_efficiency")
			if knows && declared.Less(count) {
				return f.Say("fume.computed", "declared", declared, "stoves", count.Round(2), "have", have, "least", size.efficiency)
			}
			return f.Say(size.message, "stoves", count, "have", have, "least", size.efficiency)
		}))
	}
	return out
}
