// Command server is onedoor: it serves the API and carries the commands of its
// operators.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: server [command] [flags]

  serve                     serve the API (the default command)
  migrate                   bring the database's schema up to date
  catalog validate DIR      check a catalogue pack; every fault as file:line: reason
  catalog import DIR        make a pack the catalogue, all of it or nothing
  catalog export DIR        write the catalogue as a pack
  serve --sandbox           the same with demo data and a clock that anybody may set
  token                     print a token of the local issuer (--role, --subject)
  secrets reseal            seal the secrets of webhooks under the newest of ONEDOOR_SECRET_KEY; servers may run
  demo                      play a restaurant from notice to delivery on a running server
` + pluginUsage + `
server COMMAND -h lists the flags, and what in the environment sets them.
`

func main() {
	ctx, stop := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		stop()
		<-signals
		fmt.Fprintln(os.Stderr, "told to stop twice; ending at once")
		os.Exit(1)
	}()
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the whole program, so that tests can run it.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	command := "serve"
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	switch command {
	case "serve":
		return serve(ctx, args, getenv, stdout, stderr)
	case "migrate":
		return migrate(ctx, args, getenv, stdout, stderr)
	case "catalog":
		return catalogCommand(ctx, args, getenv, stdout, stderr)
	case "token":
		return tokenCommand(args, getenv, stdout, stderr)
	case "secrets":
		return secretsCommand(ctx, args, getenv, stdout, stderr)
	case "demo":
		return demoCommand(ctx, args, getenv, stdout, stderr)
	case "plugin":
		return pluginCommand(ctx, args, getenv, stdout, stderr)
	case "help":
		fmt.Fprint(stdout, usage)
		return nil
	}
	return fmt.Errorf("there is no command %q\n%s", command, usage)
}
