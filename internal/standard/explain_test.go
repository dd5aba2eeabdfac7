package standard_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestExplain compares the words of every kind of reason with
// testdata/explain.golden. ONEDOOR_UPDATE=1 writes it anew.
func TestExplain(t *testing.T) {
	t.Parallel()
	v := vocabulary(t)
	project, problems := v.Project(map[string]any{
		"use_area": 45, "kitchen_area": 12.5, "seats": 40, "flue": false, "zone": "core", "ratio": 2.5,
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var got strings.Builder
	for _, src := range []string{
		// One number, in each truth and both polarities.
		`facts.use_area >= 20.0`,
		`facts.use_area >= 60.0`,
		`facts.height >= 15.0`,
		`!(facts.use_area < 20.0)`,
		`60.0 < facts.use_area`,
		`facts.seats == 40 && facts.seats != 41 && facts.ratio <= 2.5`,
		// Booleans and enums.
		`facts.flue`,
		`!facts.flue`,
		`facts.homestay`,
		`facts.zone == "core"`,
		`facts.zone != "core"`,
		`facts.zone in ["commercial", "style"]`,
		`!(facts.zone in ["core", "style"])`,
		`facts.nature in ["new", "core"]`,
		// AND and OR.
		`facts.use_area >= 20.0 && facts.seats < 50`,
		`facts.use_area >= 60.0 && facts.seats < 50 && facts.flue`,
		`facts.use_area >= 60.0 || facts.seats < 50 || !facts.flue`,
		`facts.use_area >= 60.0 || facts.flue`,
		`facts.height > 3.0 && facts.seats < 50 && facts.homestay`,
		`facts.flue && facts.height > 3.0`,
		// Choices: the condition, as it turned out, and the branch taken.
		`facts.flue ? facts.use_area > 10.0 : facts.use_area > 20.0`,
		`facts.zone == "core" ? facts.use_area > 100.0 : true`,
		`facts.zone == "core" || facts.flue ? facts.height > 100.0 : true`,
		`facts.homestay ? facts.use_area > 10.0 : facts.seats > 3`,
		`facts.homestay ? facts.use_area > 10.0 : facts.use_area > 100.0`,
		`facts.use_area >= (facts.zone == "core" ? 30.0 : 60.0)`,
		`facts.use_area >= (facts.seats < 20 && facts.flue ? 30.0 : 60.0)`,
		// Several facts.
		`facts.kitchen_area * 3.2 >= facts.use_area`,
		`facts.use_area >= facts.kitchen_area + 3.0`,
		`facts.use_area >= 2.0 * double(facts.computers)`,
		`facts.height >= facts.use_area * 0.5`,
		`facts.use_area - facts.kitchen_area > 40.0`,
		`30.0 > facts.use_area - facts.kitchen_area`,
		// The rest.
		`has(facts.seats)`,
		`has(facts.height)`,
		`!has(facts.height)`,
		`false`,
		`true`,
		`facts.use_area >= 20.0 && facts.use_area >= 20.0`,
	} {
		e := parse(t, v, src)
		fmt.Fprintf(&got, "%s -> %s\n", src, e.Eval(project))
		for _, r := range e.Explain(project) {
			key := "-"
			if r.Fact >= 0 {
				key = v.At(r.Fact).Key
			}
			fmt.Fprintf(&got, "\t%s %s [%s] actual [%s] %s\n\t\t%s\n\t\t%s\n", key, r.Operator, r.Needed, r.Actual, r.Truth, r.ZH, r.EN)
		}
	}
	golden := filepath.Join("testdata", "explain.golden")
	if os.Getenv("ONEDOOR_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}
