package kit_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/onedoor/onedoor/plugins/kit"
)

// TestMain lends the scripts a program "server" that has the commands of the kit
// and no others.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"server": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		k := &kit.Kit{Getenv: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr, Password: kit.Terminal(os.Stdin, os.Stderr)}
		err := errors.New("usage: server plugin COMMAND")
		if len(os.Args) > 2 && os.Args[1] == "plugin" {
			err = k.Run(ctx, os.Args[2], os.Args[3:])
		}
		stop()
		if err != nil && !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}})
}

// TestScripts plays an author's commands in folders of their own. $ONEDOOR is the
// source of this module, $HERE the platform as in plugin.yaml, $PROGRAM the end of
// a program's name. The scripts have this command beside testscript's:
//
//	replace FILE OLD NEW   change the first OLD in a file
func TestScripts(t *testing.T) {
	t.Parallel()
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS").Output()
	if err != nil {
		t.Fatal(err)
	}
	goEnv := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			for i, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS"} {
				env.Setenv(name, goEnv[i])
			}
			home, err := os.UserHomeDir()
			if err == nil {
				env.Setenv("npm_config_cache", filepath.Join(home, ".npm"))
			}
			env.Setenv("ONEDOOR", source)
			env.Setenv("HERE", runtime.GOOS+"/"+runtime.GOARCH)
			env.Setenv("PROGRAM", runtime.GOOS+"-"+runtime.GOARCH)
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "npm":
				_, err := exec.LookPath("npm")
				return err == nil, nil
			case "registry":
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				return exec.CommandContext(ctx, "npm", "ping").Run() == nil, nil
			}
			return false, fmt.Errorf("there is no condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"replace": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 3 {
					ts.Fatalf("usage: replace FILE OLD NEW")
				}
				text := ts.ReadFile(args[0])
				if !strings.Contains(text, args[1]) {
					ts.Fatalf("%s does not hold %q", args[0], args[1])
				}
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o644))
			},
		},
	})
}
