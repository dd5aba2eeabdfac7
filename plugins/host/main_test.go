package host_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"aead.dev/minisign"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
	"github.com/onedoor/onedoor/plugins/host"
	"github.com/onedoor/onedoor/plugins/manifest"
)

// program is testdata/plugin, built.
var program []byte

// theKeys trust the department "fire", whose key is signer.
var (
	theKeys manifest.Keys
	signer  minisign.PrivateKey
)

func TestMain(m *testing.M) {
	if os.Getenv(asHost) != "" {
		beHost() // for TestPluginsDieWithTheHost
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "plugin")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "plugin")
	if built := os.Getenv("ONEDOOR_TEST_PLUGIN"); built != "" { // for a user who cannot build
		path = built
	} else if err := buildPlugin(path); err != nil {
		return 0, err
	}
	if program, err = os.ReadFile(path); err != nil {
		return 0, err
	}
	if theKeys, signer, err = newKeys("fire"); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func buildPlugin(path string) error {
	build := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", path, "./testdata/plugin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func newKeys(department string) (manifest.Keys, minisign.PrivateKey, error) {
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		return manifest.Keys{}, private, err
	}
	text, err := public.MarshalText()
	if err != nil {
		return manifest.Keys{}, private, err
	}
	keys, err := manifest.ReadKeys(fstest.MapFS{department + manifest.KeySuffix: {Data: text}})
	return keys, private, err
}

// config is what testdata/plugin reads behind its own end.
type config struct {
	Name, Version string
	Says, Start   string
	Checks        int
	SDK, Impure   bool
	SelfTest      string

	resources string // lines of the manifest
}

// open opens the program of the plugin.
func (c config) open(context.Context) (io.ReadCloser, error) {
	tail, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(program), strings.NewReader("\nCONFIG"), bytes.NewReader(tail))), nil
}

func (c *config) fill() {
	if c.Name == "" {
		c.Name = "odd"
	}
	if c.Version == "" {
		c.Version = "1.0.0"
	}
}

// manifestOf describes the plugin, whose program has this digest.
func (c config) manifestOf(digest string) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, "name: %s\nversion: %s\ndepartment: fire\nprograms: {%s/%s: %s}\nchecks:\n", c.Name, c.Version, runtime.GOOS, runtime.GOARCH, digest)
	if c.SDK {
		for i := range max(c.Checks, 1) {
			fmt.Fprintf(&out, "  - {id: c%d, clauses: [C-1], facts: [area, spaces], optional_facts: [mode], on_failure: REFER, pure: %t}\n", i, !c.Impure)
		}
	} else {
		for _, id := range []string{"a", "b"} {
			fmt.Fprintf(&out, "  - {id: %s, clauses: [C-1, C-2], optional_facts: [mode, only-%[1]s], materials: [card], contents: [plan], on_failure: REFER, pure: %t}\n", id, !c.Impure)
		}
	}
	if c.resources != "" {
		fmt.Fprintf(&out, "resources: {%s}\n", c.resources)
	}
	out.WriteString("messages:\n  said: {zh: \"说 {text}\", en: \"{text}\"}\n")
	return []byte(out.String())
}

// release signs a plugin.
func release(t testing.TB, c config) host.Release {
	t.Helper()
	r, err := unsigned(c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Signature, err = manifest.Sign(r.Manifest, signer); err != nil {
		t.Fatal(err)
	}
	return r
}

func unsigned(c config) (host.Release, error) {
	c.fill()
	from, err := c.open(context.Background())
	if err != nil {
		return host.Release{}, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, from); err != nil {
		return host.Release{}, err
	}
	return host.Release{Name: c.Name, Manifest: c.manifestOf(hex.EncodeToString(sum.Sum(nil))), Mode: check.Enforce, Program: c.open}, nil
}

// logged collects what is logged.
type logged struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// rig is a host for a test.
type rig struct {
	*host.Host
	dir string
	log *logged
}

func newRig(t testing.TB, change func(*host.Config)) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "h") // a socket's path is short, t.TempDir's is not
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{dir: dir, log: &logged{}}
	c := host.Config{
		Dir: filepath.Join(dir, "run"), Keys: theKeys, Budget: 20 * time.Second,
		Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&c)
	}
	if r.Host, err = host.New(c); err != nil {
		os.RemoveAll(dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		os.RemoveAll(dir)
		if t.Failed() {
			t.Logf("the log:\n%.3000s", r.log)
		}
	})
	return r
}

// serving is a host with plugins.
func serving(t testing.TB, change func(*host.Config), plugins ...config) *rig {
	t.Helper()
	r := newRig(t, change)
	var releases []host.Release
	for _, c := range plugins {
		releases = append(releases, release(t, c))
	}
	if err := r.Apply(t.Context(), releases); err != nil {
		t.Fatal(err)
	}
	return r
}

var day = workday.NewDate(2026, time.March, 2)

// question asks a plugin to do something.
func question(mode string) check.Question {
	return check.Question{CaseRef: "case-7", Day: day, Seed: 7, Facts: []check.Fact{{Key: "mode", Kind: standard.Enum, Value: mode}}}
}

// asks asks some checks of active plugins, by name.
func (r *rig) asks(t testing.TB, checks []string, plugins ...string) []check.Ask {
	t.Helper()
	var out []check.Ask
	for _, name := range plugins {
		for _, p := range r.Active() {
			if p.Name == name {
				out = append(out, check.Ask{Plugin: p.Name, Digest: p.Digest, Checks: checks})
				break
			}
		}
	}
	if len(out) != len(plugins) {
		t.Fatalf("%v are not all there: %+v", plugins, r.Active())
	}
	return out
}

// does has the check "a" of the plugin "odd" do something.
func (r *rig) does(t testing.TB, mode string) check.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	results, _ := r.Run(ctx, question(mode), r.asks(t, []string{"a"}, "odd"))
	if len(results) != 1 {
		t.Fatalf("%s: %+v", mode, results)
	}
	return results[0]
}

// says is what it says about that.
func (r *rig) says(t testing.TB, mode string) string {
	t.Helper()
	got := r.does(t, mode)
	if got.Fault != nil {
		t.Fatalf("%s: %+v", mode, *got.Fault)
	}
	return got.Findings[0].Message.EN
}

// fault is the fault that it gets.
func (r *rig) fault(t testing.TB, mode string) check.Fault {
	t.Helper()
	got := r.does(t, mode)
	if got.Fault == nil {
		t.Fatalf("%s: %+v", mode, got)
	}
	if got.Findings != nil {
		t.Errorf("%s: findings beside a fault: %+v", mode, got)
	}
	return *got.Fault
}

// status is that of a plugin.
func (r *rig) status(t testing.TB, name string) check.Status {
	t.Helper()
	for _, s := range r.Status() {
		if s.Plugin.Name == name {
			return s
		}
	}
	t.Fatalf("%s has no status", name)
	return check.Status{}
}

// eventually waits until something is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	end := time.Now().Add(30 * time.Second)
	for !so() {
		if time.Now().After(end) {
			t.Fatalf("not in 30 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
