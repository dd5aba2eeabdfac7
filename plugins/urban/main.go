// Command urban is the urban management department's plugin. See README.md.
package main

import "github.com/onedoor/onedoor/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "urban", Version: "1.0.0", Department: "urban",
		Checks: []sdk.Check{adverts(), kitchenWaste(), constructionWaste(), roadOccupation()},
	}
}
