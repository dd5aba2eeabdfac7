package graph_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

var (
	qualityOfficer = viewer.Viewer{Subject: "li", Role: viewer.Quality}
	legalOfficer   = viewer.Viewer{Subject: "qian", Role: viewer.Legal}
	coordinator    = viewer.Viewer{Subject: "sun", Role: viewer.Coordinator}
)

// ripe drafts a clause that shops smaller than 100 m² do not meet, and takes it
// through both reviews.
func (o *office) ripe(t *testing.T) string { return o.ripeWith(t, 100) }

// ripeWith is ripe with another area.
func (o *office) ripeWith(t *testing.T, area int) string {
	t.Helper()
	free := casework.Order{}
	id := o.must(o.drafts.Write(o.as(reviewer("samr")), free, drafting.Writing{Code: "biz-reg", Reason: "试行面积要求", Edits: []drafting.Edit{{
		Clause: "C-NEW-2", Requires: pointerTo(pointerTo(fmt.Sprintf("facts.use_area >= %d.0", area))), Fields: map[string]any{
			"department": "samr", "category": "登记", "kind": "condition", "text": "餐饮场所面积不小于一百平方米", "applies_when": `facts.industry == "catering"`,
			"basis": []any{map[string]any{"law": "市场主体登记管理条例"}},
		}}}}))
	o.must(o.drafts.Submit(o.as(reviewer("samr")), id, free))
	o.must(o.drafts.ReviewDraft(o.as(qualityOfficer), id, free, drafting.ReviewInput{Kind: drafting.QualityReview, Outcome: drafting.Pass}))
	o.must(o.drafts.ReviewDraft(o.as(legalOfficer), id, free, drafting.ReviewInput{Kind: drafting.LegalityReview, Outcome: drafting.Pass}))
	return id
}

// registered opens a registration and accepts it.
func (o *office) registered(t *testing.T, area float64) string {
	t.Helper()
	id := o.must(o.Open(o.as(wang), casework.OpenInput{Item: "biz-reg", Applicant: "张三", Facts: map[string]any{"industry": "catering", "use_area": area}}))
	o.must(o.Submit(o.as(wang), id, casework.Order{}))
	o.must(o.Accept(o.as(wang), id, casework.Order{}, nil))
	return id
}

// granted takes a registration to its end.
func (o *office) granted(t *testing.T, area float64) string {
	t.Helper()
	id := o.registered(t, area)
	review := o.review(id, "biz-reg")
	samr := o.as(reviewer("samr"))
	o.must(o.GiveOpinion(samr, review, casework.Order{}, casework.Consent, nil))
	o.must(o.Do(samr, "case", id, casework.Order{}, func(c *casework.Case, by casework.By) error { return c.Decide(by, casework.Grant, nil) }))
	return id
}

// Closed cases are judged anew under a draft: those that it would treat otherwise
// are listed. A run goes on where it stopped, and can be given up.
func TestImpactRun(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		o := a.office
		small := o.granted(t, 60)
		o.granted(t, 200)
		o.granted(t, 150)
		draft := o.ripe(t)
		ask := func(v viewer.Viewer, query string, into any) {
			t.Helper()
			answer, _ := a.askAs(t, v, query, nil)
			var got struct {
				Data   json.RawMessage
				Errors []json.RawMessage
			}
			if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.Errors) > 0 {
				t.Fatalf("%v: %s", err, answer)
			}
			if err := json.Unmarshal(got.Data, into); err != nil {
				t.Fatal(err)
			}
		}
		type run struct {
			ID, State                    string
			Total, Seen, Judged, Flipped int
			Progress                     float64
			Flips                        []struct {
				Case, Before, After string
				Clauses             []struct {
					Clause        string
					Before, After *string
				}
			}
		}
		const fields = `id state total seen judged flipped progress flips { case before after clauses { clause before after } }`
		var started struct{ StartImpactRun struct{ Run run } }
		ask(legalOfficer, fmt.Sprintf(`mutation { startImpactRun(input: {draft: %q}) { run { %s } } }`, draft, fields), &started)
		r := started.StartImpactRun.Run
		if r.State != "PENDING" || r.Total != 3 || r.Progress != 0 {
			t.Errorf("asked for: %+v", r)
		}
		if err := o.drafts.RunImpacts(t.Context()); err != nil {
			t.Fatal(err)
		}
		var done struct{ ImpactRun run }
		ask(legalOfficer, fmt.Sprintf(`{ impactRun(id: %q) { %s } }`, r.ID, fields), &done)
		r = done.ImpactRun
		if r.State != "DONE" || r.Judged != 3 || r.Flipped != 1 || r.Progress != 1 || len(r.Flips) != 1 {
			t.Fatalf("done: %+v", r)
		}
		if f := r.Flips[0]; f.Case != small || f.After != "FAIL" || f.Before == "FAIL" || len(f.Clauses) != 1 || f.Clauses[0].Clause != "C-NEW-2" || f.Clauses[0].Before != nil || *f.Clauses[0].After != "FAIL" {
			t.Errorf("the flip: %+v", f)
		}

		// Half of the cases, and given up.
		id := o.must(o.drafts.StartRun(o.as(legalOfficer), draft, 2))
		if err := o.drafts.RunImpacts(t.Context()); err != nil {
			t.Fatal(err)
		}
		sampled, err := o.store.Run(t.Context(), id)
		if err != nil || sampled.Judged != 2 || sampled.Seen != 3 || sampled.Stride != 2 {
			t.Errorf("sampled: %+v, %v", sampled, err)
		}
		id = o.must(o.drafts.StartRun(o.as(legalOfficer), draft, 0))
		o.must(o.drafts.CancelRun(o.as(legalOfficer), id))
		if err := o.drafts.RunImpacts(t.Context()); err != nil {
			t.Fatal(err)
		}
		if cancelled, err := o.store.Run(t.Context(), id); err != nil || cancelled.State != drafting.RunCancelled || cancelled.Judged != 0 {
			t.Errorf("cancelled: %+v, %v", cancelled, err)
		}
		if answer, _ := a.ask(t, fmt.Sprintf(`{ impactRun(id: %q) { id } }`, id), nil); !strings.Contains(answer, `"impactRun": null`) {
			t.Errorf("anybody sees the run: %s", answer)
		}
	})
}

// A case stays with the versions that it was accepted under until somebody moves
// it, with a reason.
func TestACaseIsMovedToANewVersion(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		o := a.office
		id := o.registered(t, 60)
		draft := o.ripe(t)
		look, err := o.drafts.Publish(o.as(coordinator), draft, casework.Order{}, workday.Date{})
		if err != nil {
			t.Fatal(err)
		}
		if len(look.Refusals) != 0 {
			t.Fatalf("refusals: %+v", look.Refusals)
		}
		failing := func() bool {
			t.Helper()
			cases, err := o.Cases.Load(t.Context(), []string{id})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range cases[0].Reviews[0].Findings {
				if f.Clause == "C-NEW-2" && f.Verdict == casework.Fail && f.Version == 2 {
					return true
				}
			}
			return false
		}
		o.must(o.RerunChecks(o.as(reviewer("samr")), id, casework.Order{}))
		if failing() {
			t.Error("a rerun has moved the case to the new version")
		}
		answer, _ := a.askAs(t, reviewer("samr"), fmt.Sprintf(`mutation { repinCase(input: {case: %q, reason: ""}) { case { id } } }`, id), nil)
		if !strings.Contains(answer, `"REQUIRED"`) {
			t.Errorf("moved without a reason: %s", answer)
		}
		answer, _ = a.askAs(t, reviewer("samr"), fmt.Sprintf(`mutation { repinCase(input: {case: %q, reason: "申请人同意"}) { case { standards { code version } events(last: 1) { edges { node { kind data } } } } } }`, id), nil)
		for _, want := range []string{`"version": 2`, `"kind": "repinCase"`, `"reason": "申请人同意"`} {
			if !strings.Contains(answer, want) {
				t.Errorf("the answer has no %s: %s", want, answer)
			}
		}
		if !failing() {
			t.Error("the case is not judged by the new clause")
		}
		o.must(o.RerunChecks(o.as(reviewer("samr")), id, casework.Order{}))
		if !failing() {
			t.Error("a rerun has moved the case back")
		}
	})
}

// Two publications of one standard: the second is of a version that is no more
// the last, and is refused.
func TestADraftOfAnOldVersionIsNotPublished(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		o := a.office
		first, second := o.ripe(t), o.ripe(t)
		if _, err := o.drafts.Publish(o.as(coordinator), first, casework.Order{}, workday.Date{}); err != nil {
			t.Fatal(err)
		}
		if _, err := o.drafts.Publish(o.as(coordinator), second, casework.Order{}, workday.Date{}); err == nil || !strings.Contains(err.Error(), "new version") {
			t.Errorf("the second was published: %v", err)
		}
		// What is published exports as the pack that an import finds unchanged.
		pack, err := o.store.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done, err := o.store.Import(t.Context(), pack, now)
		if err != nil || done.Published != 0 || done.Closed != 0 {
			t.Errorf("an import of the export publishes %d and ends %d: %v", done.Published, done.Closed, err)
		}
	})
}

// A version that another comes before is never in force: it is superseded, not
// scheduled.
func TestAVersionThatNeverComesIsSuperseded(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		o := a.office
		for _, days := range []int{20, 10} {
			if _, err := o.drafts.Publish(o.as(coordinator), o.ripeWith(t, days), casework.Order{}, workday.DateOf(now).AddDays(days)); err != nil {
				t.Fatal(err)
			}
		}
		got, _ := a.ask(t, `{ standard(code: "biz-reg") { history { version state } } }`, nil)
		for _, want := range []string{`"version":3,"state":"SCHEDULED"`, `"version":2,"state":"SUPERSEDED"`, `"version":1,"state":"IN_FORCE"`} {
			if !strings.Contains(strings.Join(strings.Fields(got), ""), want) {
				t.Errorf("%s is not in %s", want, got)
			}
		}
	})
}
