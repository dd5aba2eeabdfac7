// Command eco holds the checks of the ecology department: the environmental
// category by the list, cooking fume, its outlets, and noise. See README.md.
package main

import "github.com/onedoor/onedoor/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "eco", Version: "1.0.0", Department: "eco",
		Checks: []sdk.Check{categoryCheck(), fumeCheck(), outletCheck(), noiseCheck()},
	}
}

// cooksWithFume is when the clauses on cooking fume apply, as the catalogue says it.
func cooksWithFume(c *sdk.Case) sdk.Truth {
	return sdk.All(sdk.Any(c.Is("industry", "catering"), c.Holds("serves_food")), c.Holds("produces_fume"))
}
