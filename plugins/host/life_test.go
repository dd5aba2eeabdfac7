package host_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/host"
)

// clock is a clock that can be moved.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

// TestReload replaces a version again and again while it is asked, and loses no
// call.
func TestReload(t *testing.T) {
	t.Parallel()
	r := serving(t, func(c *host.Config) { c.Budget = 2 * time.Second }, config{Name: "parking", SDK: true})
	q := question("slow")
	q.Facts = append(slices.Clone(areaFacts), q.Facts...)
	stop := make(chan struct{})
	var callers sync.WaitGroup
	var calls, failed atomic.Int64
	var versions sync.Map
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				got, _ := r.Run(context.Background(), q, r.asks(t, []string{"c0"}, "parking"))
				calls.Add(1)
				if got[0].Fault != nil {
					failed.Add(1)
					t.Errorf("%+v", *got[0].Fault)
				}
				versions.Store(got[0].Version, true)
			}
		})
	}
	const reloads = 8
	for i := range reloads {
		if err := r.Apply(t.Context(), []host.Release{release(t, config{Name: "parking", SDK: true, Version: fmt.Sprintf("1.%d.0", i+1)})}); err != nil {
			t.Error(err)
		}
		want := fmt.Sprintf("1.%d.0", i+1)
		eventually(t, "the new version answers", func() bool { _, ok := versions.Load(want); return ok })
	}
	close(stop)
	callers.Wait()
	if failed.Load() > 0 || calls.Load() < reloads {
		t.Errorf("%d of %d calls failed", failed.Load(), calls.Load())
	}
	eventually(t, "the old versions are gone", func() bool { return len(r.Status()) == 1 })
	entries, err := os.ReadDir(filepath.Join(r.dir, "run"))
	if err != nil || len(entries) != 2 { // the lock and one process
		t.Errorf("%v, %v", entries, err)
	}
}

// TestABadVersionDoesNotReplaceAGoodOne in any of the ways in which it can be bad.
func TestABadVersionDoesNotReplaceAGoodOne(t *testing.T) {
	t.Parallel()
	good := release(t, config{})
	altered := release(t, config{Version: "2.0.0"})
	altered.Manifest = bytes.Replace(altered.Manifest, []byte("FAIL"), []byte("PASS"), 1)
	altered.Manifest = append(altered.Manifest, '\n')
	otherBytes := release(t, config{Version: "2.0.0"})
	otherBytes.Program = good.Program
	unsigned := release(t, config{Version: "2.0.0"})
	unsigned.Signature = nil
	for name, c := range map[string]struct {
		release host.Release
		says    string
	}{
		"does not start":   {release(t, config{Version: "2.0.0", Start: "die"}), "I do not want to live"},
		"lies":             {release(t, config{Version: "2.0.0", Says: "another"}), "not what was signed"},
		"fails its test":   {release(t, config{Version: "2.0.0", SelfTest: "bad"}), "own test"},
		"altered manifest": {altered, "not what was signed"},
		"other bytes":      {otherBytes, "not the one that was signed"},
		"unsigned":         {unsigned, "not signed"},
		"no manifest":      {host.Release{Name: "odd", Mode: check.Enforce, Manifest: []byte("nonsense")}, "odd: "},
		"no program":       {host.Release{Name: "odd", Mode: check.Enforce, Manifest: otherBytes.Manifest, Signature: otherBytes.Signature}, "not at hand"},
		"unreadable": {host.Release{
			Name: "odd", Mode: check.Enforce, Manifest: otherBytes.Manifest, Signature: otherBytes.Signature,
			Program: func(context.Context) (io.ReadCloser, error) { return nil, errors.New("the store is down") },
		}, "the store is down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			if err := r.Apply(t.Context(), []host.Release{good}); err != nil {
				t.Fatal(err)
			}
			r.does(t, "pass")
			before := host.PID(r.Host, "odd")
			err := r.Apply(t.Context(), []host.Release{c.release, release(t, config{Name: "good"})})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %q", err, c.says)
			}
			if got := r.does(t, "pass"); got.Fault != nil || got.Version != "1.0.0" || host.PID(r.Host, "odd") != before {
				t.Errorf("%+v", got)
			}
			if got, _ := r.Run(t.Context(), question("pass"), r.asks(t, []string{"a"}, "good")); got[0].Fault != nil {
				t.Errorf("the others do not get their place: %+v", *got[0].Fault)
			}
		})
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	apply := func(releases ...host.Release) {
		t.Helper()
		if err := r.Apply(t.Context(), releases); err != nil {
			t.Fatal(err)
		}
	}
	list := func() (out []string) {
		for _, p := range r.Active() {
			out = append(out, fmt.Sprintf("%s %s %s %s", p.Name, p.Version, p.Mode, p.Checks[0].Policy))
		}
		return out
	}
	one, two, other := release(t, config{}), release(t, config{Version: "2.0.0"}), release(t, config{Name: "another"})
	two.Mode = check.Shadow
	apply(two, other, one)
	if diff := cmp.Diff([]string{"another 1.0.0 ENFORCE REFER", "odd 1.0.0 ENFORCE REFER", "odd 2.0.0 SHADOW REFER"}, list()); diff != "" {
		t.Error(diff)
	}
	var asks []check.Ask
	for _, p := range r.Active() {
		asks = append(asks, check.Ask{Plugin: p.Name, Digest: p.Digest, Checks: []string{"a"}})
	}
	got, _ := r.Run(t.Context(), question("pass"), asks)
	for i, want := range r.Active() {
		if g := got[i]; g.Fault != nil || g.Plugin != want.Name || g.Version != want.Version || g.Mode != want.Mode {
			t.Errorf("%+v", g)
		}
	}
	pid := host.PID(r.Host, "odd")

	one.Policies = map[string]check.Policy{"a": check.Reject, "b": "NONSENSE"}
	apply(one, other) // the shadow is gone, the policy is another, the process is the same
	if diff := cmp.Diff([]string{"another 1.0.0 ENFORCE REFER", "odd 1.0.0 ENFORCE REJECT"}, list()); diff != "" {
		t.Error(diff)
	}
	if now := host.PID(r.Host, "odd"); now != pid {
		t.Errorf("what has not changed was started again: %d, then %d", pid, now)
	}
	if got := r.does(t, "foreign"); got.Policy != check.Reject {
		t.Errorf("%+v", got)
	}
	two.Mode = check.Enforce
	apply(two, other) // the next version takes the place
	if got := r.does(t, "pass"); got.Version != "2.0.0" || got.Fault != nil {
		t.Errorf("%+v", got)
	}
	other.Mode = check.Off
	apply(two, other)
	if diff := cmp.Diff([]string{"odd 2.0.0 ENFORCE REFER"}, list()); diff != "" {
		t.Error(diff)
	}
	if err := r.Apply(t.Context(), []host.Release{two, one}); err == nil || !strings.Contains(err.Error(), "there twice") {
		t.Errorf("%v", err)
	}
	apply()
	if got := r.Active(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestUnsigned(t *testing.T) {
	t.Parallel()
	unsigned := release(t, config{})
	unsigned.Signature = nil
	r := newRig(t, nil)
	if err := r.Apply(t.Context(), []host.Release{unsigned}); err == nil {
		t.Error("it is taken")
	}
	if got := r.fault(t, "pass"); got.Code != check.Down || !strings.Contains(got.Detail, "not signed") {
		t.Errorf("its checks are not asked in silence: %+v", got)
	}
	dev := newRig(t, func(c *host.Config) { c.Dev = true })
	if err := dev.Apply(t.Context(), []host.Release{unsigned}); err != nil {
		t.Fatal(err)
	}
	if got := dev.does(t, "pass"); got.Fault != nil || !got.Unsigned {
		t.Errorf("%+v", got)
	}
	altered := release(t, config{Name: "altered"})
	altered.Manifest = append(altered.Manifest, '\n')
	if err := dev.Apply(t.Context(), []host.Release{altered}); err == nil {
		t.Error("a signature that is wrong is not the same as none")
	}
}

// TestAnAnswerThatWasLost is asked for again when all that is asked is pure.
func TestAnAnswerThatWasLost(t *testing.T) {
	t.Parallel()
	for _, impure := range []bool{false, true} {
		t.Run(fmt.Sprintf("impure %t", impure), func(t *testing.T) {
			t.Parallel()
			r := serving(t, func(c *host.Config) { c.Ceiling, c.Floor = host.L0, host.L0 }, config{Impure: impure}) // it leaves a mark outside
			r.does(t, "pass")
			if err := os.WriteFile(filepath.Join(r.dir, "run", "mark-1"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			got := r.does(t, "exit-once:1")
			if lost := got.Fault != nil && got.Fault.Code == check.Down; lost != impure {
				t.Errorf("%+v", got)
			}
			if s := r.status(t, "odd"); s.Restarts != 1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestACrashLoop ends: the plugin is left alone, then tried again.
func TestACrashLoop(t *testing.T) {
	t.Parallel()
	c := &clock{}
	r := serving(t, func(config *host.Config) { config.Now = c.now }, config{Impure: true}, config{Name: "good"})
	r.beside(t, func() {
		for i := range host.CrashLimit {
			if got := r.fault(t, "exit"); got.Code != check.Down || !strings.Contains(got.Detail, "code 5") {
				t.Errorf("%d: %+v", i, got)
			}
		}
	})
	eventually(t, "it has failed", func() bool { return r.status(t, "odd").State == check.Failed })
	s := r.status(t, "odd")
	if !strings.Contains(s.Reason, "code 5") || s.RetryAt.Sub(c.now()) < time.Minute || s.Restarts != host.CrashLimit || s.Failures == 0 {
		t.Errorf("%+v", s)
	}
	got := r.fault(t, "pass")
	if got.Code != check.Down || !strings.Contains(got.Detail, "the next start is in") {
		t.Errorf("%+v", got)
	}
	// A new version takes its place at once.
	if err := r.Apply(t.Context(), []host.Release{release(t, config{Version: "1.0.1"})}); err != nil {
		t.Fatal(err)
	}
	if got := r.does(t, "pass"); got.Fault != nil {
		t.Errorf("%+v", *got.Fault)
	}
}

// TestTooManyCalls fills a plugin's slots and its queue.
func TestTooManyCalls(t *testing.T) {
	t.Parallel()
	r := serving(t, func(c *host.Config) { c.Budget = 3 * time.Second }, config{resources: "concurrency: 2, queue: 3, call_timeout: 60s"}, config{Name: "good"})
	r.does(t, "pass")
	r.beside(t, func() {
		var all sync.WaitGroup
		var mu sync.Mutex
		count := map[check.FaultCode]int{}
		for range 20 {
			all.Go(func() {
				got := r.fault(t, "sleep")
				mu.Lock()
				defer mu.Unlock()
				count[got.Code]++
			})
		}
		all.Wait()
		if count[check.Busy] != 15 || count[check.Late] != 5 {
			t.Errorf("%v", count)
		}
	})
}

// TestTheBudget is one for all: who is late does not cost the others their answer.
func TestTheBudget(t *testing.T) {
	t.Parallel()
	r := serving(t, func(c *host.Config) { c.Budget = time.Second },
		config{}, config{Name: "good"}, config{Name: "mute", Start: "silent"}, config{Name: "mute-2", Start: "hang-up"})
	asks := r.asks(t, []string{"a"}, "odd", "good", "mute", "mute-2")
	warm, _ := r.Run(t.Context(), question("pass"), asks[:2])
	for _, w := range warm {
		if w.Fault != nil {
			t.Fatal(*w.Fault)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got, receipts := r.Run(ctx, question("pass"), asks)
	if ctx.Err() != nil {
		t.Error("it has taken more than its budget")
	}
	for i, want := range []check.FaultCode{"", "", check.Down, check.Down} {
		code := check.FaultCode("")
		if got[i].Fault != nil {
			code = got[i].Fault.Code
		}
		if code != want || got[i].Plugin != asks[i].Plugin {
			t.Errorf("%d: %+v, want %q", i, got[i], want)
		}
	}
	if len(receipts) != 2 {
		t.Errorf("%d receipts", len(receipts))
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	got, _ = r.Run(short, question("sleep"), asks[:1])
	if short.Err() != nil || got[0].Fault == nil || got[0].Fault.Code != check.Late {
		t.Errorf("%+v after the caller's own time: %v", got, short.Err())
	}
}

// TestIdle stops what nobody asks, and starts it when somebody does.
func TestIdle(t *testing.T) {
	t.Parallel()
	c := &clock{}
	r := serving(t, func(config *host.Config) { config.Now = c.now }, config{resources: "idle_after: 10m"})
	r.does(t, "pass")
	c.move(time.Hour)
	eventually(t, "it is stopped", func() bool { return r.status(t, "odd").State == check.Idle })
	eventually(t, "and nothing is left of it", func() bool {
		entries, err := os.ReadDir(filepath.Join(r.dir, "run"))
		return err == nil && len(entries) == 1
	})
	if got := r.does(t, "pass"); got.Fault != nil {
		t.Errorf("%+v", *got.Fault)
	}
	if s := r.status(t, "odd"); s.Restarts != 0 {
		t.Errorf("%+v", s)
	}
}

// materials are files of a case, by code.
func materials(contents map[string]string) []check.Material {
	var out []check.Material
	for code, text := range contents {
		sum := sha256.Sum256([]byte(text))
		out = append(out, check.Material{
			Code: code, Name: code + ".txt", Type: "text/plain", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Trust: "B",
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
		})
	}
	slices.SortFunc(out, func(a, b check.Material) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// TestMaterials are there for the length of a call, to be read and not changed.
func TestMaterials(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{})
	q := question("open")
	q.Materials = materials(map[string]string{"plan": "the plan", "card": "the card", "secret": "of another department"})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, _ := r.Run(t.Context(), q, r.asks(t, []string{"a"}, "odd"))
			if got[0].Fault != nil {
				t.Errorf("%+v", *got[0].Fault)
				return
			}
			want := "the plan <nil> | false false false"
			if r.Level() < host.L1 {
				want = "the plan <nil> | "
			}
			if said := got[0].Findings[0].Message.EN; !strings.HasPrefix(said, want) {
				t.Errorf("%s", said)
			}
		})
	}
	all.Wait()
	left, err := filepath.Glob(filepath.Join(r.dir, "run", "p*", "materials", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	q.Facts[0].Value = "seen"
	got, receipts := r.Run(t.Context(), q, r.asks(t, []string{"b"}, "odd"))
	if said := got[0].Findings[0].Message.EN; !strings.Contains(said, "plan=materials/"+q.Materials[1].SHA256) || !strings.Contains(said, " card= ") || strings.Contains(said, "secret") {
		t.Errorf("%s", said)
	}
	if bytes.Contains(receipts[0].Request, []byte("secret")) {
		t.Error("it is told of a material that it has not declared")
	}
	for name, spoil := range map[string]func(*check.Material){
		"another content": func(m *check.Material) {
			m.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("the plot")), nil }
		},
		"longer": func(m *check.Material) { m.Size-- },
		"unreadable": func(m *check.Material) {
			m.Open = func(context.Context) (io.ReadCloser, error) { return nil, errors.New("gone") }
		},
		"no content": func(m *check.Material) { m.Open = nil },
		"too large":  func(m *check.Material) { m.Size = 1 << 40 },
		"bad digest": func(m *check.Material) { m.SHA256 = "../../x" },
	} {
		bad := q
		bad.Materials = slices.Clone(q.Materials)
		spoil(&bad.Materials[1])
		got, _ := r.Run(t.Context(), bad, r.asks(t, []string{"a"}, "odd"))
		if got[0].Fault == nil || got[0].Fault.Code != check.Errored {
			t.Errorf("%s: %+v", name, got[0])
		}
	}
}

// TestEachSeesItsOwn: a check's facts are those that it and those asked beside it
// have declared, and a case has another name for each plugin.
func TestEachSeesItsOwn(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{}, config{Name: "good"})
	q := question("seen")
	for _, key := range []string{"only-a", "only-b", "only-c"} {
		q.Facts = append(q.Facts, check.Fact{Key: key, Value: true})
	}
	said := func(plugin string, checks ...string) (ref, facts string) {
		got, _ := r.Run(t.Context(), q, r.asks(t, checks, plugin))
		if got[0].Fault != nil {
			t.Fatalf("%+v", *got[0].Fault)
		}
		ref, facts, _ = strings.Cut(got[0].Findings[0].Message.EN, " ")
		return ref, facts
	}
	ref, facts := said("odd", "a")
	if facts != "mode only-a" || len(ref) != 32 || strings.Contains(ref, "case") {
		t.Errorf("%s %s", ref, facts)
	}
	if _, facts := said("odd", "a", "b"); facts != "mode only-a only-b" {
		t.Errorf("%s", facts)
	}
	if other, _ := said("good", "a"); other == ref {
		t.Error("two plugins can tell that it is the same case")
	}
	if again, _ := said("odd", "b"); again != ref {
		t.Error("a plugin cannot tell that it is the same case")
	}
}

var areaFacts = []check.Fact{{Key: "area", Value: decimal("250.5")}, {Key: "spaces", Kind: "INT", Value: decimal("2")}}

// TestReplay has a finding of the past again, byte for byte.
func TestReplay(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{Name: "parking", SDK: true, Checks: 3})
	q := question("normal")
	q.Facts = append(slices.Clone(areaFacts), q.Facts...)
	_, receipts := r.Run(t.Context(), q, r.asks(t, []string{"c0", "c2"}, "parking"))
	_, again := r.Run(t.Context(), q, r.asks(t, []string{"c0", "c2"}, "parking"))
	if receipts[0].ID != again[0].ID {
		t.Error("the same question has two receipts")
	}
	past := release(t, config{Name: "parking", SDK: true, Checks: 3})
	same, response, err := r.Replay(t.Context(), receipts[0], past, nil)
	if err != nil || !same || !bytes.Equal(response, receipts[0].Response) {
		t.Errorf("%t %v", same, err)
	}
	forged := receipts[0]
	forged.Response = append(slices.Clone(forged.Response), 0)
	if same, _, err := r.Replay(t.Context(), forged, past, nil); err != nil || same {
		t.Errorf("%t %v", same, err)
	}
	if _, _, err := r.Replay(t.Context(), receipts[0], release(t, config{Name: "parking", SDK: true, Checks: 3, Version: "2.0.0"}), nil); err == nil {
		t.Error("another program is taken for the one that answered")
	}
	trial, err := r.Trial(t.Context(), release(t, config{Name: "parking", SDK: true, Checks: 3, Version: "2.0.0"}))
	if err != nil {
		t.Fatal(err)
	}
	defer trial.Close()
	if same, _, err := trial.Replay(t.Context(), receipts[0], nil); err != nil || !same {
		t.Errorf("another version finds the same: %t %v", same, err)
	}
	if got, receipt := trial.Run(t.Context(), q, []string{"c1"}); receipt == nil || got[0].Fault != nil || got[0].Version != "2.0.0" || got[0].Mode != check.Shadow {
		t.Errorf("%+v", got)
	}
	if got := r.Active(); len(got) != 1 || got[0].Version != "1.0.0" {
		t.Errorf("a trial is asked: %+v", got)
	}
	q.Materials = materials(map[string]string{"plan": "the plan"})
	odd := serving(t, nil, config{}, config{Name: "fickle", Impure: true})
	_, receipts = odd.Run(t.Context(), q, odd.asks(t, []string{"a"}, "odd", "fickle"))
	for _, receipt := range receipts {
		same, _, err := odd.Replay(t.Context(), receipt, release(t, config{Name: receipt.Source.Plugin, Impure: receipt.Source.Plugin == "fickle"}), q.Materials)
		if same != (receipt.Source.Plugin == "odd") || (err == nil) != same {
			t.Errorf("%s: %t %v", receipt.Source.Plugin, same, err)
		}
	}
}

// TestTwoHosts cannot have one directory, and the next one cleans up.
func TestTwoHosts(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "h")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(filepath.Join(dir, "p1f", "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := host.New(host.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 || entries[1].Name() != "precious" {
		t.Errorf("%v", entries)
	}
	if _, err := host.New(host.Config{Dir: dir}); err == nil {
		t.Error("two hosts have one directory")
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h, err = host.New(host.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"relative", "/" + strings.Repeat("long/", 20), ""} {
		if _, err := host.New(host.Config{Dir: bad}); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestRestarts looks whether a process leaves something behind. ONEDOOR_RESTARTS
// says how many; 1,000 and 10,000 are what was promised.
func TestRestarts(t *testing.T) {
	n := 25
	if text := os.Getenv("ONEDOOR_RESTARTS"); text != "" {
		if _, err := fmt.Sscan(text, &n); err != nil {
			t.Fatal(err)
		}
	}
	c := &clock{}
	r := serving(t, func(config *host.Config) { config.Now = c.now }, config{Name: "parking", SDK: true})
	q := question("normal")
	asks := r.asks(t, []string{"c0"}, "parking")
	round := func() {
		got, _ := r.Run(context.Background(), q, asks)
		if got[0].Fault != nil {
			t.Fatalf("%+v", *got[0].Fault)
		}
		pid := host.PID(r.Host, "parking")
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "another process serves", func() bool { now := host.PID(r.Host, "parking"); return now != 0 && now != pid })
		c.move(time.Hour)
	}
	for range 5 {
		round()
	}
	settle := func() (u usage) {
		var last usage
		eventually(t, "it is quiet", func() bool {
			last, u = u, use(t, r.dir)
			return u == last
		})
		return u
	}
	before := settle()
	for range n {
		round()
	}
	eventually(t, fmt.Sprintf("as much is in use as before, %+v", before), func() bool {
		now := use(t, r.dir)
		return now.files <= before.files && now.goroutines <= before.goroutines && now.entries <= before.entries
	})
	t.Logf("%d restarts: %+v, then %+v", n, before, use(t, r.dir))
}
