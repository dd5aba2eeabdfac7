package sdk_test

import (
	"context"

	"github.com/onedoor/onedoor/plugins/sdk"
)

// parking is a well-behaved plugin.
func parking() sdk.Plugin {
	return sdk.Plugin{
		Name: "parking", Version: "1.0.0", Department: "urban",
		Checks: []sdk.Check{{
			ID: "spaces", Clauses: []string{"URBAN-PARK-01"},
			Facts: []string{"floor_area", "parking_spaces"}, OptionalFacts: []string{"near_metro"},
			SelfTest: &sdk.SelfTest{
				Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{"floor_area": sdk.Dec("250.5"), "parking_spaces": int64(3)}},
				Want:  []sdk.Finding{sdk.Pass("URBAN-PARK-01").Used("floor_area", "parking_spaces")},
			},
			Run: spaces,
		}, {
			ID: "plan", Clauses: []string{"URBAN-PARK-02"}, Contents: []string{"site-plan"}, OnFailure: sdk.Reject,
			Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
				if _, ok := c.Material("site-plan"); !ok {
					return []sdk.Finding{sdk.NeedsMaterials("URBAN-PARK-02", "site-plan")}
				}
				return []sdk.Finding{sdk.Human("URBAN-PARK-02", "PLAN_TO_READ")}
			},
		}},
	}
}

func spaces(_ context.Context, c *sdk.Case) []sdk.Finding {
	need := c.Number("floor_area").Div(sdk.Whole(100)).Ceil()
	if near, known := c.OptionalBool("near_metro"); known && near {
		need = sdk.Whole(need).Mul(sdk.Dec("0.8")).Ceil()
	}
	if c.Int("parking_spaces") >= need {
		return []sdk.Finding{sdk.Pass("URBAN-PARK-01")}
	}
	return []sdk.Finding{sdk.Fail("URBAN-PARK-01", "TOO_FEW_SPACES").
		Say("spaces.too_few", "need", need, "have", c.Int("parking_spaces")).
		Under("宁波市停车场规划建设和管理条例", "第十二条").
		Advise("spaces.add", "more", need-c.Int("parking_spaces"))}
}
