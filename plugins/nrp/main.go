// Command nrp holds the checks of the department of natural resources and
// planning: land use, control lines, and the zones of Cicheng old town. See
// README.md.
package main

import "github.com/onedoor/onedoor/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "nrp", Version: "1.0.0", Department: "nrp",
		Checks: []sdk.Check{landUseCheck(), linesCheck(), cichengCheck()},
	}
}
