// Command fragile is a plugin that ends in the middle of every call about a case.
package main

import (
	"context"
	"os"

	"github.com/onedoor/onedoor/plugins/sdk"
)

func main() {
	check := func(id, clause string, wish sdk.Policy) sdk.Check {
		return sdk.Check{ID: id, Clauses: []string{clause}, Facts: []string{"industry"}, OnFailure: wish, Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			if c.Ref() != "" { // a case, not a project
				os.Exit(7)
			}
			return []sdk.Finding{sdk.Pass(clause)}
		}}
	}
	sdk.Serve(sdk.Plugin{Name: "fragile", Version: "1.0.0", Department: "fire", Checks: []sdk.Check{
		check("refers", "C-FIR-003", sdk.Refer), check("proceeds", "C-FIR-005", sdk.Proceed),
	}})
}
