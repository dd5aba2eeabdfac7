package main

import (
	"context"

	"github.com/onedoor/onedoor/plugins/sdk"
)

const homestayStandard = "DB33/T 669"

// The widths of DB33/T 669 A.2.3 (verified: web).
var (
	homestayStair     = sdk.Dec("1.1")
	homestayStairHard = sdk.Dec("0.9")
)

// homestayCheck judges the stairs of a homestay. The catalogue passes a stair from
// 0.9 m on; the standard allows less than 1.1 m only where more is truly difficult,
// and that an officer judges. The largest storey is not smaller than the mean.
func homestayCheck() sdk.Check {
	return sdk.Check{
		ID: "homestay", Clauses: []string{"C-HTL-021", "C-HTL-023"},
		Facts: []string{"homestay"},
		OptionalFacts: []string{
			"storeys_total", "max_floor_area", "floor_area", "floor_lowest", "floor_highest", "evacuation_stairs", "stair_width",
		},
		Run: homestay,
	}
}

func homestay(_ context.Context, c *sdk.Case) []sdk.Finding {
	if !c.Bool("homestay") {
		return []sdk.Finding{sdk.NotApplicable("C-HTL-021"), sdk.NotApplicable("C-HTL-023")}
	}
	storeys := func(n int64) sdk.Truth {
		return sdk.All(c.AtLeast("storeys_total", sdk.Whole(n)), c.AtMost("storeys_total", sdk.Whole(n)))
	}
	two := sdk.Any(
		sdk.All(storeys(3), largestStorey(c, sdk.Dec("200"))),
		sdk.All(storeys(4), largestStorey(c, sdk.Dec("150"))),
	)
	stairs := sdk.Judge("C-HTL-021", two, c.AtLeast("evacuation_stairs", sdk.Whole(2)), func() sdk.Finding {
		return sdk.Fail("C-HTL-021", "TOO_FEW_STAIRS").
			Say("homestay.stairs", "storeys", c.Int("storeys_total"), "area", meanStorey(c), "stairs", c.Int("evacuation_stairs")).
			Under(homestayStandard, "A.2.2").Advise("homestay.second_stair")
	})
	width := sdk.Judge("C-HTL-023", sdk.That(true), c.AtLeast("stair_width", homestayStairHard), func() sdk.Finding {
		return sdk.Fail("C-HTL-023", "STAIR_TOO_NARROW").
			Say("homestay.narrow", "width", c.Number("stair_width"), "least", homestayStair, "hard", homestayStairHard).
			Under(homestayStandard, "A.2.3").Advise("homestay.widen", "least", homestayStair)
	})
	if width.Verdict == sdk.Passed && c.Below("stair_width", homestayStair).Yes() {
		width = sdk.Human("C-HTL-023", "STAIR_DIFFICULTY").
			Say("homestay.difficulty", "width", c.Number("stair_width"), "least", homestayStair, "hard", homestayStairHard).
			Under(homestayStandard, "A.2.3")
	}
	return []sdk.Finding{stairs, width}
}
