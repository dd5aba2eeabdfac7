package eform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/plugins/internal/eform"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

// order is a form as a plugin declares one.
type order struct {
	eform.Head
	Amount eform.Number  `json:"amount"`
	Term   *eform.Period `json:"term"`
	Lines  []struct {
		Kind string `json:"kind"`
	} `json:"lines"`
}

func (o *order) Wrong() error {
	if o.Term != nil {
		return o.Term.Wrong()
	}
	return nil
}

// reader is a plugin that reads the form and gives its amount back.
func reader() sdk.Plugin {
	return sdk.Plugin{
		Name: "reader", Version: "1.0.0", Department: "urban",
		Checks: []sdk.Check{{
			ID: "read", Clauses: []string{"A", "B"}, Contents: []string{"order"},
			Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
				f, none := eform.Read[order](c, eform.Form{Material: "order", Schema: "order/1"}, "A", "B")
				if f == nil {
					return none
				}
				return []sdk.Finding{sdk.Pass("A").Say("amount", "amount", f.Amount.Decimal)}
			},
		}},
	}
}

// TestRead reads forms over a real connection, as a host hands them over.
func TestRead(t *testing.T) {
	t.Parallel()
	const (
		paper    = "FORM_ON_PAPER"
		large    = "FORM_TOO_LARGE"
		bad      = "FORM_UNREADABLE"
		notAForm = "form: is not order/1"
		notJSON  = "not JSON"
		number   = "a number is not plain digits with at most six places, at least 0"
	)
	dir := t.TempDir()
	for i, test := range []struct {
		content      string
		code, reason string // of HUMAN; without a code the amount is in reason
	}{
		{`{"form": "order/1", "amount": 12.50}`, "", "12.5"},
		{" \n" + `{"form": "order/1", "amount": 0, "term": {"from": "2026-02-28", "to": "2026-02-28"}}`, "", "0"},
		{`{"form": "order/1", "amount": 0.1234567}`, bad, number},
		{`{"form": "order/1", "amount": 1e3}`, bad, number},
		{`{"form": "order/1", "amount": -1}`, bad, number},
		{`{"form": "order/1", "amount": "12"}`, bad, number},
		{`{"form": "order/1", "amount": null}`, bad, number},
		{`{"form": "order/1", "term": {"from": "2026-02-30", "to": "2026-03-01"}}`, bad, "a day is not YYYY-MM-DD"},
		{`{"form": "order/1", "term": {"from": "2026-03-02", "to": "2026-03-01"}}`, bad, "from, to: it ends before it begins"},
		{`{"form": "order/1", "term": {"from": "2026-03-02"}}`, bad, "from, to: a day is missing"},
		{`{"form": "order/1", "lines": {"kind": "secret"}}`, bad, "lines: is not of the schema's type"},
		{`{"form": "order/1", "secret": 1}`, bad, "a key that the schema does not have"},
		{`{"form": "order/1", "lines": [{"kind": "a", "kind": "b"}]}`, bad, "a key stands twice"},
		{`{"form": "order/1", "Amount": 1}`, bad, "a key is in capitals"},
		{`{"form": "order/1"} {"form": "order/1"}`, bad, "something follows after the form"},
		{`{"form": "order/1"`, bad, notJSON},
		{`{"form": "order/1",}`, bad, notJSON},
		{`{"form": "order/2"}`, bad, notAForm},
		{`{}`, bad, notAForm},
		{`{"form": 1}`, bad, notAForm},
		{`{"form": "order/1", "lines": ` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, bad, "nested too deeply"},
		{`[{"form": "order/1"}]`, paper, ""},
		{"%PDF-1.7 {", paper, ""},
		{"", paper, ""},
		{"\ufeff{}", paper, ""},
		{`{"form": "order/1", "lines": [` + strings.Repeat(" ", 256<<10) + `]}`, large, ""},
	} {
		var want []map[string]any
		if test.code == "" {
			want = []map[string]any{{"verdict": "PASS", "clause": "A", "code": "MET", "message": map[string]string{"key": "amount", "amount": test.reason}}}
		} else {
			message := map[string]string{"key": map[string]string{paper: "form.paper", large: "form.too_large", bad: "form.unreadable"}[test.code], "material": "order"}
			if test.reason != "" {
				message["reason"] = test.reason
			}
			for _, clause := range []string{"A", "B"} {
				want = append(want, map[string]any{"verdict": "HUMAN", "clause": clause, "code": test.code, "message": message})
			}
		}
		write(t, dir, fmt.Sprintf("%02d", i), map[string]any{
			"materials": map[string]any{"order": map[string]string{"name": "order", "type": "application/json", "content": test.content}},
			"want":      map[string]any{"read": want},
		})
	}
	write(t, dir, "missing", map[string]any{"want": map[string]any{"read": []map[string]any{
		{"verdict": "NEEDS_FACTS", "clause": "A", "code": "MATERIALS_MISSING", "missing_materials": []string{"order"}},
		{"verdict": "NEEDS_FACTS", "clause": "B", "code": "MATERIALS_MISSING", "missing_materials": []string{"order"}},
	}}})
	plugintest.Golden(t, reader(), dir)
}

func write(t *testing.T, dir, name string, c map[string]any) {
	t.Helper()
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPeriod(t *testing.T) {
	t.Parallel()
	var p eform.Period
	if err := json.Unmarshal([]byte(`{"from": "2028-02-28", "to": "2028-03-01"}`), &p); err != nil {
		t.Fatal(err)
	}
	if p.Days() != 3 {
		t.Errorf("%s to %s are %d days, want 3: it is a leap year", p.From, p.To, p.Days())
	}
	for day, want := range map[int]bool{27: false, 28: true, 29: true, 30: true, 31: false} { // 30 is 1 March
		if got := p.Has(sdk.Date(2028, 2, day)); got != want {
			t.Errorf("has 2028-02-%d: %v", day, got)
		}
	}
}
