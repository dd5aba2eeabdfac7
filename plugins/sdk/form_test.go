package sdk_test

import (
	"context"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

// TestForms reads forms as applicants send them.
func TestForms(t *testing.T) {
	t.Parallel()
	type form struct {
		Name  string       `json:"name"`
		Width *sdk.Decimal `json:"width"`
	}
	plugin := sdk.Plugin{Name: "forms", Version: "1.0.0", Department: "fire", Checks: []sdk.Check{{
		ID: "form", Clauses: []string{"C"}, Contents: []string{"plan"},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			var f form
			if fault := c.Form("plan", "fire.test/1", &f); fault != nil {
				return fault.Findings("C")
			}
			return []sdk.Finding{sdk.Human("C", "READ").Say("read", "name", f.Name, "width", f.Width)}
		},
	}}}
	dir := t.TempDir()
	client := pb.NewCheckerClient(plugintest.Start(t, plugin, dir))
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, c := range []struct{ text, code, says string }{
		{`{"fire.test/1": {"name": "大厅", "width": 1.40}}`, "READ", "1.4"},
		{"\ufeff \n" + `{"fire.test/1": {"name": "大厅", "width": 1.4}, "eco.other/1": {"x": [1, {"y": null}]}}`, "READ", "1.4"},
		{`{"fire.test/1": {"width": 0.1000000000000000000000000000000000001}}`, "READ", "0.1"},
		{"%PDF-1.7", "NOT_A_FORM", ""},
		{"", "NOT_A_FORM", ""},
		{`[1]`, "NOT_A_FORM", ""},
		{`{"eco.other/1": {}}`, "NOT_A_FORM", ""},
		{`{"fire.test/1": {"nmae": "x"}}`, "FORM_INVALID", "nmae"},
		{`{"fire.test/1": {"name": 1}}`, "FORM_INVALID", "name"},
		{`{"fire.test/1": {"width": 1e3}}`, "FORM_INVALID", "no exponent"},
		{`{"fire.test/1": {"width": "1.4"}}`, "FORM_INVALID", "no exponent"},
		{`{"fire.test/1": {"name": "a", "name": "b"}}`, "FORM_INVALID", "twice"},
		{`{"fire.test/1": {"name": "a", "NAME": "b"}}`, "FORM_INVALID", "twice"},
		{`{"fire.test/1": {"name": "a\u202eb"}}`, "FORM_INVALID", "control character"},
		{`{"fire.test/1": {}} {}`, "FORM_INVALID", "behind the end"},
		{`{"fire.test/1": {`, "FORM_INVALID", ""},
		{deep, "FORM_INVALID", "nested"},
		{`{"fire.test/1": {"name": "` + strings.Repeat("a", sdk.MaxForm) + `"}}`, "FORM_INVALID", "larger"},
	} {
		sum := sha256.Sum256([]byte(c.text))
		name := filepath.Join(dir, "form.json")
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		response, err := client.Check(t.Context(), &pb.CheckRequest{
			Day: "2026-01-05", Checks: []string{"form"},
			Materials: []*pb.Material{{Code: "plan", Name: "plan.json", Size: int64(len(c.text)), Sha256: sum[:], Path: "form.json"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		found := response.GetResults()[0].GetFindings()
		if len(found) != 1 || found[0].GetCode() != c.code {
			t.Errorf("%.80q: %v, want %s", c.text, response, c.code)
			continue
		}
		params := found[0].GetMessage().GetParams()
		if text := params["problem"] + params["width"]; !strings.Contains(text, c.says) {
			t.Errorf("%.80q: %q, want %q", c.text, text, c.says)
		}
	}
}

// TestTruth keeps to Kleene's tables: the unknown is never false.
func TestTruth(t *testing.T) {
	t.Parallel()
	yes, no, unknown := sdk.That(true), sdk.That(false), sdk.Unknown("b", "a")
	name := func(t sdk.Truth) string {
		switch {
		case t.Yes():
			return "yes"
		case t.No():
			return "no"
		}
		return "unknown"
	}
	var got []string
	for _, a := range []sdk.Truth{yes, no, unknown} {
		for _, b := range []sdk.Truth{yes, no, unknown} {
			got = append(got, name(a)+" "+name(b)+": "+name(sdk.All(a, b))+" "+name(sdk.Any(a, b))+" "+name(a.Not()))
		}
	}
	want := []string{
		"yes yes: yes yes no", "yes no: no yes no", "yes unknown: unknown yes no",
		"no yes: no yes yes", "no no: no no yes", "no unknown: no unknown yes",
		"unknown yes: unknown yes unknown", "unknown no: no unknown unknown", "unknown unknown: unknown unknown unknown",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, sdk.All(unknown, yes, sdk.Unknown("c", "a")).Missing()); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	fail := func() sdk.Finding { return sdk.Fail("C", "BAD") }
	for _, c := range []struct {
		applies, met sdk.Truth
		want         sdk.Finding
	}{
		{no, unknown, sdk.NotApplicable("C")}, {unknown, yes, sdk.Pass("C")}, {yes, no, sdk.Fail("C", "BAD")},
		{sdk.Unknown("x"), no, sdk.NeedsFacts("C", "x")}, {yes, sdk.Unknown("y"), sdk.NeedsFacts("C", "y")},
		{sdk.Unknown("x"), sdk.Unknown("y"), sdk.NeedsFacts("C", "x", "y")},
	} {
		if diff := cmp.Diff(c.want, sdk.Judge("C", c.applies, c.met, fail), cmp.AllowUnexported(sdk.Finding{})); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", name(c.applies), name(c.met), diff)
		}
	}
}
