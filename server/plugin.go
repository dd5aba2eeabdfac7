package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/onedoor/onedoor/plugins/kit"
)

// pluginCommand runs the commands for plugins: those of an author's desk, which
// need no server.
func pluginCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("which plugin command?\n%s", kit.Usage)
	}
	verb := args[0]
	if !kit.Has(verb) {
		return fmt.Errorf("there is no plugin command %q\n%s", verb, kit.Usage)
	}
	k := &kit.Kit{Getenv: getenv, Stdout: stdout, Stderr: stderr, Password: kit.Terminal(os.Stdin, stderr)}
	return k.Run(ctx, verb, args[1:])
}
