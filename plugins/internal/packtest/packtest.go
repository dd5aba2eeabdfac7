// Package packtest proves a plugin that ships against the pack that ships: its
// golden cases, the conformance of every plugin, and that it speaks of the pack's
// own clauses, facts and materials.
package packtest

import (
	"bytes"
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// packDir is seen from a folder of plugins.
const packDir = "../../internal/catalog/packs/jiangbei"

// Prove runs it all in the folder of a plugin, whose golden cases are in testdata
// and whose manifest is plugin.yaml.
func Prove(t *testing.T, p sdk.Plugin) {
	t.Helper()
	t.Run("golden", func(t *testing.T) {
		t.Parallel()
		plugintest.Golden(t, p, "testdata")
	})
	t.Run("conform", func(t *testing.T) {
		t.Parallel()
		conform(t, p)
	})
	t.Run("manifest", func(t *testing.T) {
		t.Parallel()
		agrees(t, p)
	})
	t.Run("pack", func(t *testing.T) {
		t.Parallel()
		inPack(t, p)
	})
}

// conform asks everything, with the pack's vocabulary, the manifest's messages and
// the golden cases.
func conform(t *testing.T, p sdk.Plugin) {
	cases, err := plugintest.ReadCases("testdata")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	report := plugintest.Conform(t.Context(), plugintest.Start(t, p, dir), plugintest.Options{
		Facts: vocabulary(t), Messages: slices.Collect(maps.Keys(signed(t).Messages)), Cases: cases, Dir: dir,
	})
	words(t, cases)
	if !report.OK() || skipped(report) {
		var out bytes.Buffer
		if err := report.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		t.Error(out.String())
	}
}

// words renders every message and remedy of the golden cases, so that no gap of a
// text stays open.
func words(t *testing.T, cases []plugintest.Case) {
	m := signed(t)
	for _, c := range cases {
		for _, want := range slices.Concat(slices.Collect(maps.Values(c.Want))...) {
			for _, message := range []map[string]string{want.Message, want.Remedy} {
				if message == nil {
					continue
				}
				params := maps.Clone(message)
				delete(params, "key")
				if _, err := m.Render(message["key"], params); err != nil {
					t.Errorf("case %s: %v", c.Name, err)
				}
			}
		}
	}
}

// skipped says whether a rule was not asked: here everything is at hand.
func skipped(r *plugintest.Report) bool {
	return slices.ContainsFunc(r.Results, func(r plugintest.Result) bool { return r.Verdict == plugintest.Skip })
}

// inPack says where a plugin speaks of what the pack does not have.
func inPack(t *testing.T, p sdk.Plugin) {
	var clauses struct {
		Clauses []struct {
			ID         string   `yaml:"id"`
			Department string   `yaml:"department"`
			Evidence   []string `yaml:"evidence"`
		} `yaml:"clauses"`
	}
	var items struct {
		Items []struct {
			Materials []struct {
				ID   string `yaml:"id"`
				Name string `yaml:"name"`
			} `yaml:"materials"`
		} `yaml:"items"`
	}
	read(t, filepath.Join(packDir, "clauses.yaml"), &clauses)
	read(t, filepath.Join(packDir, "items.yaml"), &items)
	departments, materials := map[string]string{}, map[string]bool{}
	evidence := map[string][]string{}
	for _, c := range clauses.Clauses {
		departments[c.ID], evidence[c.ID] = c.Department, c.Evidence
	}
	for _, item := range items.Items {
		for _, m := range item.Materials {
			materials[cmp.Or(m.ID, m.Name)] = true
		}
	}
	described := false
	for _, c := range p.Checks {
		described = described || c.SelfTest != nil
		var named []string
		for _, clause := range c.Clauses {
			if of, known := departments[clause]; !known || of != p.Department {
				t.Errorf("check %s: the clause %s is of %q, not of %s", c.ID, clause, of, p.Department)
			}
			named = append(named, evidence[clause]...)
		}
		for _, code := range slices.Concat(c.Materials, c.Contents) {
			if !materials[code] && !slices.Contains(named, code) {
				t.Errorf("check %s: no item asks for the material %s, and no clause names it as evidence", c.ID, code)
			}
		}
	}
	if !described {
		t.Error("no check has a self-test")
	}
}

func vocabulary(t *testing.T) []plugintest.Fact {
	var file struct {
		Facts []struct {
			ID     string `yaml:"id"`
			Type   string `yaml:"type"`
			Values []struct {
				ID string `yaml:"id"`
			} `yaml:"values"`
		} `yaml:"facts"`
	}
	read(t, filepath.Join(packDir, "facts.yaml"), &file)
	kinds := map[string]string{"number": "NUMBER", "int": "INT", "bool": "BOOL", "enum": "ENUM"}
	var out []plugintest.Fact
	for _, f := range file.Facts {
		fact := plugintest.Fact{Key: f.ID, Kind: kinds[f.Type]}
		for _, v := range f.Values {
			fact.Choices = append(fact.Choices, v.ID)
		}
		out = append(out, fact)
	}
	return out
}

// signed reads the manifest.
func signed(t *testing.T) *manifest.Manifest {
	t.Helper()
	text, err := os.ReadFile(manifest.File)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// agrees says where the manifest and the program differ.
func agrees(t *testing.T, p sdk.Plugin) {
	d, err := pb.NewCheckerClient(plugintest.Start(t, p, "")).Describe(t.Context(), &pb.DescribeRequest{ContractMinor: wire.ContractMinor})
	if err != nil {
		t.Fatal(err)
	}
	if err := signed(t).Agrees(d); err != nil {
		t.Error(err)
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
