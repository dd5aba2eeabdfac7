package main

import (
	"context"

	"fmt"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/term"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// The clauses on outdoor advertisements.
const (
	advertTerm = "C-CIT-004"
	advertZone = "C-CIT-005"
)

// The years for which an advertisement may stand (宁波市市容和环境卫生管理条例 第35条).
const (
	ordinaryYears = 3
	longYears     = 6 // electronic, or of a high cost, which an officer recognises
)

// What makes an advertisement large (largeSize). No text of the city that sets it was
// at hand, so that a size that disagrees with what is declared goes to an officer.
var (
	largeSide = sdk.Whole(4)  // m, one side
	largeArea = sdk.Whole(10) // m², one face
)

// A large one is drawn for its approval (item ad-large), another for its filing
// (item ad-filing).
const (
	largePaper    = "位置图和效果图"
	smallPaper    = "效果图"
	advertSection = "urban.adverts/1"
)

// drawings is the section urban.adverts/1 of either: the advertisements as they are
// drawn.
type drawings struct {
	Adverts []advert `json:"adverts"`
}

type advert struct {
	Width      sdk.Decimal `json:"width"`  // m, of a face
	Height     sdk.Decimal `json:"height"` // m
	Electronic bool        `json:"electronic"`
	HighCost   bool        `json:"high_cost"`
	Term       term.Term   `json:"term"` // the first and the last day
}

const mostAdverts = 50

// problem says the first thing that the form does not say as its schema asks.
func (f *drawings) problem() string {
	if len(f.Adverts) == 0 || len(f.Adverts) > mostAdverts {
		return fmt.Sprintf("adverts: 1 to %d", mostAdverts)
	}
	for i, a := range f.Adverts {
		if a.Width.Sign() <= 0 || a.Height.Sign() <= 0 {
			return fmt.Sprintf("adverts[%d]: a width and a height above 0", i)
		}
		if problem := a.Term.Problem(); problem != "" {
			return fmt.Sprintf("adverts[%d].term.%s", i, problem)
		}
	}
	return ""
}

func (a advert) large() bool {
	return a.Width.AtLeast(largeSide) || a.Height.AtLeast(largeSide) || a.Width.Mul(a.Height).AtLeast(largeArea)
}

// adverts judges advertisements by their drawn size and term, which the catalogue's
// predicates take as declared.
func adverts() sdk.Check {
	return sdk.Check{
		ID: "adverts", Clauses: []string{advertTerm, advertZone},
		Facts:         []string{"ad_large"},
		OptionalFacts: []string{"ad_small", "ad_years", "zone", "in_heritage_building"},
		Contents:      []string{largePaper, smallPaper},
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{"ad_large": false, "ad_small": false}},
			Want: []sdk.Finding{
				sdk.NotApplicable(advertTerm).Used("ad_large", "ad_small"), sdk.NotApplicable(advertZone).Used("ad_large", "ad_small"),
			},
		},
		Run: runAdverts,
	}
}

func runAdverts(_ context.Context, c *sdk.Case) []sdk.Finding {
	paper, declared := largePaper, c.Bool("ad_large")
	if !declared {
		switch small := c.Holds("ad_small"); {
		case small.No():
			return []sdk.Finding{sdk.NotApplicable(advertTerm), sdk.NotApplicable(advertZone)}
		case !small.Yes():
			return []sdk.Finding{sdk.NeedsFacts(advertTerm, "ad_small"), sdk.NeedsFacts(advertZone, "ad_small")}
		}
		paper = smallPaper
	}
	var f drawings
	if fault := c.Form(paper, advertSection, &f); fault != nil {
		return fault.Findings(advertTerm, advertZone)
	}
	if problem := f.problem(); problem != "" {
		return sdk.InvalidForm(paper, advertSection+": "+problem).Findings(advertTerm, advertZone)
	}
	var large []advert
	for _, a := range f.Adverts {
		if a.large() {
			large = append(large, a)
		}
	}
	if !declared {
		if len(large) == 0 {
			return []sdk.Finding{sdk.NotApplicable(advertTerm), sdk.NotApplicable(advertZone)}
		}
		disagrees := func(clause string) sdk.Finding {
			return citation.Back(sdk.Human(clause, "LARGE_BY_SIZE").Say("advert.large_by_size", "count", len(large)), largeConsent, largeSize)
		}
		return []sdk.Finding{disagrees(advertTerm), disagrees(advertZone)}
	}
	if len(large) == 0 { // declared large, drawn small: it needs a filing only
		return []sdk.Finding{
			citation.Back(sdk.Human(advertTerm, "SMALL_BY_SIZE").Say("advert.small_by_size"), largeSize),
			citation.Back(sdk.Human(advertZone, "SMALL_BY_SIZE").Say("advert.small_by_size"), largeSize),
		}
	}
	return append(judgeTerms(c, large), judgeZone(c))
}

func judgeTerms(c *sdk.Case, large []advert) []sdk.Finding {
	var out []sdk.Finding
	most := ordinaryYears
	for _, a := range large {
		years := ordinaryYears
		if a.Electronic {
			years = longYears
		}
		if a.Electronic || a.HighCost {
			most = longYears
		}
		switch {
		case a.Term.Within(12 * years):
		case a.HighCost && a.Term.Within(12*longYears):
			out = append(out, citation.Back(sdk.Human(advertTerm, "HIGH_COST_TO_RECOGNISE").
				Say("advert.high_cost", "years", ordinaryYears), advertYears))
		default:
			if a.HighCost {
				years = longYears
			}
			out = append(out, citation.Back(sdk.Fail(advertTerm, "TERM_TOO_LONG").
				Say("advert.too_long", "from", a.Term.From, "to", a.Term.To, "years", years).
				Advise("advert.shorten", "to", a.Term.Last(12*years)), advertYears, civilMonths))
		}
	}
	if stated, known := c.OptionalNumber("ad_years"); known && len(out) == 0 && sdk.Whole(int64(most)).Less(stated) {
		out = append(out, citation.Back(sdk.Human(advertTerm, "YEARS_DISAGREE").Say("advert.years_disagree", "stated", stated), advertYears))
	}
	if len(out) == 0 {
		return []sdk.Finding{sdk.Pass(advertTerm)}
	}
	return out[:min(len(out), mostFindings)]
}

// mostFindings keeps an answer within the contract.
const mostFindings = 20

// judgeZone applies the prohibition to what is large by its size.
func judgeZone(c *sdk.Case) sdk.Finding {
	protected := sdk.Any(c.Is("zone", "core"), c.Holds("in_heritage_building"))
	return sdk.Judge(advertZone, protected, sdk.That(false), func() sdk.Finding {
		return citation.Back(sdk.Fail(advertZone, "PROTECTED_ZONE").Say("advert.protected").Advise("advert.elsewhere"), advertZones)
	})
}
