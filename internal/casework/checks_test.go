package casework_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/law"
)

var fireSource = check.Source{Plugin: "fire", Version: "1.0.0", Digest: "d1", Sandbox: "L1"}

// pending is a check of the fire plugin that is to be run.
func pending(id string, mode check.Mode, policy check.Policy, clauses ...string) check.Run {
	return check.Run{
		Source: check.Source{Plugin: "fire", Version: "1.0.0", Digest: "d1"}, Department: "fire",
		Check: id, Clauses: clauses, Mode: mode, Policy: policy, State: check.Pending,
	}
}

// answers fails every clause of the runs.
func answers(runs []check.Run) []check.Result {
	var out []check.Result
	for _, r := range runs {
		result := check.Result{Source: fireSource, Mode: r.Mode, Policy: r.Policy, Check: r.Check, Clauses: r.Clauses, Receipt: "r1"}
		for _, code := range r.Clauses {
			result.Findings = append(result.Findings, check.Finding{
				Clause: code, Verdict: check.Fail, Code: "EXIT_TOO_NARROW", Message: check.Text{ZH: "过窄", EN: "too narrow"},
				Basis: []law.Basis{{Law: "GB 50016-2014", Article: "5.5.21"}},
			})
		}
		out = append(out, result)
	}
	return out
}

// faults says of every run that it could not be done.
func faults(runs []check.Run, code check.FaultCode) []check.Result {
	var out []check.Result
	for _, r := range runs {
		out = append(out, check.Result{Source: r.Source, Mode: r.Mode, Policy: r.Policy, Check: r.Check, Clauses: r.Clauses, Fault: &check.Fault{Code: code, Detail: "killed"}})
	}
	return out
}

// examined is a case in which the fire department judges two clauses, one of
// them by a check of this mode and policy as well.
func examined(t *testing.T, mode check.Mode, policy check.Policy) *world {
	t.Helper()
	needs := restaurant()
	needs[0].Findings = []casework.Finding{
		{Clause: "C-FIR-001", Item: "fire-check", Version: 3, Verdict: casework.Pass, Code: "MET"},
		{Clause: "C-FIR-002", Item: "fire-check", Version: 3, Verdict: casework.Pass, Code: "MET"},
	}
	ev := evidence(casework.StrictPreset(), needs)
	ev.Checks = []check.Run{pending("exits", mode, policy, "C-FIR-002", "C-FIR-009")}
	return accepted(t, ev)
}

// found lists what stands in the fire department's review beside the clauses'
// own findings.
func (w *world) found() []string {
	out := []string{}
	for _, f := range w.Reviews[0].Findings {
		if f.Source != nil {
			out = append(out, f.Clause+" "+string(f.Verdict)+" "+f.Code)
		}
	}
	return out
}

// A finding of a plugin stands beside the clause's own; a clause that nobody
// judges in the case gets none.
func TestLandFindings(t *testing.T) {
	t.Parallel()
	w := examined(t, check.Enforce, check.Refer)
	w.must(w.Land(w.by(timer), answers(w.Checks), nil, []check.Receipt{{ID: "r1"}}))
	want := []casework.Finding{
		{Clause: "C-FIR-001", Item: "fire-check", Version: 3, Verdict: casework.Pass, Code: "MET"},
		{Clause: "C-FIR-002", Item: "fire-check", Version: 3, Verdict: casework.Pass, Code: "MET"},
		{
			Clause: "C-FIR-002", Item: "fire-check", Version: 3, Verdict: casework.Fail, Code: "EXIT_TOO_NARROW", Message: casework.Text{ZH: "过窄", EN: "too narrow"},
			Basis: []law.Basis{{Law: "GB 50016-2014", Article: "5.5.21"}}, Check: "exits", Source: &fireSource, Receipt: "r1",
		},
	}
	if diff := cmp.Diff(want, w.Reviews[0].Findings); diff != "" {
		t.Error(diff)
	}
	if r := w.Checks[0]; r.State != check.Done || r.Sandbox != "L1" || r.Receipt != "r1" || !w.ChecksAt().IsZero() {
		t.Errorf("%+v", r)
	}
	if e := w.Events[len(w.Events)-1]; e.Kind != "recordChecks" || len(w.Receipts) != 1 {
		t.Errorf("%+v, receipts %v", e, w.Receipts)
	}
}

// What cannot be run speaks by its policy, is tried again later and later, and
// moves no date.
func TestLandFaults(t *testing.T) {
	t.Parallel()
	for policy, want := range map[check.Policy][]string{
		check.Refer:   {"C-FIR-002 HUMAN CHECK_NOT_RUN"},
		check.Reject:  {"C-FIR-002 HUMAN CHECK_NOT_RUN"},
		check.Proceed: {},
	} {
		w := examined(t, check.Enforce, policy)
		dates := w.dates()
		by := w.by(timer)
		w.must(w.Land(by, faults(w.Checks, check.Down), nil, nil))
		if diff := cmp.Diff(want, w.found()); diff != "" {
			t.Errorf("%s: %s", policy, diff)
		}
		if diff := cmp.Diff(dates, w.dates()); diff != "" {
			t.Errorf("%s moves dates: %s", policy, diff)
		}
		first := w.ChecksAt().Sub(by.RecordedAt)
		version, events := w.Version, len(w.Events)
		by = w.by(timer)
		w.must(w.Land(by, faults(w.Checks, check.Down), nil, nil))
		if second := w.ChecksAt().Sub(by.RecordedAt); second <= first || first <= 0 {
			t.Errorf("%s: tried again after %s, then %s", policy, first, second)
		}
		if w.Version != version || len(w.Events) != events || w.Checks[0].Attempts != 2 {
			t.Errorf("%s: the same fault again changed the case: version %d to %d, %d attempts", policy, version, w.Version, w.Checks[0].Attempts)
		}
		for range 30 {
			w.must(w.Land(w.by(timer), faults(w.Checks, check.Down), nil, nil))
		}
		if wait := w.ChecksAt().Sub(w.now); wait > time.Hour {
			t.Errorf("%s: tried again only after %s", policy, wait)
		}
		w.must(w.Land(w.by(timer), answers(w.Checks), nil, nil))
		if diff := cmp.Diff([]string{"C-FIR-002 FAIL EXIT_TOO_NARROW"}, w.found()); diff != "" {
			t.Errorf("%s, once it can be run: %s", policy, diff)
		}
	}
}

// A shadow is recorded and seen in no review; it leaves no event.
func TestLandShadow(t *testing.T) {
	t.Parallel()
	w := examined(t, check.Shadow, check.Refer)
	version := w.Version
	w.must(w.Land(w.by(timer), answers(w.Checks), nil, nil))
	if len(w.found()) != 0 || w.Version != version {
		t.Errorf("%v, version %d to %d", w.found(), version, w.Version)
	}
	if got := w.Checks[0]; got.State != check.Done || len(got.Findings) != 2 {
		t.Errorf("%+v", got)
	}
}

// What an officer has answered is left as it was answered.
func TestLandAfterTheAnswer(t *testing.T) {
	t.Parallel()
	w := examined(t, check.Enforce, check.Refer)
	w.must(w.Land(w.by(timer), faults(w.Checks, check.Late), nil, nil))
	w.must(w.GiveOpinion(w.by(fire), w.Reviews[0].ID, casework.Consent, nil))
	before := w.found()
	w.must(w.Land(w.by(timer), answers(w.Checks), nil, nil))
	if diff := cmp.Diff(before, w.found()); diff != "" {
		t.Error(diff)
	}
}

// A check that is active no more is waited for no more.
func TestLandDropped(t *testing.T) {
	t.Parallel()
	w := examined(t, check.Enforce, check.Refer)
	w.must(w.Land(w.by(timer), faults(w.Checks, check.Down), nil, nil))
	w.must(w.Land(w.by(timer), nil, slices.Clone(w.Checks), nil))
	if len(w.found()) != 0 || len(w.Checks) != 0 || !w.ChecksAt().IsZero() {
		t.Errorf("%v %v", w.found(), w.Checks)
	}
}

// New papers are looked at anew, and nothing is checked after the decision.
func TestChecksAgain(t *testing.T) {
	t.Parallel()
	w := examined(t, check.Enforce, check.Refer)
	w.must(w.Land(w.by(timer), answers(w.Checks), nil, nil))
	w.must(w.RequestSupplement(w.by(lead), []casework.Ask{{Review: w.Reviews[0].ID, Text: "补平面图"}}, w.due()))
	w.must(w.Attach(w.by(applicant), casework.AttachInput{Material: "plan", File: casework.File{Name: "a.pdf", SHA256: "00"}}))
	if w.ChecksAt().IsZero() {
		t.Error("a new paper is not looked at")
	}
	w.must(w.Withdraw(w.by(applicant), ""))
	if !w.ChecksAt().IsZero() {
		t.Error("a withdrawn case is still checked")
	}
	d := open(t, w.ev)
	if !d.ChecksAt().IsZero() {
		t.Error("a draft is checked")
	}
}

// A shadow that is given up takes nothing away that was found in force.
func TestADroppedShadowTakesNothingAway(t *testing.T) {
	t.Parallel()
	w := examined(t, check.Enforce, check.Refer)
	w.must(w.Land(w.by(timer), answers(w.Checks), nil, nil))
	before := w.found()
	shadow := pending("exits", check.Shadow, check.Refer, "C-FIR-002")
	shadow.NextAt = w.now
	w.Checks = append(w.Checks, shadow)
	w.must(w.Land(w.by(timer), nil, []check.Run{shadow}, nil))
	if diff := cmp.Diff(before, w.found()); diff != "" || len(before) == 0 || len(w.Checks) != 1 {
		t.Errorf("%v: %s", w.Checks, diff)
	}
}

// Another policy speaks at once, though the fault is the same.
func TestLandUnderAnotherPolicy(t *testing.T) {
	t.Parallel()
	w := examined(t, check.Enforce, check.Refer)
	w.must(w.Land(w.by(timer), faults(w.Checks, check.Down), nil, nil))
	changed := faults(w.Checks, check.Down)
	changed[0].Policy = check.Proceed
	w.must(w.Land(w.by(timer), changed, nil, nil))
	if len(w.found()) != 0 {
		t.Errorf("under PROCEED there is %v", w.found())
	}
}
