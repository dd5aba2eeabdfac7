package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
)

func fireVersion(version string) check.Version {
	return check.Version{
		Name: "fire", Version: version, Department: "fire", Manifest: []byte("manifest " + version), Signature: []byte("signature"),
		Checks:      []check.Check{{ID: "exits", Clauses: []string{"C-FIR-002"}, Facts: []string{"exits"}, Policy: check.Refer, Pure: true}},
		Programs:    map[string]check.Program{"linux/amd64": {Digest: "d" + version, File: "sha256/aa/" + version}},
		InstalledAt: now, InstalledBy: "central", Mode: check.Off, Policies: map[string]check.Policy{},
	}
}

// TestRegistry is the life of two versions: installed, enforced one after the
// other, and rolled back.
func TestRegistry(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		modes := func() map[string]check.Mode {
			t.Helper()
			versions, err := s.Versions(ctx)
			must(err)
			out := map[string]check.Mode{}
			for _, v := range versions {
				out[v.Version] = v.Mode
			}
			return out
		}
		one, two := fireVersion("1.0.0"), fireVersion("2.0.0")
		two.InstalledAt = now.Add(time.Hour)
		must(s.Install(ctx, one))
		must(s.Install(ctx, two))
		must(s.Install(ctx, one)) // the same again is nothing new
		versions, err := s.Versions(ctx)
		must(err)
		if diff := cmp.Diff([]check.Version{two, one}, versions, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
		altered := one
		altered.Manifest = []byte("another")
		if err := s.Install(ctx, altered); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("another content under the same version: %v", err)
		}
		if n, err := s.Changes(ctx); n != 0 || err != nil {
			t.Errorf("%d changes, %v", n, err)
		}

		office := &check.Office{Registry: s, Catalogue: func() check.Catalogue { return allClauses{} }, Now: func() time.Time { return now }}
		activate := func(version string, mode check.Mode) {
			t.Helper()
			_, err := office.Activate(ctx, "fire", version, mode, nil, "central")
			must(err)
		}
		activate("1.0.0", check.Enforce)
		activate("2.0.0", check.Shadow)
		if diff := cmp.Diff(map[string]check.Mode{"1.0.0": check.Enforce, "2.0.0": check.Shadow}, modes()); diff != "" {
			t.Error(diff)
		}
		before, err := s.Changes(ctx)
		must(err)
		activate("2.0.0", check.Enforce)
		if diff := cmp.Diff(map[string]check.Mode{"1.0.0": check.Off, "2.0.0": check.Enforce}, modes()); diff != "" {
			t.Error(diff)
		}
		if after, err := s.Changes(ctx); after <= before || err != nil {
			t.Errorf("changes went from %d to %d, %v", before, after, err)
		}
		a, err := office.Rollback(ctx, "fire", "central")
		must(err)
		if diff := cmp.Diff(map[string]check.Mode{"1.0.0": check.Enforce, "2.0.0": check.Off}, modes()); diff != "" || a.Version != "1.0.0" {
			t.Errorf("%+v: %s", a, diff)
		}
		if _, err := office.Activate(ctx, "fire", "9.9.9", check.Enforce, nil, "central"); fault.CodeOf(err) != fault.NotFound {
			t.Errorf("a version that is not there: %v", err)
		}
	})
}

// allClauses knows every clause and fact, as fire's.
type allClauses struct{}

func (allClauses) ClauseDepartment(string) (string, bool) { return "fire", true }
func (allClauses) HasFact(string) bool                    { return true }

// TestChecksAreKept lands what a plugin has found in a case, with its receipt,
// and finds the case as long as a check is due.
func TestChecksAreKept(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		id := o.accepted()
		ctx := viewer.WithoutOnce(t.Context())
		change := func(f func(c *casework.Case) error) {
			t.Helper()
			if err := s.Update(ctx, id, f); err != nil {
				t.Fatal(err)
			}
		}
		due := func() bool {
			t.Helper()
			ids, err := s.ChecksDue(ctx, o.now().AddDate(0, 0, 1), 10)
			if err != nil {
				t.Fatal(err)
			}
			return slices.Contains(ids, id)
		}
		if due() {
			t.Error("without plugins nothing is due")
		}
		source := check.Source{Plugin: "fire", Version: "1.0.0", Digest: "d1", Sandbox: "L1"}
		run := check.Run{Source: source, Department: "fire", Check: "exits", Clauses: []string{"C-FIR-001"}, Mode: check.Enforce, Policy: check.Refer, State: check.Pending, NextAt: o.now()}
		change(func(c *casework.Case) error { c.Checks = []check.Run{run}; return nil })
		if !due() {
			t.Error("a pending check is not found")
		}
		receipt := check.Receipt{ID: "r1", Source: source, Request: []byte{1, 2}, Response: []byte{3}}
		land := func(r check.Result) {
			t.Helper()
			r.Source, r.Mode, r.Policy, r.Check, r.Clauses = source, check.Enforce, check.Refer, "exits", run.Clauses
			change(func(c *casework.Case) error {
				return c.Land(casework.By{Actor: casework.Actor{Subject: "onedoor", Role: casework.RoleTimer}, RecordedAt: o.now()}, []check.Result{r}, nil, []check.Receipt{receipt})
			})
		}
		land(check.Result{Fault: &check.Fault{Code: check.Down, Detail: "killed"}})
		if !due() {
			t.Error("a check that failed is not tried again")
		}
		land(check.Result{Receipt: "r1", Findings: []check.Finding{{Clause: "C-FIR-001", Verdict: check.Human, Code: "LOOK"}}})
		if due() {
			t.Error("a check that was run is run again")
		}
		c := o.load(id)
		if r := c.Checks[0]; r.State != check.Done || r.Receipt != "r1" || r.Fault != nil {
			t.Errorf("%+v", r)
		}
		var found []casework.Finding
		for _, r := range c.Reviews {
			for _, f := range r.Findings {
				if f.Source != nil {
					found = append(found, f)
				}
			}
		}
		if len(found) != 1 || found[0].Code != "LOOK" || *found[0].Source != source {
			t.Errorf("%+v", found)
		}
		receipts, err := s.Receipts(ctx, id, "")
		receipt.Case = id
		if diff := cmp.Diff([]check.Receipt{receipt}, receipts); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	})
}

// TestAnAbsentCheckIsWaitedFor: a server that does not have a check yet, or any
// more, refers its clauses to an officer and tries again; it gives up only when
// the check stays away. Meanwhile nothing else of the case is held up, and a
// second server that looks at the same moment changes nothing.
func TestAnAbsentCheckIsWaitedFor(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s) // no plugin is active here
		id := o.accepted()
		clause := o.load(id).Reviews[0].Findings[0].Clause
		run := check.Run{Source: check.Source{Plugin: "p", Version: "1.0.0", Digest: "d1"}, Department: "fire", Check: "c", Clauses: []string{clause}, Mode: check.Enforce, Policy: check.Refer, State: check.Pending, NextAt: o.now()}
		if err := s.Update(t.Context(), id, func(c *casework.Case) error { c.Checks = []check.Run{run}; return nil }); err != nil {
			t.Fatal(err)
		}
		referred := func() bool {
			return slices.ContainsFunc(o.load(id).Reviews, func(r casework.Review) bool {
				return slices.ContainsFunc(r.Findings, func(f casework.Finding) bool { return f.Code == casework.CheckNotRun })
			})
		}
		look := func() {
			t.Helper()
			for range 2 { // at once, by two servers
				if _, err := o.RunChecks(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		look()
		if c := o.load(id); len(c.Checks) != 1 || c.Checks[0].Attempts != 1 || c.Checks[0].Fault == nil || c.Checks[0].Fault.Code != check.NotAsked || !referred() {
			t.Fatalf("%+v, referred: %t", c.Checks, referred())
		}
		for range 3 {
			o.later(1)
			look()
		}
		if c := o.load(id); len(c.Checks) != 0 || referred() {
			t.Errorf("%+v, referred: %t", c.Checks, referred())
		}
	})
}

// TestACaseThatCannotBeJudgedIsNotTriedAllTheTime: its checks wait like those of
// a plugin that is down.
func TestACaseThatCannotBeJudgedIsNotTriedAllTheTime(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		id := o.accepted()
		run := check.Run{Source: check.Source{Plugin: "p", Version: "1.0.0", Digest: "d1"}, Department: "fire", Check: "c", Clauses: []string{"C-FIR-001"}, Mode: check.Enforce, Policy: check.Refer, State: check.Pending, NextAt: o.now()}
		err := s.Update(t.Context(), id, func(c *casework.Case) error {
			c.Checks = []check.Run{run}
			c.Facts["no_such_fact"] = true
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.RunChecks(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := o.load(id).Checks[0]; r.Attempts != 1 || r.Fault == nil || r.Fault.Code != check.Errored || !r.NextAt.After(o.now()) {
			t.Errorf("%+v", r)
		}
	})
}
