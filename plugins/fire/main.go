// Command fire holds the checks of the fire department: exits and occupant load,
// evacuation by a plan, automatic systems, and homestays. See README.md.
package main

import "github.com/onedoor/onedoor/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "fire", Version: "1.0.0", Department: "fire",
		Checks: []sdk.Check{exitCheck(), evacuationCheck(), systemCheck(), homestayCheck()},
	}
}
