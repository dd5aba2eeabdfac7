// Command samr is the market regulation department's plugin. See README.md.
package main

import "github.com/onedoor/onedoor/plugins/sdk"

func main() { sdk.Serve(plugin()) }

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name: "samr", Version: "1.0.0", Department: "samr",
		Checks: []sdk.Check{registration(), foodAreas(), pollution(), tobacco()},
	}
}
