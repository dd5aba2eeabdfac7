package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// The two standards have the same numbers (表1 of each, 4.1): the one for trades
// that serve people, the other for industry. So is the reduction for a boundary that
// is less than 1 m from a sensitive building (both on public pages: web).
const (
	socialNoise   = "GB 22337-2008"
	industryNoise = "GB 12348-2008"
	noiseArticle  = "4.1"
)

// noiseLimits are dB(A) by day and by night, by the class 0 to 4 of the zone.
var noiseLimits = [5]struct{ day, night sdk.Decimal }{
	{sdk.Dec("50"), sdk.Dec("40")},
	{sdk.Dec("55"), sdk.Dec("45")},
	{sdk.Dec("60"), sdk.Dec("50")},
	{sdk.Dec("65"), sdk.Dec("55")},
	{sdk.Dec("70"), sdk.Dec("55")},
}

var (
	touching  = sdk.Dec("1")  // m: nearer than this the noise is measured indoors
	reduction = sdk.Dec("10") // dB(A) less than the limit, then
)

// noiseRules say which clause judges which classes. The catalogue has clauses for
// the classes that its zones mostly are; the standards have limits for all five, so
// the class without a clause of its own is judged under its neighbour's, by its own
// limits.
var noiseRules = []struct {
	clause  string
	trades  []string
	classes []int64
	law     string
}{
	{"C-ENV-015", []string{"catering", "entertainment", "hotel", "bathing"}, []int64{2, 3, 4}, socialNoise},
	{"C-ENV-016", []string{"catering", "entertainment", "hotel", "bathing"}, []int64{1, 0}, socialNoise},
	{"C-MET-010", []string{"metal"}, []int64{3, 4}, industryNoise},
	{"C-MET-011", []string{"metal"}, []int64{2, 1, 0}, industryNoise},
}

func noiseCheck() sdk.Check {
	return sdk.Check{
		ID: "noise", Clauses: []string{"C-ENV-015", "C-ENV-016", "C-MET-010", "C-MET-011", "C-ENT-031"},
		OptionalFacts: []string{"industry", "noise_class", "noise_day", "noise_night", "distance_residence", "ent_kind"},
		Run:           noise,
	}
}

func noise(_ context.Context, c *sdk.Case) []sdk.Finding {
	var out []sdk.Finding
	class, known := c.OptionalInt("noise_class")
	known = known && class >= 0 && class < int64(len(noiseLimits))
	for _, rule := range noiseRules {
		of := sdk.Unknown("noise_class")
		if known {
			of = sdk.That(false)
			for _, k := range rule.classes {
				of = sdk.Any(of, sdk.That(k == class))
			}
		}
		applies := sdk.All(c.Is("industry", rule.trades...), of)
		switch {
		case applies.No():
			out = append(out, sdk.NotApplicable(rule.clause))
		case !applies.Yes():
			out = append(out, sdk.NeedsFacts(rule.clause, applies.Missing()...))
		default:
			out = append(out, loud(c, rule.clause, rule.law, class, class != rule.classes[0])...)
		}
	}
	return append(out, night(c))
}

// loud judges the noise at the boundary in a zone of a class.
func loud(c *sdk.Case, clause, law string, class int64, neighbour bool) []sdk.Finding {
	limit := noiseLimits[class]
	var failed []sdk.Finding
	over := func(fact, code, message string, most sdk.Decimal) {
		if c.Above(fact, most).Yes() {
			if neighbour {
				message += "_neighbour"
			}
			failed = append(failed, sdk.Fail(clause, code).Say(message, "class", class, "have", c.Number(fact), "most", most).
				Under(law, noiseArticle).Advise("noise.quieten"))
		}
	}
	over("noise_day", "TOO_LOUD_BY_DAY", "noise.day", limit.day)
	over("noise_night", "TOO_LOUD_BY_NIGHT", "noise.night", limit.night)
	if len(failed) > 0 {
		return failed
	}
	met := sdk.All(c.AtMost("noise_day", limit.day), c.AtMost("noise_night", limit.night))
	quiet := sdk.All(c.AtMost("noise_day", limit.day.Sub(reduction)), c.AtMost("noise_night", limit.night.Sub(reduction)))
	near := c.Below("distance_residence", touching)
	switch {
	case !met.Yes():
		return []sdk.Finding{sdk.NeedsFacts(clause, met.Missing()...)}
	case quiet.Yes() || near.No():
		return []sdk.Finding{sdk.Pass(clause)}
	case near.Yes():
		return []sdk.Finding{sdk.Human(clause, "MEASURE_INDOORS").
			Say("noise.indoors", "class", class, "day", limit.day.Sub(reduction), "night", limit.night.Sub(reduction)).
			Under(law, noiseArticle)}
	}
	return []sdk.Finding{sdk.NeedsFacts(clause, near.Missing()...)}
}

// night judges entertainment, of which the catalogue asks 50 dB(A) everywhere. In
// the classes 0 and 1 the standard asks for less noise.
func night(c *sdk.Case) sdk.Finding {
	const clause = "C-ENT-031"
	most, strictest := noiseLimits[2].night, noiseLimits[0].night
	applies := c.Is("ent_kind", "ktv", "dance", "arcade")
	met := c.AtMost("noise_night", most)
	class, known := c.OptionalInt("noise_class")
	switch {
	case known && class >= 0 && class < 2:
		most = noiseLimits[class].night
		met = c.AtMost("noise_night", most)
	case !known && met.Yes() && c.Above("noise_night", strictest).Yes():
		met = sdk.Unknown("noise_class")
	}
	return sdk.Judge(clause, applies, met, func() sdk.Finding {
		return sdk.Fail(clause, "TOO_LOUD_BY_NIGHT").Say("noise.entertainment", "have", c.Number("noise_night"), "most", most).
			Under("娱乐场所管理条例", "第7条").Under(socialNoise, noiseArticle).Advise("noise.quieten")
	})
}
