package acceptance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/plugins/manifest"
)

var central = viewer.Viewer{Subject: "central", Role: viewer.Admin}

// fireKey is the fire department's, made once: it costs a gigabyte of memory.
var fireKey = sync.OnceValues(func() ([2][]byte, error) {
	public, private, err := manifest.GenerateKey(nil, "secret")
	return [2][]byte{public, private}, err
})

// packaged builds a plugin of the fire department and signs it, and gives the
// folder of its package.
func packaged(t *testing.T, source string) string {
	t.Helper()
	dir, text := built(t, source)
	keys, err := fireKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := manifest.OpenKey(keys[1], "secret")
	if err != nil {
		t.Fatal(err)
	}
	signature, err := manifest.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, manifest.SignatureFile), signature, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// built builds a plugin, and gives the folder of its package and the manifest.
func built(t *testing.T, source string) (dir string, manifestText []byte) {
	t.Helper()
	dir = t.TempDir()
	text, err := os.ReadFile(filepath.Join(source, manifest.File))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	program := filepath.Join(dir, m.FileName(platform))
	build := exec.Command("go", "build", "-o", program, "./"+source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if text, err = manifest.SetPrograms(text, map[string]string{platform: hex.EncodeToString(sum[:])}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, manifest.File), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, text
}

// trusting is a setting in which the fire department's key is known.
func trusting(t *testing.T, env []string) []string {
	t.Helper()
	keys, err := fireKey()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "fire.pub"), keys[0], 0o600); err != nil {
		t.Fatal(err)
	}
	return append(env, "ONEDOOR_PLUGIN_KEYS="+dir, "ONEDOOR_RUN="+shortDir(t))
}

// shortDir is a folder whose path leaves room for a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "od")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// onBothTrusting is onBoth in a setting that knows the fire department's key.
func onBothTrusting(t *testing.T, test func(t *testing.T, in instance)) {
	t.Parallel()
	for name, env := range settings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, trusting(t, env(t))))
		})
	}
}

type findingShown struct {
	Clause                        struct{ Code string }
	Verdict, Code, Message, Check string
	Source                        struct {
		Plugin, Version, Digest, Sandbox string
		Signed                           *bool
	}
}

type checkShown struct {
	Plugin, Check, State, OnFailure, Note string
	Attempts                              int
	Fault                                 *string
}

const (
	findingFields = `clause { code } verdict code message check source { plugin version digest sandbox signed }`
	checkFields   = `plugin check state onFailure note attempts fault`
)

// examined shows what plugins have said of a case: findings by clause, and runs.
func (c client) examined(t *testing.T, number string) (map[string]findingShown, []checkShown) {
	t.Helper()
	var data struct {
		Case struct {
			Checks  []checkShown
			Reviews struct {
				Edges []struct {
					Node struct{ Findings []findingShown }
				}
			}
		}
	}
	c.ask(t, `query($n: String!) { case(number: $n) { checks { `+checkFields+` } reviews(first: 20) { edges { node { findings { `+findingFields+` } } } } } }`, map[string]any{"n": number}, &data)
	found := map[string]findingShown{}
	for _, e := range data.Case.Reviews.Edges {
		for _, f := range e.Node.Findings {
			if f.Source.Plugin != "" {
				found[f.Clause.Code] = f
			}
		}
	}
	return found, data.Case.Checks
}

type pluginShown struct {
	Name, Version, Mode    string
	Digest, State, Sandbox *string
	Signed                 bool
	Calls, Failures        int
	Checks                 []struct{ ID, OnFailure string }
	Latency                *struct{ P50 float64 }
}

func (c client) plugins(t *testing.T) []pluginShown {
	t.Helper()
	var data struct{ Plugins []pluginShown }
	c.ask(t, `{ plugins { name version mode digest state sandbox signed calls failures checks { id onFailure } latency { p50 } } }`, nil, &data)
	return data.Plugins
}

// health is what the server says of itself.
func (in instance) health(t *testing.T) string {
	t.Helper()
	resp, err := http.Get(in.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPlugin is a department's plugin on its way: installed, activated in
// shadow, enforced through the API; its findings on a review; replayed; turned
// off.
func TestPlugin(t *testing.T) {
	onBothTrusting(t, func(t *testing.T, in instance) {
		dir := packaged(t, "../../plugins/fire")
		_, before := accepted(t, in)
		if said := in.command(t, "plugin", "install", dir); !strings.Contains(said, "signed by fire") {
			t.Errorf("install says %s", said)
		}
		said := in.command(t, "plugin", "activate", "fire", "--mode", "shadow", "--sample", "10")
		if !strings.Contains(said, "of 1 outcomes change") || !strings.Contains(said, "SHADOW") {
			t.Errorf("activate in shadow says %s", said)
		}
		eventually(t, "the shadow runs", func() bool {
			p := in.as(t, anybody).plugins(t)
			return len(p) == 1 && p[0].Mode == "SHADOW" && p[0].State != nil
		})
		_, shadowed := accepted(t, in)
		if found, runs := in.as(t, central).examined(t, shadowed.Number); len(found) != 0 || len(runs) != 0 {
			t.Errorf("a shadow shows %v %v", found, runs)
		}

		admin := in.as(t, central)
		in.as(t, clerk).refused(t, mutation(t, "activatePlugin", map[string]any{"name": "fire", "version": "1.0.0", "mode": "ENFORCE"}, "plugin { name }"), "DENIED")
		admin.granted(t, mutation(t, "activatePlugin", map[string]any{
			"name": "fire", "version": "1.0.0", "mode": "ENFORCE", "policies": []any{map[string]any{"check": "systems", "onFailure": "PROCEED"}},
		}, "plugin { name mode state }"), new(any))
		person, c := accepted(t, in)
		found, runs := person.examined(t, c.Number)
		exits, ok := found["C-FIR-002"]
		if !ok || exits.Source.Plugin != "fire" || len(exits.Source.Digest) != 64 || exits.Source.Sandbox == "" || exits.Source.Signed == nil || !*exits.Source.Signed || exits.Message == "" {
			t.Fatalf("found %+v", found)
		}
		for _, r := range runs {
			if r.State != "DONE" {
				t.Errorf("%+v", r)
			}
		}
		if n := in.as(t, clerk).show(t, c.Number).count("recordChecks"); n != 2 { // on submission and on acceptance
			t.Errorf("recordChecks happened %d times", n)
		}
		plugin := admin.plugins(t)[0]
		if plugin.Mode != "ENFORCE" || plugin.State == nil || *plugin.State != "READY" || plugin.Calls == 0 || plugin.Failures != 0 || plugin.Latency == nil || *plugin.Digest != exits.Source.Digest {
			t.Errorf("%+v", plugin)
		}
		if health := in.health(t); !strings.Contains(health, "plugin fire 1.0.0 ENFORCE READY\n") {
			t.Errorf("health says %s", health)
		}
		if said := in.command(t, "plugin", "replay", "--case", c.Number); !strings.Contains(said, "the same") {
			t.Errorf("replay says %s", said)
		}

		// Without a case, for anybody.
		var pre struct {
			Precheck struct {
				Guide    struct{ Digest string }
				Findings []findingShown
				Checks   []checkShown
			}
		}
		in.as(t, anybody).ask(t, `query($input: GuideInput!) { precheck(input: $input) { guide { digest } findings { `+findingFields+` } checks { `+checkFields+` } } }`, map[string]any{"input": joint(t)}, &pre)
		if !slices.ContainsFunc(pre.Precheck.Findings, func(f findingShown) bool {
			return f.Source.Plugin == "fire" && f.Verdict == exits.Verdict && f.Clause.Code == "C-FIR-002"
		}) {
			t.Errorf("precheck finds %+v", pre.Precheck.Findings)
		}

		in.command(t, "plugin", "activate", "fire", "--mode", "off")
		eventually(t, "it is off", func() bool { return admin.plugins(t)[0].State == nil })
		_, off := accepted(t, in)
		if found, _ := admin.examined(t, off.Number); len(found) != 0 {
			t.Errorf("turned off, it finds %v", found)
		}
		if found, _ := admin.examined(t, before.Number); len(found) != 0 {
			t.Errorf("a case from before has %v", found)
		}
	})
}

// TestPluginDies: a plugin that ends in the middle of its call strands no case.
// It goes on by the policy of each check, to the end.
func TestPluginDies(t *testing.T) {
	onBothTrusting(t, func(t *testing.T, in instance) {
		in.command(t, "plugin", "install", packaged(t, "testdata/fragile"))
		in.command(t, "plugin", "activate", "fragile")
		admin := in.as(t, central)
		eventually(t, "it is active", func() bool { return admin.plugins(t)[0].State != nil })
		person, c := accepted(t, in)
		found, runs := person.examined(t, c.Number)
		if f := found["C-FIR-003"]; f.Verdict != "HUMAN" || f.Code != "CHECK_NOT_RUN" {
			t.Errorf("the check that refers: %+v", f)
		}
		if f, ok := found["C-FIR-005"]; ok {
			t.Errorf("the check that lets the case proceed: %+v", f)
		}
		states := map[string]string{}
		for _, r := range runs {
			if r.Fault == nil || r.Attempts == 0 || r.Note == "" {
				t.Errorf("%+v", r)
			}
			states[r.Check] = r.State + " " + r.OnFailure
		}
		if diff := cmp.Diff(map[string]string{"refers": "PENDING REFER", "proceeds": "PENDING PROCEED"}, states); diff != "" {
			t.Error(diff)
		}
		for { // the officers judge
			c = in.as(t, clerk).show(t, c.Number)
			k := slices.IndexFunc(c.reviews(), func(r reviewShown) bool { return r.State == "OPEN" })
			if k < 0 {
				break
			}
			r := c.reviews()[k]
			in.as(t, officer(r.Department.Code)).do(t, "giveOpinion", map[string]any{"review": r.ID, "opinion": "CONSENT"})
		}
		lead := in.as(t, officer(c.Lead.Code))
		lead.do(t, "decideCase", map[string]any{"case": c.Number, "decision": "GRANT"})
		if c = lead.do(t, "deliverResult", map[string]any{"case": c.Number}); c.State != "DELIVERED" {
			t.Errorf("the case is %s", c.State)
		}
		eventually(t, "the plugin is seen to fail", func() bool {
			return admin.plugins(t)[0].Failures > 0 // it is started again at once
		})
	})
}

// TestPluginsAreRefused: what is not signed, or not by its department, is not
// installed, and what judges what nobody has published is not activated.
func TestPluginsAreRefused(t *testing.T) {
	t.Parallel()
	in := start(t, trusting(t, settings["embedded"](t)))
	dir := packaged(t, "../../plugins/fire")
	refuse := func(want string, args ...string) {
		t.Helper()
		path, err := program()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(path, append([]string{"plugin"}, args...)...)
		cmd.Env = append(os.Environ(), in.env...)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, manifest.File))
	if err != nil {
		t.Fatal(err)
	}
	altered := t.TempDir()
	if err := os.CopyFS(altered, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(altered, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(manifest.File, []byte(strings.Replace(string(text), "version: 1.0.0", "version: 1.0.1", 1)))
	refuse("nothing was installed", "install", altered)
	write(manifest.File, text)
	platform := strings.ReplaceAll(fmt.Sprintf("fire-%s-%s", runtime.GOOS, runtime.GOARCH), "/", "-")
	write(platform, []byte("\x7fELF another program"))
	refuse("nothing was installed", "install", altered)
	if err := os.Remove(filepath.Join(dir, manifest.SignatureFile)); err != nil {
		t.Fatal(err)
	}
	refuse("--dev", "install", dir)
	in.command(t, "plugin", "install", "--dev", dir)
	if list := in.command(t, "plugin", "list"); !strings.Contains(list, "NO") {
		t.Errorf("an unsigned plugin is listed as\n%s", list)
	}
	refuse("was enforced before", "rollback", "nobody")
}

// TestShippedPlugins runs all the checks that ship, in their sandbox, on a case
// with an electronic form.
func TestShippedPlugins(t *testing.T) {
	t.Parallel()
	in := start(t, append(settings["embedded"](t), "ONEDOOR_PLUGIN_DEV=1", "ONEDOOR_RUN="+shortDir(t)))
	departments := []string{"eco", "fire", "nrp", "police", "samr", "urban"}
	for _, name := range departments {
		dir, _ := built(t, "../../plugins/"+name)
		in.command(t, "plugin", "install", dir)
		in.command(t, "plugin", "activate", name)
	}
	admin := in.as(t, central)
	eventually(t, "all are active", func() bool {
		p := admin.plugins(t)
		return len(p) == len(departments) && !slices.ContainsFunc(p, func(p pluginShown) bool { return p.State == nil })
	})
	person, c := draft(t, in)
	sheet := c.material(t, "场所位置和平面示意图")
	form := `{"site.surroundings/1": {"radius": 300, "site": [[121.55, 29.89]], "places": []}}`
	person.granted(t, upload(t, map[string]any{"case": c.Number, "material": sheet.Code}, "sketch.json", []byte(form)), new(any))
	person.do(t, "submitCase", map[string]any{"case": c.Number})
	c = in.as(t, clerk).do(t, "acceptCase", map[string]any{"case": c.Number})
	found, runs := person.examined(t, c.Number)
	if len(found) == 0 {
		t.Error("nothing is found")
	}
	for clause, f := range found {
		if f.Source.Sandbox == "" || f.Source.Signed == nil || *f.Source.Signed || f.Message == "" {
			t.Errorf("%s: %+v", clause, f)
		}
	}
	asked := map[string]bool{}
	for _, r := range runs {
		if asked[r.Plugin] = true; r.State != "DONE" {
			t.Errorf("%s/%s is %s: %s\n%s", r.Plugin, r.Check, r.State, text(r.Fault), in.process.lastWords())
		}
	}
	for _, p := range admin.plugins(t) {
		if asked[p.Name] && *p.State != "READY" || p.Failures != 0 {
			t.Errorf("%s is %s with %d failures", p.Name, *p.State, p.Failures)
		}
	}
	if len(asked) < 3 {
		t.Errorf("a restaurant is looked at by %v", asked)
	}
	if said := in.command(t, "plugin", "replay", "--case", c.Number); strings.Contains(said, "DIFFERS") {
		t.Errorf("replay says %s", said)
	}
}

// TestAuthor goes through an author's afternoon as docs/plugins.md tells it, with
// nothing but Go, to findings of a server that runs.
func TestAuthor(t *testing.T) {
	t.Parallel()
	in := start(t, trusting(t, settings["embedded"](t)))
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	desk := t.TempDir()
	do := func(args ...string) string {
		t.Helper()
		path, err := program()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(path, append([]string{"plugin"}, args...)...)
		cmd.Dir, cmd.Env = desk, append(os.Environ(), append(in.env, "ONEDOOR_PLUGIN_DEV=1")...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	do("new", "parking", "--onedoor", source)
	do("test")
	if said := do("conform"); !strings.Contains(said, " 0 failed") {
		t.Errorf("conform says %s", said)
	}
	do("install")
	do("activate")
	admin := in.as(t, central)
	eventually(t, "it runs", func() bool { p := admin.plugins(t); return len(p) == 1 && p[0].State != nil })
	if p := admin.plugins(t)[0]; p.Signed || *p.State != "REFUSED" { // this server was not started with --dev
		t.Errorf("%+v", p)
	}
}

// TestPluginIsDemanded: without a check that must be run, an application is not
// taken, and nothing of it is half done; with the plugin off it is.
func TestPluginIsDemanded(t *testing.T) {
	t.Parallel()
	in := start(t, trusting(t, settings["embedded"](t)))
	in.command(t, "plugin", "install", packaged(t, "testdata/fragile"))
	in.command(t, "plugin", "activate", "fragile", "--policy", "refers=reject")
	admin := in.as(t, central)
	eventually(t, "it is active", func() bool { return admin.plugins(t)[0].State != nil })
	person, c := draft(t, in)
	r := person.refused(t, mutation(t, "submitCase", map[string]any{"case": c.Number}, "case { number }"), "UNAVAILABLE")
	if !r.has("checks.fragile/refers", "DOWN") {
		t.Errorf("%+v", *r.Extensions.Problems)
	}
	if now := person.show(t, c.Number); now.State != "DRAFT" || now.Version != c.Version {
		t.Errorf("the case is %s, version %d", now.State, now.Version)
	}
	in.command(t, "plugin", "activate", "fragile", "--mode", "off")
	eventually(t, "it is off", func() bool { return admin.plugins(t)[0].State == nil })
	if now := person.do(t, "submitCase", map[string]any{"case": c.Number}); now.State != "SUBMITTED" {
		t.Errorf("the case is %s", now.State)
	}
}
