package main

import (
	"context"
	"fmt"

	"github.com/onedoor/onedoor/plugins/sdk"
)

const (
	floorPlan   = "场所平面布置图"
	planSection = "fire.evacuation/1"
)

// plan is the section fire.evacuation/1 of the floor plan's form. Metres and square
// metres; a storey below the ground is negative, and there is no storey 0.
type plan struct {
	Storeys []storey `json:"storeys"`
}

type storey struct {
	Storey int64        `json:"storey"`
	Area   *sdk.Decimal `json:"area"`  // gross, of this place
	Depth  *sdk.Decimal `json:"depth"` // below the ground: from its floor up to the exit's level
	Rooms  []room       `json:"rooms"`
	Exits  []exit       `json:"exits"`
}

type room struct {
	Name     string       `json:"name"`
	Use      string       `json:"use"` // song_dance, video_hall, dance_hall, exhibition, hall (dining, meeting) or other
	Area     *sdk.Decimal `json:"area"`
	Seats    *int64       `json:"seats"`    // fixed ones
	Persons  *int64       `json:"persons"`  // as designed; needed where neither the law nor seats give a number
	Doors    []door       `json:"doors"`    // to the corridor or into the open
	Farthest *sdk.Decimal `json:"farthest"` // from the farthest point to the nearest of the doors
	ToExit   *sdk.Decimal `json:"to_exit"`  // from the farthest of the doors to its nearest exit; 0 when the door is the exit
	Position string       `json:"position"` // between (two exits), side (of a dead end) or end (of a corridor)
}

type door struct {
	Width *sdk.Decimal `json:"width"`
}

type exit struct {
	Name  string       `json:"name"`
	Kind  string       `json:"kind"` // stair, outdoor_stair or door (into the open, or to another fire compartment)
	Width *sdk.Decimal `json:"width"`
}

// The most of a plan.
const (
	mostStoreys  = 50
	mostRooms    = 400 // of a storey
	mostExits    = 50  // of a storey
	mostFindings = 40  // that are told; people mend some and ask again
)

// evacuationCheck reckons with the floor plan: the load of each storey, its exits
// and their widths, the doors of its rooms and the distances. The catalogue counts
// exits; the code asks for their width and distance besides (GB 50016 5.5.15 to
// 5.5.21), so this check is finer, and each finding says under which article.
func evacuationCheck() sdk.Check {
	return sdk.Check{
		ID: "evacuation", Clauses: []string{clauseExits},
		Facts:         []string{"industry"},
		OptionalFacts: append(exitCheck().OptionalFacts, "fire_rating", "sprinkler", "homestay", "rooms"),
		Contents:      []string{floorPlan},
		Run:           evacuation,
	}
}

func evacuation(ctx context.Context, c *sdk.Case) []sdk.Finding {
	if c.Is("industry", publicTrades...).No() {
		return []sdk.Finding{sdk.NotApplicable(clauseExits)}
	}
	var p plan
	if fault := c.Form(floorPlan, planSection, &p); fault != nil {
		asked := planAsked(c)
		switch {
		case fault.Kind == sdk.FormMissing && asked.No():
			return withoutPlan(ctx, c)
		case fault.Kind == sdk.FormMissing && !asked.Yes():
			return []sdk.Finding{sdk.NeedsFacts(clauseExits, asked.Missing()...)}
		}
		return fault.Findings(clauseExits)
	}
	if problem := p.problem(); problem != "" {
		return sdk.InvalidForm(floorPlan, planSection+": "+problem).Findings(clauseExits)
	}
	j := judge{c: c}
	j.plan(&p)
	return alternative(c, j.findings())
}

// planAsked says whether the floor plan is among the materials of the project: that
// of the pre-opening check, as the catalogue says when it is needed (the 300 m² of a
// restaurant are the district's, and a small homestay has a guide of its own). No
// more may be asked for than the notice says; a plan that is there all the same is
// judged.
func planAsked(c *sdk.Case) sdk.Truth {
	return sdk.All(
		sdk.Any(
			c.Is("industry", "hotel", "entertainment", "bathing"),
			sdk.All(c.Is("industry", "catering"), c.AtLeast("floor_area", sdk.Dec("300"))),
		),
		sdk.All(
			c.Holds("homestay"), c.AtMost("rooms", sdk.Whole(14)), c.AtMost("storeys_total", sdk.Whole(4)), c.AtMost("floor_area", sdk.Dec("800")),
		).Not(),
	)
}

// withoutPlan says of a project whose notice asks for no plan what the facts say: a
// pass here must not stand beside exits that are too few.
func withoutPlan(ctx context.Context, c *sdk.Case) []sdk.Finding {
	findings := exits(ctx, c)
	if len(findings) == 1 && findings[0].Verdict == sdk.Passed && findings[0].Code == "MET" {
		findings[0].Code = "PLAN_NOT_ASKED"
		findings[0] = findings[0].Say("evacuation.not_asked")
	}
	return findings
}

// problem says the first thing that the form does not say as its schema asks.
func (p *plan) problem() string {
	if len(p.Storeys) == 0 || len(p.Storeys) > mostStoreys {
		return fmt.Sprintf("storeys: 1 to %d", mostStoreys)
	}
	seen := map[int64]bool{}
	for i, s := range p.Storeys {
		at := fmt.Sprintf("storeys[%d]", i)
		switch {
		case s.Storey == 0 || s.Storey < -5 || s.Storey > 120 || seen[s.Storey]:
			return at + ".storey: -5 to 120, without 0, each once"
		case !positive(s.Area):
			return at + ".area: more than 0"
		case s.Storey < 0 && !positive(s.Depth):
			return at + ".depth: more than 0 for a storey below the ground"
		case len(s.Rooms) == 0 || len(s.Rooms) > mostRooms:
			return fmt.Sprintf("%s.rooms: 1 to %d", at, mostRooms)
		case len(s.Exits) > mostExits:
			return fmt.Sprintf("%s.exits: at most %d", at, mostExits)
		}
		seen[s.Storey] = true
		for k, r := range s.Rooms {
			if problem := r.problem(); problem != "" {
				return fmt.Sprintf("%s.rooms[%d].%s", at, k, problem)
			}
		}
		for k, e := range s.Exits {
			if e.Kind != "stair" && e.Kind != "outdoor_stair" && e.Kind != "door" {
				return fmt.Sprintf("%s.exits[%d].kind: stair, outdoor_stair or door", at, k)
			}
			if !positive(e.Width) {
				return fmt.Sprintf("%s.exits[%d].width: more than 0", at, k)
			}
		}
	}
	return ""
}

func (r *room) problem() string {
	_, dense := density[r.Use]
	switch {
	case r.Name == "" || len(r.Name) > 120:
		return "name: 1 to 120 bytes"
	case !dense && r.Use != "hall" && r.Use != "other":
		return "use: song_dance, video_hall, dance_hall, exhibition, hall or other"
	case !positive(r.Area):
		return "area: more than 0"
	case r.Seats != nil && (*r.Seats < 0 || *r.Seats > 100_000):
		return "seats: 0 to 100000"
	case r.Persons != nil && (*r.Persons < 0 || *r.Persons > 100_000):
		return "persons: 0 to 100000"
	case !dense && r.Seats == nil && r.Persons == nil:
		return "persons: needed, for neither the law nor seats give a number"
	case len(r.Doors) == 0 || len(r.Doors) > mostExits:
		return fmt.Sprintf("doors: 1 to %d", mostExits)
	case r.Farthest == nil || r.Farthest.Sign() < 0:
		return "farthest: 0 or more"
	case r.ToExit == nil || r.ToExit.Sign() < 0:
		return "to_exit: 0 or more"
	case r.Position != "between" && r.Position != "side" && r.Position != "end":
		return "position: between, side or end"
	}
	for i, d := range r.Doors {
		if !positive(d.Width) {
			return fmt.Sprintf("doors[%d].width: more than 0", i)
		}
	}
	return ""
}

func positive(d *sdk.Decimal) bool { return d != nil && d.Sign() > 0 }

// load is how many people count in a room: the most of what is designed, what its
// fixed seats give, and what the law's density gives.
func (r *room) load() int64 {
	var most int64
	if r.Persons != nil {
		most = *r.Persons
	}
	if r.Seats != nil {
		most = max(most, sdk.Whole(*r.Seats).Mul(fixedSeat).Ceil())
	}
	if use, ok := density[r.Use]; ok {
		most = max(most, r.Area.Mul(use.persons).Ceil())
	}
	return most
}

func (s *storey) load() int64 {
	var sum int64
	for i := range s.Rooms {
		sum += s.Rooms[i].load()
	}
	return sum
}

// crowded says that a storey has a room of many people (GB 50016 5.5.21第2款).
func (s *storey) crowded() bool {
	for _, r := range s.Rooms {
		if r.Use != "other" {
			return true
		}
	}
	return false
}

// through is how many people the exits of a storey must let out: those of the
// fullest of the storeys that leave by it (GB 50016 5.5.21第1、3款). Above the
// ground these are its own and the higher ones, below it its own and the deeper.
func (p *plan) through(at *storey) int64 {
	most := at.load()
	for i := range p.Storeys {
		s := &p.Storeys[i]
		if at.Storey > 0 && s.Storey > at.Storey || at.Storey < 0 && s.Storey < at.Storey {
			most = max(most, s.load())
		}
	}
	return most
}

// widthPer is the least net width for 100 persons; what is not known is missing,
// and "" where the code gives no number.
func widthPer(c *sdk.Case, s *storey) (per string, known sdk.Truth) {
	if s.Storey < 0 {
		if s.crowded() || deep.Less(*s.Depth) {
			return perHundredDeep.String(), sdk.That(true)
		}
		return perHundredShallow.String(), sdk.That(true)
	}
	storeys, knowsStoreys := c.OptionalInt("storeys_total")
	class, knowsClass := fireClass(c)
	row := 0
	switch {
	case storeys > 3 || s.Storey > 3:
		row, knowsStoreys = 2, true
	case storeys == 3:
		row = 1
	}
	known = sdk.That(true)
	if !knowsStoreys {
		known = sdk.Unknown("storeys_total")
	}
	if !knowsClass {
		known = sdk.All(known, sdk.Unknown("fire_rating"))
	}
	if !known.Yes() {
		return "", known
	}
	return perHundred[row][class-1], known
}

func fireClass(c *sdk.Case) (int64, bool) {
	class, known := c.OptionalInt("fire_rating")
	return class, known && class >= 1 && class <= 4
}

// judge gathers what is found on a plan.
type judge struct {
	c       *sdk.Case
	failed  []sdk.Finding
	officer []sdk.Finding
	unknown sdk.Truth // of what could not be judged
}

func (j *judge) fail(code, article, key string, namesAndValues ...any) {
	j.failed = append(j.failed, sdk.Fail(clauseExits, code).Say(key, namesAndValues...).Under(codeDesign, article).Advise(key+"_advice"))
}

func (j *judge) human(code, article, key string, namesAndValues ...any) {
	j.officer = append(j.officer, sdk.Human(clauseExits, code).Say(key, namesAndValues...).Under(codeDesign, article))
}

// needs remembers that facts are missing.
func (j *judge) needs(facts ...string) {
	if len(j.unknown.Missing()) > 0 {
		facts = append(facts, j.unknown.Missing()...)
	}
	j.unknown = sdk.All(sdk.Unknown(facts...))
}

// findings are all that fail; or else what is missing, and what an officer judges.
func (j *judge) findings() []sdk.Finding {
	if more := len(j.failed) - mostFindings; more > 0 {
		last := sdk.Fail(clauseExits, "MORE_PROBLEMS").Say("evacuation.more", "more", more).Under(codeDesign, "5.5")
		return append(j.failed[:mostFindings], last)
	}
	if len(j.failed) > 0 {
		return j.failed
	}
	if missing := j.unknown.Missing(); len(missing) > 0 {
		return []sdk.Finding{sdk.NeedsFacts(clauseExits, missing...)}
	}
	if len(j.officer) > 0 {
		return j.officer[:min(len(j.officer), mostFindings)]
	}
	return []sdk.Finding{sdk.Pass(clauseExits)}
}

func (j *judge) plan(p *plan) {
	var sum int64
	for i := range p.Storeys {
		s := &p.Storeys[i]
		sum += s.load()
		j.exits(p, s)
		for k := range s.Rooms {
			j.room(s, &s.Rooms[k])
		}
	}
	if declared, known := j.c.OptionalInt("occupants"); known && declared > sum {
		j.human("PLAN_HOLDS_FEWER", "5.5.21", "evacuation.fewer", "declared", declared, "plan", sum)
	}
}

// exits judges number and widths of a storey's exits.
func (j *judge) exits(p *plan, s *storey) {
	load := p.through(s)
	if len(s.Exits) == 0 {
		j.fail("TOO_FEW_EXITS", "5.5.8", "evacuation.exits", "storey", s.Storey, "exits", 0, "area", s.Area, "load", load)
		return
	}
	if len(s.Exits) == 1 {
		low := sdk.Any(j.c.AtMost("storeys_total", sdk.Whole(1)), j.c.AtMost("building_height", highRise))
		may := sdk.All(sdk.That(s.Storey == 1 && oneExitArea.AtLeast(*s.Area) && oneExitPersons.AtLeast(sdk.Whole(load))), low)
		switch {
		case may.No():
			j.fail("TOO_FEW_EXITS", "5.5.8", "evacuation.exits", "storey", s.Storey, "exits", 1, "area", s.Area, "load", load)
		case !may.Yes():
			j.needs(may.Missing()...)
		}
	}
	var total sdk.Decimal
	for _, e := range s.Exits {
		total = total.Add(*e.Width)
		least := doorWidth
		if e.Kind == "stair" || e.Kind == "door" && s.Storey == 1 {
			least = stairWidth
		}
		if e.Width.Less(least) {
			f := sdk.Fail(clauseExits, "EXIT_TOO_NARROW").
				Say("evacuation.exit", "storey", s.Storey, "name", e.Name, "width", e.Width, "least", least).
				Under(codeGeneral, "7.1.4").Advise("evacuation.exit_advice")
			j.failed = append(j.failed, f)
		}
	}
	per, known := widthPer(j.c, s)
	switch {
	case !known.Yes():
		j.needs(known.Missing()...)
	case per == "":
		j.human("NO_WIDTH_IN_CODE", "5.5.21", "evacuation.no_width", "storey", s.Storey)
	default:
		need := sdk.Whole(load).Mul(sdk.Dec(per)).Div(sdk.Whole(100))
		if total.Less(need) {
			j.fail("EXITS_TOO_NARROW", "5.5.21", "evacuation.width", "storey", s.Storey, "load", load, "per", per, "need", need, "have", total)
		}
	}
}

// room judges the doors of a room and the distances from it.
func (j *judge) room(s *storey, r *room) {
	load := r.load()
	if len(r.Doors) == 1 && !r.mayHaveOneDoor(load) {
		j.fail("TOO_FEW_DOORS", "5.5.15", "evacuation.doors", "storey", s.Storey, "room", r.Name, "area", r.Area, "load", load)
	}
	for _, d := range r.Doors {
		least := doorWidth
		article := sdk.Basis{Law: codeGeneral, Article: "7.1.4"}
		if r.Use == "dance_hall" {
			least, article = crowdWidth, sdk.Basis{Law: codeDesign, Article: "5.5.19"}
		}
		if d.Width.Less(least) {
			f := sdk.Fail(clauseExits, "DOOR_TOO_NARROW").
				Say("evacuation.door", "storey", s.Storey, "room", r.Name, "width", d.Width, "least", least).
				Under(article.Law, article.Article).Advise("evacuation.door_advice")
			j.failed = append(j.failed, f)
		}
	}
	table, known := j.travelOf(r)
	class, knowsClass := fireClass(j.c)
	if !knowsClass {
		known = sdk.All(known, sdk.Unknown("fire_rating"))
	}
	if !known.Yes() {
		j.needs(known.Missing()...)
		return
	}
	column := max(class, 2) - 2 // classes 1 and 2 share one
	between := table.deadEnd[column]
	if r.Position == "between" {
		between = table.between[column]
	}
	j.distance(r.ToExit, between, "DOOR_TOO_FAR", "evacuation.far", s, r)
	inside := table.deadEnd[column]
	if r.Use != "song_dance" && r.Use != "video_hall" && r.Use != "other" && len(r.Doors) >= 2 && class <= 2 {
		inside = hallTravel.String()
	}
	j.distance(r.Farthest, inside, "ROOM_TOO_DEEP", "evacuation.deep", s, r)
}

// mayHaveOneDoor keeps to GB 50016 5.5.15.
func (r *room) mayHaveOneDoor(load int64) bool {
	width := *r.Doors[0].Width
	switch {
	case r.Use == "song_dance" || r.Use == "video_hall" || r.Use == "dance_hall":
		return oneDoorEntertainment.AtLeast(*r.Area) && oneDoorEntertainmentPersons.AtLeast(sdk.Whole(load))
	case r.Position != "end":
		return oneDoorSide.AtLeast(*r.Area)
	default:
		return r.Area.Less(oneDoorEndSmall) && width.AtLeast(oneDoorEndSmallWidth) ||
			oneDoorEnd.AtLeast(*r.Area) && oneDoorEndFarthest.AtLeast(*r.Farthest) && width.AtLeast(oneDoorEndWidth)
	}
}

// travelOf gives the row of 表5.5.17 for a room.
func (j *judge) travelOf(r *room) (travel, sdk.Truth) {
	high := sdk.All(j.c.Above("storeys_total", sdk.Whole(1)), j.c.Above("building_height", highRise))
	venue := isEntertainment(j.c)
	switch {
	case r.Use == "song_dance" || r.Use == "video_hall" || r.Use == "dance_hall" || venue.Yes():
		return travelEntertainment, sdk.That(true)
	case !venue.No():
		return travel{}, venue
	case high.No():
		return travelOther, sdk.That(true)
	case high.Yes() && j.c.Is("industry", "hotel").Yes():
		return travelHighHotel, sdk.That(true)
	case high.Yes():
		return travelHighOther, sdk.That(true)
	}
	return travel{}, high
}

// distance judges one distance. Sprinklers lengthen it: they are asked about only
// where they decide.
func (j *judge) distance(have *sdk.Decimal, base, code, key string, s *storey, r *room) {
	if base == "" {
		j.human("NO_DISTANCE_IN_CODE", "5.5.17", "evacuation.no_distance", "storey", s.Storey, "room", r.Name)
		return
	}
	short, long := sdk.Dec(base), sdk.Dec(base).Mul(sprinkled)
	sprinkler := j.c.Holds("sprinkler")
	most := short
	if sprinkler.Yes() {
		most = long
	}
	switch {
	case most.AtLeast(*have):
	case long.AtLeast(*have) && !sprinkler.No():
		j.needs(sprinkler.Missing()...)
	default:
		j.fail(code, "5.5.17", key, "storey", s.Storey, "room", r.Name, "have", have, "most", most)
	}
}
