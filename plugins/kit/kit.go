// Package kit is what the author of a department's plugin does at a desk, from
// nothing to a signed package: new, build, test, conform, keygen, sign, pack. It
// needs no server and no database. What the central team does with the package
// (install, activate, roll back) belongs to the program.
package kit

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/onedoor/onedoor/plugins/manifest"
)

// Usage describes the commands, a line each.
const Usage = `  plugin new NAME           write a new plugin that builds, passes its tests and conforms
  plugin build [DIR]        build its programs and write their digests into plugin.yaml
  plugin test [DIR]         run its own tests and golden cases
  plugin conform [DIR]      ask the built program everything that the platform asks
  plugin keygen DEPARTMENT  make the key with which a department signs
  plugin sign [DIR]         sign plugin.yaml, and with it the programs
  plugin pack [DIR]         write the signed package into a folder of its own
`

// Kit is where the commands run.
type Kit struct {
	Getenv         func(string) string
	Stdout, Stderr io.Writer

	// Password asks a person for a password; it is used where the environment has
	// none.
	Password func(prompt string) (string, error)

	// Launch starts the program of a package for conform. Nil starts it without a
	// sandbox.
	Launch Launcher
}

// Launcher starts the program of a package, and gives a connection to it and the
// directory below which it reads materials. What it logs goes to log. It is
// stopped by stop, or at the end of ctx.
type Launcher func(ctx context.Context, p *manifest.Package, log io.Writer) (conn grpc.ClientConnInterface, dir string, stop func(), err error)

// EnvPassword holds the password of the department's private key.
const EnvPassword = "ONEDOOR_KEY_PASSWORD"

var commands = map[string]func(*Kit, context.Context, []string) error{
	"new": (*Kit).create, "build": (*Kit).build, "test": (*Kit).test, "conform": (*Kit).conform,
	"keygen": (*Kit).keygen, "sign": (*Kit).sign, "pack": (*Kit).pack,
}

// Has says whether the kit has a command.
func Has(command string) bool { return commands[command] != nil }

// Run runs a command.
func (k *Kit) Run(ctx context.Context, command string, args []string) error {
	run := commands[command]
	if run == nil {
		return fmt.Errorf("there is no plugin %s; there are %s", command, strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
	}
	return run(k, ctx, args)
}

// parse reads flags that may stand before and behind the arguments, of which
// there are at most as many as names.
func (k *Kit) parse(command string, args []string, names []string, define func(*flag.FlagSet)) ([]string, error) {
	flags := flag.NewFlagSet("server plugin "+command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints the error, once
	if define != nil {
		define(flags)
	}
	var rest []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				fmt.Fprintf(k.Stderr, "usage: server plugin %s [flags] %s\n", command, strings.Join(names, " "))
				flags.SetOutput(k.Stderr)
				flags.PrintDefaults()
			}
			return nil, err
		}
		if flags.NArg() == 0 {
			break
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
	if len(rest) > len(names) {
		return nil, fmt.Errorf("usage: server plugin %s [flags] %s", command, strings.Join(names, " "))
	}
	return rest, nil
}

// next says what comes next.
func (k *Kit) next(format string, args ...any) {
	fmt.Fprintf(k.Stdout, "next: "+format+"\n", args...)
}

// The languages of a plugin.
const (
	inGo   = "go"
	inNode = "node"
)

// project is a plugin as its author has it: a folder with plugin.yaml and its
// source. What is built lies there too, so that the folder is a package.
type project struct {
	dir      string // as it was given
	language string
	manifest *manifest.Manifest
	text     []byte // of plugin.yaml
}

// Folder is the plugin's folder that the arguments of a command name: the first,
// else the one where one stands, or the only plugin right below it.
func Folder(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	if _, err := os.Stat(manifest.File); err == nil {
		return "."
	}
	if found, err := filepath.Glob(filepath.Join("*", manifest.File)); err == nil && len(found) == 1 {
		return filepath.Dir(found[0])
	}
	return "."
}

// open reads the project that the arguments name; the folder where one stands
// when they name none.
func open(args []string) (*project, error) {
	p := &project{dir: Folder(args)}
	var err error
	p.text, err = os.ReadFile(p.path(manifest.File))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is no plugin, it has no %s: name its folder, or write one: server plugin new NAME", p.dir, manifest.File)
	}
	if err != nil {
		return nil, err
	}
	if p.manifest, err = manifest.Parse(p.text); err != nil {
		return nil, fmt.Errorf("%w\n%s: correct it and try again", err, p.path(manifest.File))
	}
	p.language = inGo
	if p.manifest.Interpreter != "" {
		p.language = p.manifest.Interpreter
	}
	return p, nil
}

func (p *project) path(name string) string { return filepath.Join(p.dir, name) }

// arg is the project's folder as an argument of the next command.
func (p *project) arg() string {
	if p.dir == "." {
		return ""
	}
	return " " + p.dir
}

// run runs another program in the project's folder and shows what it says.
func (k *Kit) run(ctx context.Context, p *project, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = k.Stdout, k.Stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed, or not in PATH: install it and try again", name)
	}
	return err
}
