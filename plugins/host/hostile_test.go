package host_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/host"
)

// beside asks a well-behaved plugin while something else happens, and fails when
// it is not answered.
func (r *rig) beside(t *testing.T, while func()) {
	t.Helper()
	stop, done := make(chan struct{}), make(chan int)
	asks := r.asks(t, []string{"a"}, "good")
	go func() {
		n := 0
		defer func() { done <- n }()
		for {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			got, _ := r.Run(ctx, question("pass"), asks)
			cancel()
			if got[0].Fault != nil {
				t.Errorf("the other plugin: %+v", *got[0].Fault)
				return
			}
			n++
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	while()
	close(stop)
	if n := <-done; n == 0 {
		t.Error("the other plugin was never asked")
	}
}

// TestWhatAPluginAnswers has it break the contract in every way.
func TestWhatAPluginAnswers(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{}, config{Name: "good"})
	for mode, want := range map[string]struct {
		code check.FaultCode
		says string
	}{
		"foreign": {check.Broken, `"X-9" is not the check's own`},
		"no-law":  {check.Broken, "FAIL without a legal basis"},
		"no-text": {check.Broken, `no message "unheard-of"`},
		"no-gap":  {check.Broken, "{text} has no value"},
		"others":  {check.Broken, `answers ["a" "z"]`},
		"error":   {check.Errored, "the plan is torn"},
	} {
		got := r.fault(t, mode)
		if got.Code != want.code || !strings.Contains(got.Detail, want.says) {
			t.Errorf("%s: %+v, want %v", mode, got, want)
		}
	}
	if got := r.does(t, "odd-verdict"); got.Fault != nil || got.Findings[0].Verdict != check.Human || got.Findings[0].Message.ZH == "" {
		t.Errorf("a verdict that nobody knows: %+v", got)
	}
	got, _ := r.Run(t.Context(), question("one-bad"), r.asks(t, []string{"a", "b"}, "odd"))
	if got[0].Fault == nil || got[0].Fault.Code != check.Broken || got[1].Fault != nil {
		t.Errorf("one bad result spoils the other: %+v", got)
	}
	got, _ = r.Run(t.Context(), question("half"), r.asks(t, []string{"a", "b"}, "odd"))
	for _, g := range got {
		if g.Fault == nil || g.Fault.Code != check.Broken {
			t.Errorf("half an answer: %+v", g)
		}
	}
	if s := r.status(t, "odd"); s.Restarts != 0 {
		t.Errorf("it was started again: %+v", s)
	}
}

// TestHugeAnswers watches the host's own memory.
func TestHugeAnswers(t *testing.T) {
	t.Parallel()
	r := serving(t, func(c *host.Config) { c.Budget = time.Minute }, config{resources: "memory_mib: 2048, call_timeout: 60s"}, config{Name: "good"})
	r.beside(t, func() {
		for range 3 {
			if got := r.fault(t, "huge"); got.Code != check.Broken || !strings.Contains(got.Detail, "larger than max") {
				t.Errorf("%+v", got)
			}
		}
	})
	if peak := peakMemory(t); peak > 600<<20 { // one such answer alone would be 300 MiB, and a copy of it
		t.Errorf("the host had %d MiB", peak>>20)
	}
}

// peakMemory is the most that this process has ever had.
func peakMemory(t *testing.T) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "darwin" {
		return usage.Maxrss
	}
	return usage.Maxrss << 10
}

func TestAPluginThatIsTooSlow(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"late", "sleep", "spin"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := serving(t, nil, config{resources: "call_timeout: 300ms"}, config{Name: "good"})
			r.says(t, "environ")
			r.beside(t, func() {
				for range 3 { // then it is enough
					if got := r.fault(t, mode); got.Code != check.Late {
						t.Errorf("%+v", got)
					}
				}
			})
			eventually(t, "it was started again", func() bool {
				s := r.status(t, "odd")
				return s.State == check.Ready && s.Restarts > 0
			})
			r.says(t, "environ")
			if log := r.log.String(); !strings.Contains(log, "without an answer") {
				t.Errorf("nobody says why it was ended")
			}
		})
	}
}

// TestAFrozenPlugin stops its process, as a debugger does, or a machine that swaps.
func TestAFrozenPlugin(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{resources: "call_timeout: 500ms"}, config{Name: "good"})
	r.says(t, "environ")
	frozen := host.PID(r.Host, "odd")
	if err := syscall.Kill(frozen, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		eventually(t, "all of its threads have stopped", func() bool {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", frozen))
			return err == nil && strings.Contains(string(status), "State:\tT")
		})
	}
	r.beside(t, func() {
		if got := r.fault(t, "pass"); got.Code != check.Late {
			t.Errorf("%+v", got)
		}
		eventually(t, "another process serves", func() bool {
			pid := host.PID(r.Host, "odd")
			return pid != 0 && pid != frozen
		})
	})
	if got := r.does(t, "pass"); got.Fault != nil {
		t.Errorf("%+v", *got.Fault)
	}
	if got := r.log.String(); !strings.Contains(got, "does not say that it is well") {
		t.Error("nobody says why it was ended")
	}
}

// TestHowAPluginEnds tells causes apart.
func TestHowAPluginEnds(t *testing.T) {
	t.Parallel()
	for mode, want := range map[string]string{
		"exit":  "code 5",
		"crash": "a bug in the check",
		"eat":   "ran out of its 256 MiB",
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := serving(t, nil, config{Impure: true, resources: "call_timeout: 60s"})
			got := r.fault(t, mode)
			if got.Code != check.Down || !strings.Contains(got.Detail, want) {
				t.Errorf("%+v", got)
			}
			if got := r.does(t, "pass"); got.Fault != nil {
				t.Errorf("and then: %+v", *got.Fault)
			}
		})
	}
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		r := serving(t, nil, config{Impure: true})
		r.says(t, "environ")
		pid := host.PID(r.Host, "odd")
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another process serves", func() bool { now := host.PID(r.Host, "odd"); return now != 0 && now != pid })
		if log := r.log.String(); !strings.Contains(log, "signal 9") {
			t.Error("nobody says that it was killed")
		}
	})
}

// TestHowAPluginDoesNotStart tells of everything that can go wrong.
func TestHowAPluginDoesNotStart(t *testing.T) {
	t.Parallel()
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listening.Close() })
	for start, want := range map[string]string{
		"die":     "code 7; it said: I do not want to live",
		"silent":  "not ready in time",
		"garbage": "bytes without an end",
		"hang-up": "not ready in time",
		"elsewhere:tcp!" + listening.Addr().String(): "not in its directory",
		"elsewhere:unix!/run/dbus/system_bus_socket": "not in its directory",
	} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			r := serving(t, func(c *host.Config) { c.Budget = 10 * time.Second }, config{Start: start, resources: "start_timeout: 1s"}, config{Name: "good"})
			r.beside(t, func() {
				got := r.fault(t, "pass")
				if got.Code != check.Down || !strings.Contains(got.Detail, want) {
					t.Errorf("%+v, want %q", got, want)
				}
			})
		})
	}
}

// TestWhatIsNotWhatWasSigned is refused, and asked no more.
func TestWhatIsNotWhatWasSigned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config config
		says   string
	}{
		"another name":   {config{Says: "another"}, "it is not what was signed"},
		"a failing test": {config{SelfTest: "bad"}, "does not pass its own test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := serving(t, nil, c.config)
			got := r.fault(t, "pass")
			if got.Code != check.Down || !strings.Contains(got.Detail, c.says) {
				t.Errorf("%+v", got)
			}
			if s := r.status(t, "odd"); s.State != check.Refused || !strings.Contains(s.Reason, c.says) || s.Restarts != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
	r := serving(t, nil, config{SelfTest: "good"})
	if got := r.does(t, "pass"); got.Fault != nil {
		t.Errorf("%+v", *got.Fault)
	}
}

// TestFloods has it print more than any pipe holds.
func TestFloods(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{resources: "call_timeout: 60s"}, config{Name: "good"})
	for mode, want := range map[string]string{"flood": "cut=true", "chat": "lines were dropped"} {
		r.beside(t, func() {
			if got := r.does(t, mode); got.Fault != nil {
				t.Errorf("%s: %+v", mode, *got.Fault)
			}
		})
		r.does(t, "exit") // a line without an end ends with the process
		eventually(t, want, func() bool { return strings.Contains(r.log.String(), want) })
	}
	if size := len(r.log.String()); size > 1<<20 {
		t.Errorf("the log has %d bytes", size)
	}
}

func TestWhatAPluginLogs(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{})
	r.does(t, "log")
	want := []string{
		`level=WARN msg="the plan is small" plugin=odd version=1.0.0 said.`,
		`said.plugin=another`, `level=INFO msg="in plain words" plugin=odd version=1.0.0 stream=stderr`,
	}
	eventually(t, strings.Join(want, ", "), func() bool {
		for _, w := range want {
			if !strings.Contains(r.log.String(), w) {
				return false
			}
		}
		return true
	})
}

// TestAGrandchild has a plugin without sandbox start a child that keeps its pipes,
// in its group and out of it.
func TestAGrandchild(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"fork", "fork:session"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := serving(t, func(c *host.Config) { c.Floor, c.Ceiling = host.L0, host.L0 }, config{})
			if got := r.says(t, mode); got != "done" {
				t.Skip(got)
			}
			pid := host.PID(r.Host, "odd")
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the end is seen although its child lives", func() bool { now := host.PID(r.Host, "odd"); return now != 0 && now != pid })
		})
	}
}

// TestWhatItWrites bounds it: a file, and all files.
func TestWhatItWrites(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{resources: "call_timeout: 60s"}, config{Name: "good"})
	if runtime.GOOS != "linux" {
		t.Skip("there are no limits here")
	}
	r.beside(t, func() {
		if got, err := strconv.Atoi(r.says(t, "write")); err != nil || got > 16<<20 {
			t.Errorf("it has written %d bytes, %v", got, err)
		}
	})
}

// TestASwappedFile gives other bytes than those that were signed, and changes the
// file after it was read.
func TestASwappedFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	good := release(t, config{})
	bad := good
	bad.Program = release(t, config{Says: "another"}).Program
	if err := r.Apply(t.Context(), []host.Release{bad}); err == nil || !strings.Contains(err.Error(), "not the one that was signed") {
		t.Errorf("%v", err)
	}
	if s := r.status(t, "odd"); s.State != check.Refused {
		t.Errorf("%+v", s)
	}
	if got := r.fault(t, "pass"); got.Code != check.Down {
		t.Errorf("%+v", got)
	}

	path := filepath.Join(r.dir, "program")
	from, err := good.Program(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.ReadFrom(from); err != nil {
		t.Fatal(err)
	}
	file.Close()
	good.Program = func(context.Context) (io.ReadCloser, error) {
		return os.Open(path)
	}
	if err := r.Apply(t.Context(), []host.Release{good}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\ntouch "+r.dir+"/owned\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := r.does(t, "pass"); got.Fault != nil {
		t.Errorf("%+v", *got.Fault)
	}
	if _, err := os.Stat(r.dir + "/owned"); err == nil {
		t.Error("other bytes ran than those that were verified")
	}
}
