package surroundings_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/surroundings"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

// judging is a plugin of one rule: 50 m in a straight line to a kindergarten.
func judging() sdk.Plugin {
	return sdk.Plugin{
		Name: "judging", Version: "1.0.0", Department: "police",
		Checks: []sdk.Check{{
			ID: "distance", Clauses: []string{"A"}, OptionalFacts: []string{"metres"}, Contents: []string{surroundings.Sketch},
			Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
				return surroundings.Judge(c, "A", true, surroundings.Rule{
					Kind: surroundings.Kindergarten, Limit: sdk.Whole(50), Measure: surroundings.Straight, Fact: "metres",
					Law: []citation.Citation{{Law: "L", Article: "1", Verified: citation.District}},
				})
			},
		}},
	}
}

// TestForms judges sites whose distances are known, and refuses what is no sketch.
func TestForms(t *testing.T) {
	t.Parallel()
	const (
		head = `"crs": "WGS84", "surveyed": {"day": "2026-01-02", "radius": 50, "kinds": ["kindergarten"]}`
		site = `"site": [[121.45, 29.98]]`
	)
	many := strings.Repeat("[121.45, 29.98], ", 200) + "[121.45, 29.98]"
	dir := t.TempDir()
	for i, test := range []struct {
		section string
		verdict string
		code    string
		problem string // of a form that is no sketch
		near    string // metres of one that is too near
	}{
		// 0.0005° of the meridian are 55.4 m there.
		{head + `, ` + site + `, "places": [{"kind": "kindergarten", "shape": [[121.45, 29.9805]]}]`, "PASS", "MET", "", ""},
		{head + `, ` + site + `, "places": [{"kind": "kindergarten", "shape": [[121.45, 29.9804]]}]`, "FAIL", "TOO_NEAR", "", "44.34"},
		{head + `, ` + site + `, "places": [{"kind": "school", "shape": [[121.45, 29.98]]}]`, "PASS", "MET", "", ""}, // another kind
		{head + `, "site": [[121.449, 29.979], [121.451, 29.979], [121.451, 29.981], [121.449, 29.981]], "places": [{"kind": "kindergarten", "shape": [[121.45, 29.98]]}]`, "FAIL", "TOO_NEAR", "", "0"},
		{head + `, "site": [], "places": []`, "NEEDS_FACTS", "FORM_INVALID", "site: 1 to 200 points", ""},
		{head + `, "site": [` + many + `], "places": []`, "NEEDS_FACTS", "FORM_INVALID", "site: 1 to 200 points", ""},
		{head + `, ` + site + `, "places": [{"kind": "kindergarten", "shape": [[121.45, 31.98]]}]`, "NEEDS_FACTS", "FORM_INVALID", "places[0].shape: within 10000 m of the site", ""},
		{head + `, ` + site + `, "places": [{"kind": "hospital", "shape": [[121.45, 29.98]]}]`, "NEEDS_FACTS", "FORM_INVALID", "places[0].kind: school, kindergarten or pollution_source", ""},
		{`"crs": "WGS84", "surveyed": {"radius": 50, "kinds": []}, ` + site + `, "places": []`, "NEEDS_FACTS", "FORM_INVALID", "surveyed.day: a day, not after the day judged", ""},
		{`"crs": "WGS84", "surveyed": {"day": "2026-01-06", "radius": 50, "kinds": []}, ` + site + `, "places": []`, "NEEDS_FACTS", "FORM_INVALID", "surveyed.day: a day, not after the day judged", ""}, // judged as of 5 January
		{`"crs": "WGS84", "surveyed": {"day": "2026-01-02", "radius": -1, "kinds": []}, ` + site + `, "places": []`, "NEEDS_FACTS", "FORM_INVALID", "surveyed.radius: 0 or more", ""},
		{`"crs": "WGS84", "surveyed": {"day": "2026-01-02", "radius": 50, "kinds": ["inn"]}, ` + site + `, "places": []`, "NEEDS_FACTS", "FORM_INVALID", "surveyed.kinds: school, kindergarten or pollution_source", ""},
	} {
		want := map[string]any{"verdict": test.verdict, "clause": "A", "code": test.code}
		if test.problem != "" {
			want["message"] = map[string]string{"key": "form.invalid", "material": surroundings.Sketch, "problem": "site.surroundings/1: " + test.problem}
		}
		if test.near != "" {
			want["message"] = map[string]string{"key": "distance.too_near.kindergarten", "metres": test.near, "limit": "50"}
		}
		text, err := yaml.Marshal(map[string]any{
			"materials": map[string]any{surroundings.Sketch: map[string]string{
				"name": "sketch", "type": "application/json", "content": `{"site.surroundings/1": {` + test.section + `}}`,
			}},
			"want": map[string]any{"distance": []any{want}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.yaml", i)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plugintest.Golden(t, judging(), dir)
}
