package host_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/host"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// asHost has the test's program be something else: "host" with a directory, or
// "plain" with the path of a socket.
const asHost = "ONEDOOR_TEST_AS"

// command starts the test's program as something else.
func command(t testing.TB, what, with string, files ...*os.File) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], with)
	cmd.Env = append(os.Environ(), asHost+"="+what)
	if what == "plain" {
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1") // as a plugin has
	}
	cmd.ExtraFiles, cmd.Stderr = files, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func beHost() {
	var err error
	if os.Getenv(asHost) == "plain" {
		err = bePlain(os.Args[1])
	} else {
		err = runHost(os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bePlain serves a check with plain grpc-go.
func bePlain(path string) error {
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server, err := sdk.NewServer(sdk.Plugin{
		Name: "plain", Version: "1.0.0", Department: "fire",
		Checks: []sdk.Check{{
			ID: "c0", Clauses: []string{"C-1"}, Facts: []string{"area", "spaces"},
			Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
				if need := c.Number("area").Div(sdk.Whole(100)).Ceil(); c.Int("spaces") < need {
					return []sdk.Finding{sdk.Fail("C-1", "TOO_FEW").Say("said", "text", need).Under("GB 1", "1")}
				}
				return []sdk.Finding{sdk.Pass("C-1")}
			},
		}},
	}, "")
	if err != nil {
		return err
	}
	return server.Serve(l)
}

// hostOrder is what a host in a process of its own is told.
type hostOrder struct {
	Program string
	Plugin  config
	Level   host.Level
}

// runHost starts a plugin, says its process's number on descriptor 3, and waits to
// be killed.
func runHost(order string) error {
	var o hostOrder
	if err := json.Unmarshal([]byte(order), &o); err != nil {
		return err
	}
	var err error
	if program, err = os.ReadFile(o.Program); err != nil {
		return err
	}
	h, err := host.New(host.Config{Dir: o.Program + ".d", Dev: true, Floor: host.L0, Ceiling: o.Level, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	r := &rig{Host: h}
	release, err := unsigned(o.Plugin)
	if err != nil {
		return err
	}
	if err := h.Apply(context.Background(), []host.Release{release}); err != nil {
		return err
	}
	got, _ := r.Run(context.Background(), question("pass"), []check.Ask{{Plugin: h.Active()[0].Name, Digest: h.Active()[0].Digest, Checks: []string{"a"}}})
	if got[0].Fault != nil {
		return fmt.Errorf("%+v", *got[0].Fault)
	}
	fmt.Fprintln(os.NewFile(3, "out"), host.PID(h, h.Active()[0].Name))
	select {}
}

// TestPluginsDieWithTheHost kills the host, which can do nothing about it.
func TestPluginsDieWithTheHost(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]hostOrder{
		"L0":                        {Level: host.L0},
		"as high as it goes":        {Level: host.L2},
		"one that does not care L0": {Level: host.L0, Plugin: config{Start: "clings"}}, // the kernel ends it
		"one that does not care":    {Level: host.L2, Plugin: config{Start: "clings"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "h")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			o.Program = dir + "/p"
			if err := os.WriteFile(o.Program, program, 0o600); err != nil {
				t.Fatal(err)
			}
			order, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			in, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			cmd := command(t, "host", string(order), out)
			out.Close()
			line, err := bufio.NewReader(in).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			var pid int
			if _, err := fmt.Sscan(line, &pid); err != nil || syscall.Kill(pid, 0) != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is dead", func() bool { return gone(pid) })
		})
	}
}

// gone says whether a process is dead; one that nobody has reaped is.
func gone(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || strings.Contains(string(status), "State:\tZ")
}
