// Command police is the police department's plugin. See README.md.
package main

import "github.com/onedoor/onedoor/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "police", Version: "1.0.0", Department: "police",
		Checks: []sdk.Check{bars(), video(), guards(), hotelPersons(), scrapPersons()},
	}
}
