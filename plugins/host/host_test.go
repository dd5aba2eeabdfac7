package host_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
)

func decimal(s string) standard.Decimal {
	d, err := standard.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

func TestAPluginIsAsked(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{Name: "parking", SDK: true, Checks: 2})
	if got := r.status(t, "parking").State; got != check.Idle {
		t.Errorf("before it is asked it is %s", got)
	}
	q := question("normal")
	q.Facts = []check.Fact{
		{Key: "area", Kind: standard.Number, Value: decimal("250.5")}, {Key: "not-declared", Kind: standard.Bool, Value: true},
		{Key: "spaces", Kind: standard.Int, Value: decimal("2")},
	}
	asks := r.asks(t, []string{"c1", "c0", "c9"}, "parking")
	got, receipts := r.Run(t.Context(), q, asks)
	source := check.Source{Plugin: "parking", Version: "1.0.0", Digest: asks[0].Digest, Sandbox: r.Level().String()}
	found := func(id string) check.Result {
		return check.Result{
			Source: source, Mode: check.Enforce, Policy: check.Refer, Check: id, Clauses: []string{"C-1"}, Receipt: receipts[0].ID,
			Findings: []check.Finding{{
				Clause: "C-1", Verdict: check.Fail, Code: "TOO_FEW", Message: check.Text{ZH: "说 3", EN: "3"},
				Basis: []law.Basis{{Law: "GB 1", Article: "1"}}, UsedFacts: []string{"area", "spaces"},
			}},
		}
	}
	unknown := check.Result{
		Source: check.Source{Plugin: "parking", Version: "1.0.0", Digest: asks[0].Digest}, Mode: check.Enforce, Policy: check.Refer, Check: "c9",
		Fault: &check.Fault{Code: check.NotAsked, Detail: "there is no such check in what is active"},
	}
	if diff := cmp.Diff([]check.Result{found("c1"), found("c0"), unknown}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(receipts) != 1 || strings.Contains(string(receipts[0].Request), "case-7") || strings.Contains(string(receipts[0].Request), "not-declared") {
		t.Errorf("receipts: %+v", receipts)
	}
	s := r.status(t, "parking")
	if s.State != check.Ready || s.Calls != 1 || s.Failures != 0 || s.P50 == 0 {
		t.Errorf("%+v", s)
	}
	got, _ = r.Run(t.Context(), q, []check.Ask{{Plugin: "parking", Digest: "0000", Checks: []string{"c0"}}, {Plugin: "nobody", Checks: []string{"x"}}})
	for _, g := range got {
		if g.Fault == nil || g.Fault.Code != check.NotAsked {
			t.Errorf("%+v", g)
		}
	}
}
