package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/geodesic"
	"github.com/onedoor/onedoor/plugins/internal/term"
	"github.com/onedoor/onedoor/plugins/sdk"
)

const roadClause = "C-CIT-010"

// The longest occupation. The ordinance says three months, the catalogue's predicate
// 90 days. Three months by the calendar (民法典 第202条) are up to 92 days: what lies
// between goes to an officer, so that neither reading is passed over.
const (
	longestMonths = 3
	longestDays   = 90
)

// again is within how many days of its end the same place cannot be occupied anew
// without an officer asking why. The law sets no number; this one is illustrative.
const again = 30

// purposes are what a road may be occupied for. "Special circumstances" (城市道路管理
// 条例 第31条) are works and events here; markets are strictly limited (第32条).
var purposes = []string{"construction", "scaffold", "material", "event", "market", "other"}

const (
	roadPaper   = "占用方案和平面图"
	roadSection = "urban.road-occupation/1"
)

// occupation is the section urban.road-occupation/1 of the plan of an occupation.
type occupation struct {
	Purpose string      `json:"purpose"`
	Area    sdk.Decimal `json:"area"` // m², as applied for
	Parts   []part      `json:"parts"`
}

// part is a place that is occupied for a time.
type part struct {
	Place    string       `json:"place"`    // the same for the same place
	Boundary [][2]float64 `json:"boundary"` // longitude and latitude, CGCS2000 or WGS84
	Term     term.Term    `json:"term"`
}

// The limits keep the comparison of all with all short.
const (
	mostParts  = 50
	mostPoints = 40
)

// problem says the first thing that the form does not say as its schema asks.
func (f *occupation) problem() string {
	if !slices.Contains(purposes, f.Purpose) {
		return "purpose: construction, scaffold, material, event, market or other"
	}
	if f.Area.Sign() <= 0 {
		return "area: above 0"
	}
	if len(f.Parts) == 0 || len(f.Parts) > mostParts {
		return fmt.Sprintf("parts: 1 to %d", mostParts)
	}
	for i, p := range f.Parts {
		if p.Place == "" || len(p.Boundary) < 3 || len(p.Boundary) > mostPoints {
			return fmt.Sprintf("parts[%d]: a place, and a boundary of 3 to %d points", i, mostPoints)
		}
		for _, at := range p.Boundary {
			if at[0] < 73 || at[0] > 136 || at[1] < 3 || at[1] > 54 {
				return fmt.Sprintf("parts[%d].boundary: points of [longitude, latitude] in China", i)
			}
		}
		if problem := p.Term.Problem(); problem != "" {
			return fmt.Sprintf("parts[%d].term.%s", i, problem)
		}
	}
	return ""
}

func (p part) shape() geodesic.Shape {
	out := make(geodesic.Shape, len(p.Boundary))
	for i, at := range p.Boundary {
		out[i] = geodesic.Point{Lon: at[0], Lat: at[1]}
	}
	return out
}

// areaTolerance is by how much the drawn and the stated area may differ, in percent:
// the boundary of a pavement is not surveyed to the centimetre.
var areaTolerance = sdk.Whole(5)

// drawn gives the area that is occupied at most at one time: the boundaries of one day
// together, each once. Terms begin and end at days, so the most is on a first day.
func (f *occupation) drawn() sdk.Decimal {
	most := 0.0
	for _, on := range f.Parts {
		sum, seen := 0.0, map[string]bool{}
		for _, p := range f.Parts {
			if boundary := fmt.Sprint(p.Boundary); p.Term.Has(on.Term.From.Time) && !seen[boundary] {
				seen[boundary] = true
				sum += geodesic.Area(p.shape())
			}
		}
		most = max(most, sum)
	}
	return sdk.Dec(strconv.FormatFloat(most, 'f', 1, 64))
}

// longest gives the longest time for which the road is occupied. Terms of one place,
// or of places that touch, count as one when they overlap or less than gap days lie
// between them: an occupation cannot be cut into pieces of three months.
func (f *occupation) longest(gap int) term.Term {
	group := make([]int, len(f.Parts)) // which parts are one, by the first of them
	for i, p := range f.Parts {
		group[i] = i
		for j, q := range f.Parts[:i] {
			if group[j] != group[i] && p.joins(q, gap) {
				from, into := group[i], group[j]
				for k := range i + 1 {
					if group[k] == from {
						group[k] = into
					}
				}
			}
		}
	}
	var longest term.Term
	for g := range f.Parts {
		run := term.Term{}
		for i, p := range f.Parts {
			if group[i] != g {
				continue
			}
			if run.From.IsZero() || p.Term.From.Before(run.From.Time) {
				run.From = p.Term.From
			}
			if p.Term.To.After(run.To.Time) {
				run.To = p.Term.To
			}
		}
		if !run.From.IsZero() && (longest.From.IsZero() || run.Days() > longest.Days()) {
			longest = run
		}
	}
	return longest
}

// joins says whether two parts are one occupation.
func (p part) joins(q part, gap int) bool {
	follow := !p.Term.From.After(q.Term.To.AddDate(0, 0, gap)) && !q.Term.From.After(p.Term.To.AddDate(0, 0, gap))
	return follow && p.touches(q)
}

func (p part) touches(q part) bool {
	return p.Place == q.Place || geodesic.Distance(p.shape(), q.shape()) < 0.5
}

// roadOccupation judges the days and the area of an occupation by its plan.
func roadOccupation() sdk.Check {
	return sdk.Check{
		ID: "road-occupation", Clauses: []string{roadClause},
		Facts: []string{"road_occupy_days"}, Contents: []string{roadPaper},
		Run: runRoadOccupation,
	}
}

func runRoadOccupation(_ context.Context, c *sdk.Case) []sdk.Finding {
	stated := c.Int("road_occupy_days")
	if stated <= 0 {
		return []sdk.Finding{sdk.NotApplicable(roadClause)}
	}
	var f occupation
	if fault := c.Form(roadPaper, roadSection, &f); fault != nil {
		return fault.Findings(roadClause)
	}
	if problem := f.problem(); problem != "" {
		return sdk.InvalidForm(roadPaper, roadSection+": "+problem).Findings(roadClause)
	}
	var out []sdk.Finding
	longest := f.longest(1)
	switch days := longest.Days(); {
	case !longest.Within(longestMonths):
		out = append(out, citation.Back(sdk.Fail(roadClause, "OCCUPIED_TOO_LONG").
			Say("road.too_long", "from", longest.From, "to", longest.To, "days", days).
			Advise("road.shorten", "to", term.Day{Time: longest.From.AddDate(0, 0, longestDays-1)}), roadMonths, civilMonths))
	case days > longestDays:
		out = append(out, citation.Back(sdk.Human(roadClause, "THREE_MONTHS_OVER_90_DAYS").
			Say("road.by_calendar", "from", longest.From, "to", longest.To, "days", days), roadMonths, civilMonths))
	case f.longest(again).Days() > longestDays:
		out = append(out, citation.Back(sdk.Human(roadClause, "OCCUPIED_AGAIN").
			Say("road.again", "gap", again, "most", longestDays), roadMonths))
	case stated != days:
		out = append(out, citation.Back(sdk.Human(roadClause, "DAYS_DISAGREE").
			Say("road.days_disagree", "plan", days, "stated", stated), roadExtent))
	}
	if drawn := f.drawn(); f.Area.Mul(sdk.Whole(100).Add(areaTolerance)).Less(drawn.Mul(sdk.Whole(100))) {
		out = append(out, citation.Back(sdk.Human(roadClause, "AREA_DISAGREES").
			Say("road.area", "plan", drawn, "stated", f.Area), roadExtent))
	}
	switch f.Purpose {
	case "market":
		out = append(out, citation.Back(sdk.Human(roadClause, "PURPOSE_MARKET").Say("road.market"), roadMarkets))
	case "other":
		out = append(out, citation.Back(sdk.Human(roadClause, "PURPOSE_TO_WEIGH").Say("road.purpose"), roadSpecial))
	}
	if len(out) == 0 {
		return []sdk.Finding{sdk.Pass(roadClause)}
	}
	return out
}
