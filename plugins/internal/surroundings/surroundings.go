// Package surroundings judges how far a site is from schools and other places,
// from the coordinates of an e-form. It measures the straight line, and says what
// that proves: no route is shorter than the straight line, so a straight line that
// is long enough settles every way of measuring; one that is too short settles
// nothing where the law measures the way on foot.
package surroundings

import (
	"fmt"
	"strconv"
	"time"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/geodesic"
	"github.com/onedoor/onedoor/plugins/internal/term"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// Sketch is the material: the location sketch that the joint site check asks of
// every project (item site-check).
const Sketch = "场所位置和平面示意图"

const section = "site.surroundings/1"

// The kinds of places.
const (
	School       = "school"
	Kindergarten = "kindergarten"
	Pollution    = "pollution_source"
)

// The limits of a form.
const (
	maxPlaces = 200
	maxPoints = 200 // of a shape
)

// Form is the section site.surroundings/1 of the location sketch. Coordinates are longitude and latitude
// in degrees, of CGCS2000 or WGS84. A shape is a point (a gate), a line, or the
// boundary of an area.
type Form struct {
	CRS      string        `json:"crs"`
	Surveyed Survey        `json:"surveyed"`
	Site     [][2]float64  `json:"site"` // the door, or the boundary of the premises
	Places   []SurveyPlace `json:"places"`
}

// Survey says what the list of places covers: all places of the kinds whose
// straight distance is at most the radius.
type Survey struct {
	Day    term.Day    `json:"day"`
	Radius sdk.Decimal `json:"radius"` // metres
	Kinds  []string    `json:"kinds"`
}

// SurveyPlace is a place around the site.
type SurveyPlace struct {
	Kind  string       `json:"kind"`
	Shape [][2]float64 `json:"shape"`
}

// problem says the first thing that the form does not say as its schema asks.
func (f *Form) problem(day time.Time) string {
	switch {
	case f.CRS != "CGCS2000" && f.CRS != "WGS84":
		return "crs: CGCS2000 or WGS84; GCJ-02 and BD-09 of map services are off by hundreds of metres"
	case f.Surveyed.Day.IsZero() || f.Surveyed.Day.After(day):
		return "surveyed.day: a day, not after the day judged"
	case f.Surveyed.Radius.Sign() < 0:
		return "surveyed.radius: 0 or more"
	case len(f.Places) > maxPlaces:
		return fmt.Sprintf("places: at most %d", maxPlaces)
	}
	for _, kind := range f.Surveyed.Kinds {
		if !known(kind) {
			return "surveyed.kinds: school, kindergarten or pollution_source"
		}
	}
	if problem := wrong(f.Site); problem != "" {
		return "site: " + problem
	}
	site := shape(f.Site)
	for i, p := range f.Places {
		if !known(p.Kind) {
			return fmt.Sprintf("places[%d].kind: school, kindergarten or pollution_source", i)
		}
		if problem := wrong(p.Shape); problem != "" {
			return fmt.Sprintf("places[%d].shape: %s", i, problem)
		}
		if geodesic.Distance(site, shape(p.Shape)) > geodesic.Reach {
			return fmt.Sprintf("places[%d].shape: within %d m of the site", i, geodesic.Reach)
		}
	}
	return ""
}

func known(kind string) bool { return kind == School || kind == Kindergarten || kind == Pollution }

// wrong finds what is no shape in China: most often latitude and longitude have
// been exchanged.
func wrong(points [][2]float64) string {
	if len(points) == 0 || len(points) > maxPoints {
		return fmt.Sprintf("1 to %d points", maxPoints)
	}
	for _, p := range points {
		if p[0] < 73 || p[0] > 136 || p[1] < 3 || p[1] > 54 {
			return "points of [longitude, latitude] in China"
		}
	}
	return ""
}

func shape(points [][2]float64) geodesic.Shape {
	out := make(geodesic.Shape, len(points))
	for i, p := range points {
		out[i] = geodesic.Point{Lon: p[0], Lat: p[1]}
	}
	return out
}

// nearest gives the straight distance to the nearest place of a kind, to the
// centimetre.
func (f *Form) nearest(kind string) (metres sdk.Decimal, found bool) {
	for _, p := range f.Places {
		if p.Kind != kind {
			continue
		}
		d := sdk.Dec(strconv.FormatFloat(geodesic.Distance(shape(f.Site), shape(p.Shape)), 'f', 2, 64))
		if !found || d.Less(metres) {
			metres, found = d, true
		}
	}
	return metres, found
}

// covers says whether the survey has looked for a kind as far as the limit.
func (f *Form) covers(kind string, limit sdk.Decimal) bool {
	for _, k := range f.Surveyed.Kinds {
		if k == kind {
			return f.Surveyed.Radius.AtLeast(limit)
		}
	}
	return false
}

// Measure is how a rule measures.
type Measure int

// The measures.
const (
	Straight Measure = iota // the straight line itself
	OnFoot                  // the way on foot, or in a way that the law leaves open
)

// Rule says how far a site must be from places of a kind.
type Rule struct {
	Kind    string
	Limit   sdk.Decimal // metres; exactly so many are enough
	Measure Measure
	Fact    string // the measured distance as the applicant states it, an optional fact of the check
	Law     []citation.Citation
}

// The keys of the messages. All but the first end in the kind of the places:
// "distance.too_near.school".
const (
	msgEnough    = "distance.enough"
	msgTooNear   = "distance.too_near."  // {metres} {limit}
	msgOnFoot    = "distance.on_foot."   // {metres} {limit}: of the straight line
	msgDisagree  = "distance.disagree."  // {stated} {metres}: the straight line is at least so long
	msgSurvey    = "distance.survey."    // {limit}
	msgUnvouched = "distance.unvouched." // {limit}
	adviseMove   = "distance.move."      // {limit}
	adviseWalk   = "distance.walk."
)

// Judge measures by the rules of one clause: one PASS when all are met, else a
// finding for each that is not. A clause that cannot be promised rests on a survey
// that an agency or the window vouches for (trust A or B): that there is no school
// nearby is not shown by the applicant's own list.
func Judge(c *sdk.Case, clause string, promisable bool, rules ...Rule) []sdk.Finding {
	var f Form
	if fault := c.Form(Sketch, section, &f); fault != nil {
		return fault.Findings(clause)
	}
	if problem := f.problem(c.Day()); problem != "" {
		return sdk.InvalidForm(Sketch, section+": "+problem).Findings(clause)
	}
	m, _ := c.Material(Sketch)
	vouched := promisable || m.Trust == sdk.TrustA || m.Trust == sdk.TrustB
	var open []sdk.Finding
	for _, r := range rules {
		if finding := r.judge(c, &f, clause, vouched); finding.Verdict != sdk.Passed {
			open = append(open, finding)
		}
	}
	if len(open) > 0 {
		return open
	}
	return []sdk.Finding{sdk.Pass(clause).Say(msgEnough)}
}

func (r Rule) judge(c *sdk.Case, f *Form, clause string, vouched bool) sdk.Finding {
	straight, found := f.nearest(r.Kind)
	stated, isStated := c.OptionalNumber(r.Fact)
	law := func(finding sdk.Finding) sdk.Finding { return citation.Back(finding, r.Law...) }
	near := found && straight.Less(r.Limit)
	switch {
	case isStated && found && stated.Add(tolerance).Less(straight):
		return law(sdk.Human(clause, "DISTANCES_DISAGREE").
			Say(msgDisagree+r.Kind, "stated", stated, "metres", straight))
	case near && r.Measure == Straight, near && isStated && stated.Less(r.Limit):
		return law(sdk.Fail(clause, "TOO_NEAR").
			Say(msgTooNear+r.Kind, "metres", measured(r, straight, stated), "limit", r.Limit).
			Advise(adviseMove+r.Kind, "limit", r.Limit))
	case near && !isStated:
		return law(sdk.NeedsFacts(clause, r.Fact).
			Say(msgOnFoot+r.Kind, "metres", straight, "limit", r.Limit).
			Advise(adviseWalk + r.Kind))
	case near:
		return law(sdk.Human(clause, "WAY_TO_BE_WALKED").
			Say(msgOnFoot+r.Kind, "metres", straight, "limit", r.Limit))
	case !f.covers(r.Kind, r.Limit):
		return law(sdk.Human(clause, "SURVEY_TOO_SMALL").Say(msgSurvey+r.Kind, "limit", r.Limit))
	case isStated && stated.Less(r.Limit):
		return law(sdk.Human(clause, "DISTANCES_DISAGREE").
			Say(msgDisagree+r.Kind, "stated", stated, "metres", r.Limit))
	case !vouched:
		return law(sdk.Human(clause, "SURVEY_NOT_VOUCHED_FOR").Say(msgUnvouched+r.Kind, "limit", r.Limit))
	}
	return sdk.Pass(clause)
}

// tolerance is by how much two surveys of one distance may differ, in metres.
var tolerance = sdk.Whole(1)

// measured is the distance on which a FAIL rests.
func measured(r Rule, straight, stated sdk.Decimal) sdk.Decimal {
	if r.Measure == Straight {
		return straight
	}
	return stated
}
