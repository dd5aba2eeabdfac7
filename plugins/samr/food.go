package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// class is a size of restaurants (foodClasses): up to an area and a number of
// seats, both included. Who is of two classes is of the larger one.
type class struct {
	clause string      // "" for the largest, of which the pack has no clause
	area   sdk.Decimal // m²
	seats  int64
	dining sdk.Decimal // recommended: dining area for 1 of food-handling area (foodLayout)
}

// classes are from small to large; what is above the last is extra large.
var classes = []class{
	{clause: "C-FOD-014", area: sdk.Whole(150), seats: 75, dining: sdk.Dec("2.0")},
	{clause: "C-FOD-015", area: sdk.Whole(500), seats: 250, dining: sdk.Dec("2.2")},
	{clause: "C-FOD-016", area: sdk.Whole(3000), seats: 1000, dining: sdk.Dec("2.5")},
}

// smallest is the area up to which a place is registered as small catering, to
// which the classes do not apply (浙江省三小一摊认定条件（2017）第4条).
var smallest = sdk.Whole(50)

// The recommended parts of the food-handling area (foodLayout).
var (
	cookingPercent = sdk.Whole(50) // cutting and cooking together
	coldPercent    = sdk.Whole(10) // a room for cold dishes, if there is one
	coldLeast      = sdk.Whole(5)  // m²
)

// plannedPercent is how much of the stated area the rooms of a plan must make up, for
// walls are no rooms: illustrative, so that less goes to an officer.
var plannedPercent = sdk.Whole(90)

const (
	layoutPaper   = "经营场所布局图"
	layoutSection = "samr.food-layout/1"
)

// layout is the section samr.food-layout/1 of the plan of the premises: its rooms.
type layout struct {
	Rooms []struct {
		Use  string      `json:"use"`
		Area sdk.Decimal `json:"area"` // m²
	} `json:"rooms"`
}

// The uses of rooms. The food-handling area is the first group; offices, toilets,
// changing rooms and the like are neither it nor dining.
var (
	handling   = []string{"rough", "cutting", "cooking", "cold_room", "raw_room", "cake_room", "serving", "washing", "keeping", "storage"}
	otherRooms = []string{"dining", "auxiliary"}
)

const mostRooms = 500

// problem says the first thing that the form does not say as its schema asks.
func (f *layout) problem() string {
	if len(f.Rooms) == 0 || len(f.Rooms) > mostRooms {
		return fmt.Sprintf("rooms: 1 to %d", mostRooms)
	}
	for i, r := range f.Rooms {
		if !slices.Contains(handling, r.Use) && !slices.Contains(otherRooms, r.Use) || r.Area.Sign() <= 0 {
			return fmt.Sprintf("rooms[%d]: a use of the schema, and an area above 0", i)
		}
	}
	if f.area(handling...).Sign() == 0 {
		return "rooms: one that handles food"
	}
	return ""
}

func (f *layout) area(uses ...string) sdk.Decimal {
	sum := sdk.Whole(0)
	for _, r := range f.Rooms {
		if slices.Contains(uses, r.Use) {
			sum = sum.Add(r.Area)
		}
	}
	return sum
}

// foodAreas looks at the ratios of a restaurant's areas. The clauses are advice: what
// falls short is for an officer to weigh, and never a FAIL.
func foodAreas() sdk.Check {
	var clauses []string
	for _, c := range classes {
		clauses = append(clauses, c.clause)
	}
	return sdk.Check{
		ID: "food-areas", Clauses: clauses,
		Facts: []string{"industry", "use_area"}, OptionalFacts: []string{"seats", "kitchen_area"},
		Contents: []string{layoutPaper}, OnFailure: sdk.Proceed,
		SelfTest: &sdk.SelfTest{
			Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{"industry": sdk.Choice("catering"), "use_area": sdk.Whole(50)}},
			Want: []sdk.Finding{
				sdk.NotApplicable("C-FOD-014").Used("industry", "use_area"), sdk.NotApplicable("C-FOD-015").Used("industry", "use_area"),
				sdk.NotApplicable("C-FOD-016").Used("industry", "use_area"),
			},
		},
		Run: runFoodAreas,
	}
}

func runFoodAreas(_ context.Context, c *sdk.Case) []sdk.Finding {
	var out []sdk.Finding
	area := c.Number("use_area")
	if c.Choice("industry") != "catering" || !smallest.Less(area) {
		for _, class := range classes {
			out = append(out, sdk.NotApplicable(class.clause))
		}
		return out
	}
	byArea := slices.IndexFunc(classes, func(c class) bool { return c.area.AtLeast(area) })
	if byArea < 0 { // extra large by area: the pack's clauses do not apply
		for _, class := range classes {
			out = append(out, sdk.NotApplicable(class.clause))
		}
		return out
	}
	seats, known := c.OptionalInt("seats")
	if !known {
		for i, class := range classes {
			if i < byArea { // seats can only make it larger
				out = append(out, sdk.NotApplicable(class.clause))
			} else {
				out = append(out, sdk.NeedsFacts(class.clause, "seats"))
			}
		}
		return out
	}
	bySeats := slices.IndexFunc(classes, func(c class) bool { return c.seats >= seats })
	judged := max(byArea, bySeats)
	if bySeats < 0 {
		judged = len(classes)
	}
	for i, class := range classes {
		switch {
		case i == judged:
			out = append(out, class.judge(c)...)
		case i == byArea && judged == len(classes):
			out = append(out, citation.Back(sdk.Human(class.clause, "EXTRA_LARGE_BY_SEATS").
				Say("food.extra_large", "seats", seats), foodClasses))
		case i == byArea:
			// The clause's predicate takes the class by the area alone: where it is not met
			// either, an officer sees both.
			finding := sdk.Human(class.clause, "LARGER_BY_SEATS")
			if kitchen, known := c.OptionalNumber("kitchen_area"); known && class.plainlyMet(kitchen, area) {
				finding = sdk.Pass(class.clause)
			}
			out = append(out, citation.Back(finding.Say("food.larger_by_seats", "seats", seats), foodClasses))
		default:
			out = append(out, sdk.NotApplicable(class.clause))
		}
	}
	return out
}

// plainlyMet is the catalogue's predicate: it takes all that is no kitchen for dining.
func (k class) plainlyMet(kitchen, area sdk.Decimal) bool {
	return kitchen.Mul(k.dining.Add(sdk.Whole(1))).AtLeast(area)
}

// judge compares the areas of the plan with what is recommended for the class.
func (k class) judge(c *sdk.Case) []sdk.Finding {
	var f layout
	if fault := c.Form(layoutPaper, layoutSection, &f); fault != nil {
		return fault.Findings(k.clause)
	}
	if problem := f.problem(); problem != "" {
		return sdk.InvalidForm(layoutPaper, layoutSection+": "+problem).Findings(k.clause)
	}
	kitchen, dining, all := f.area(handling...), f.area("dining"), f.area(slices.Concat(handling, otherRooms)...)
	human := func(code, key string, more ...any) sdk.Finding {
		return citation.Back(sdk.Human(k.clause, code).Say(key, more...), foodLayout)
	}
	if area := c.Number("use_area"); area.Less(all) || all.Mul(sdk.Whole(100)).Less(area.Mul(plannedPercent)) {
		return []sdk.Finding{human("AREAS_DISAGREE", "food.areas_disagree", "plan", all, "stated", c.Number("use_area"))}
	}
	if stated, known := c.OptionalNumber("kitchen_area"); known && !stated.Equal(kitchen) {
		return []sdk.Finding{human("AREAS_DISAGREE", "food.areas_disagree", "plan", kitchen, "stated", stated)}
	}
	var out []sdk.Finding
	if kitchen.Mul(k.dining).Less(dining) {
		out = append(out, human("KITCHEN_SMALL", "food.kitchen_small", "ratio", k.dining, "kitchen", kitchen, "dining", dining).
			Advise("food.kitchen_more", "area", upTo(dining.Div(k.dining).Sub(kitchen))))
	}
	if cooking := f.area("cutting", "cooking"); cooking.Mul(sdk.Whole(100)).Less(kitchen.Mul(cookingPercent)) {
		out = append(out, human("COOKING_SMALL", "food.cooking_small", "cooking", cooking, "kitchen", kitchen))
	}
	if cold := f.area("cold_room"); cold.Sign() > 0 && (cold.Mul(sdk.Whole(100)).Less(kitchen.Mul(coldPercent)) || cold.Less(coldLeast)) {
		out = append(out, human("COLD_ROOM_SMALL", "food.cold_small", "cold", cold, "kitchen", kitchen))
	}
	switch {
	case len(out) > 0:
		return out
	case !k.plainlyMet(kitchen, c.Number("use_area")):
		// The text compares with dining alone, the predicate with all the rest.
		return []sdk.Finding{citation.Back(sdk.Pass(k.clause).Say("food.met_by_text", "ratio", k.dining), foodLayout)}
	}
	return []sdk.Finding{sdk.Pass(k.clause)}
}

// upTo rounds up to a tenth.
func upTo(d sdk.Decimal) sdk.Decimal {
	return sdk.Whole(d.Mul(sdk.Whole(10)).Ceil()).Div(sdk.Whole(10))
}
