package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// bureau is the desk of standards under work over a database with the shipped
// pack.
type bureau struct {
	*drafting.Desk
	t     *testing.T
	store *store.Store
	at    time.Time
}

func newBureau(t *testing.T, s *store.Store) *bureau {
	t.Helper()
	importPack(t, s, jiangbei(t), now)
	c, err := s.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &bureau{t: t, store: s, at: now}
	book := guide.NewBook(c)
	b.Desk = &drafting.Desk{Shelf: s, Catalog: s, Cases: s, Book: book, Now: func() time.Time { return b.at }, Random: rand.Reader, Refresh: func(ctx context.Context) error {
		c, err := s.Catalogue(ctx)
		if err == nil {
			book.Replace(c)
		}
		return err
	}}
	return b
}

func (b *bureau) must(id string, err error) string {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

var (
	free     = casework.Order{}
	quality  = viewer.Viewer{Subject: "li", Role: viewer.Quality}
	legal    = viewer.Viewer{Subject: "zhao", Role: viewer.Legal}
	bodyA    = viewer.Viewer{Subject: "qian", Role: viewer.Coordinator}
	bodyB    = viewer.Viewer{Subject: "sun", Role: viewer.Coordinator}
	someLaw  = []law.Basis{{Law: "行政许可法", Article: "第16条"}}
	tomorrow = workday.DateOf(now).AddDays(1)
)

// publish takes a draft through both reviews and publishes it.
func (b *bureau) publish(id string, from workday.Date) error {
	b.t.Helper()
	d, err := b.store.Draft(b.t.Context(), id)
	if err != nil {
		return err
	}
	by := reviewer(d.Department)
	if d.Coordination != "" {
		by = bodyA
	}
	b.must(b.Submit(as(b.t, by), id, free))
	b.must(b.ReviewDraft(as(b.t, quality), id, free, drafting.ReviewInput{Kind: drafting.QualityReview, Outcome: drafting.Pass}))
	b.must(b.ReviewDraft(as(b.t, legal), id, free, drafting.ReviewInput{Kind: drafting.LegalityReview, Outcome: drafting.Pass}))
	_, err = b.Publish(as(b.t, bodyB), id, free, from)
	return err
}

// A version that is still to come is in force on its day and not before; a pack
// that is imported meanwhile ends it.
func TestPublishedFromADayOn(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		id := b.must(b.Write(as(t, reviewer("samr")), free, drafting.Writing{Code: "biz-reg", Reason: "提速", Fields: map[string]any{"note": "当日办结"}}))
		if err := b.publish(id, tomorrow); err != nil {
			t.Fatal(err)
		}
		version := func(day workday.Date) int {
			_, v, _ := b.Book.Current().Item("biz-reg", day)
			return v
		}
		if got := []int{version(workday.DateOf(now)), version(tomorrow)}; !slices.Equal(got, []int{1, 2}) {
			t.Errorf("in force today and tomorrow: %v", got)
		}
		note := func(day workday.Date) string {
			pack, err := s.ExportOn(t.Context(), day)
			if err != nil {
				t.Fatal(err)
			}
			return pack.Standard("biz-reg").Item.Value.Note
		}
		if note(tomorrow) != "当日办结" || note(workday.DateOf(now)) == "当日办结" {
			t.Errorf("exported: today %q, tomorrow %q", note(workday.DateOf(now)), note(tomorrow))
		}
		done := importPack(t, s, jiangbei(t), now)
		if done.Published != 1 || done.Closed != 1 {
			t.Errorf("the import: %+v", done)
		}
		if err := b.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := []int{version(workday.DateOf(now)), version(tomorrow)}; !slices.Equal(got, []int{3, 3}) {
			t.Errorf("after the import: %v", got)
		}
	})
}

// A new standard is drafted whole, as a pack spells it; two that publish at once
// do not both win.
func TestANewStandard(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		const whole = `
items:
  - id: fume-filing
    name: 油烟净化设施备案
    department: eco
    type: 备案
    basis: [{law: 大气污染防治法, article: 第81条}]
    time: {statutory: 0, unit: workday, extension: null, promised: 1}
    needed_when: facts.industry == "catering" && facts.produces_fume
    preconditions: []
    materials: []
    obligations: []
    stops_clock: []
    result: {name: 备案回执, validity_years: null}
    fee: {amount: 0}
    commitment: {mode: none, verify_within_workdays: null}
clauses:
  - id: C-FUME-1
    item: fume-filing
    department: eco
    category: 环保
    kind: condition
    text: 应安装油烟净化设施
    applies_when: facts.produces_fume
    requires: facts.fume_purifier
    evidence: []
    promisable: true
    basis: [{law: 大气污染防治法, article: 第81条}]
`
		if _, err := b.Write(as(t, reviewer("fire")), free, drafting.Writing{YAML: whole, Reason: "新设"}); fault.CodeOf(err) != fault.Denied {
			t.Errorf("another department's: %v", err)
		}
		id := b.must(b.Write(as(t, reviewer("eco")), free, drafting.Writing{YAML: whole, Reason: "新设"}))
		if err := b.publish(id, workday.Date{}); err != nil {
			t.Fatal(err)
		}
		g, err := b.Book.Current().Compute(guide.Input{Item: "fume-filing", Facts: map[string]any{"industry": "catering", "produces_fume": true, "fume_purifier": false}, AsOf: workday.DateOf(now)})
		if err != nil || len(g.Clauses) != 1 || g.Clauses[0].Met.String() != "FALSE" {
			t.Errorf("the guide: %+v, %v", g, err)
		}
		pack, err := s.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if done, err := s.Import(t.Context(), pack, now); err != nil || done.Published+done.Closed != 0 {
			t.Errorf("an import of the export: %+v, %v", done, err)
		}
	})
}

// A repeal ends a standard; what others need cannot be repealed.
func TestRepeal(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		if _, err := b.Write(as(t, reviewer("samr")), free, drafting.Writing{Code: "biz-reg", Reason: "废止", Repeal: true}); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("what others wait for: %v", err)
		}
		held, err := s.InForce(t.Context(), "catering")
		if err != nil {
			t.Fatal(err)
		}
		id := b.must(b.Write(as(t, reviewer(held.Content.Department())), free, drafting.Writing{Code: "catering", Reason: "废止", Repeal: true}))
		if err := b.publish(id, tomorrow); err != nil {
			t.Fatal(err)
		}
		if _, ok := b.Book.Current().Scheme("catering", 1); !ok {
			t.Error("the version itself is gone")
		}
		for day, want := range map[workday.Date]bool{workday.DateOf(now): true, tomorrow: false} {
			_, err := b.Book.Current().Compute(guide.Input{Scheme: "catering", Facts: map[string]any{}, AsOf: day})
			if (err == nil) != want {
				t.Errorf("on %s: %v", day, err)
			}
		}
	})
}

// find looks for a finding by what it is about.
func (b *bureau) find(kind conflict.Kind, clauses, items []string) (drafting.Found, bool) {
	b.t.Helper()
	a, err := b.Analyse(as(b.t, legal), drafting.Question{Kinds: []conflict.Kind{kind}})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range a.Findings {
		has := func(all, want []string) bool {
			return !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(all, w) })
		}
		if has(f.Clauses, clauses) && has(f.Items, items) && (len(clauses) == 0 || len(f.Clauses) == len(clauses)) {
			return f, true
		}
	}
	return drafting.Found{}, false
}

// Every kind of ruling settles a real conflict of the shipped pack: what it
// patches is published, and the conflict is gone; siting says where not to go.
func TestEveryKindOfRuling(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		for _, c := range []struct {
			name    string
			kind    conflict.Kind
			clauses []string
			items   []string
			ruling  drafting.Ruling
		}{
			{"exception", conflict.Contradiction, []string{"C-CON-015", "C-CON-016"}, nil, drafting.Ruling{Kind: drafting.Exception, Clause: "C-CON-015", When: `facts.basement_forbidden`}},
			{"alternative path", conflict.Contradiction, []string{"C-BTH-006", "C-BTH-007"}, nil, drafting.Ruling{Kind: drafting.AlternativePath, Clause: "C-BTH-006", Demand: "facts.stack_height <= facts.plan_height_limit"}},
			{"joint minutes on a circle", conflict.Cycle, nil, []string{"change-use", "fire-accept"}, drafting.Ruling{Kind: drafting.JointMinutes, Item: "change-use", Before: "fire-accept"}},
			{"the stricter reading yields", conflict.Duplicate, []string{"C-ENT-008", "C-ENT-009"}, nil, drafting.Ruling{Kind: drafting.Yields, Clause: "C-ENT-008", To: "C-ENT-009"}},
			{"siting", conflict.Contradiction, []string{"C-ENV-004", "C-PLN-013"}, nil, drafting.Ruling{Kind: drafting.Siting, Scheme: "catering", Zone: "core"}},
		} {
			found, ok := b.find(c.kind, c.clauses, c.items)
			if !ok {
				t.Errorf("%s: nothing is found", c.name)
				continue
			}
			id := b.must(b.Open(as(t, bodyA), free, drafting.OpenInput{Finding: found.ID}))
			b.must(b.CallMeeting(as(t, bodyA), id, free, workday.DateOf(now)))
			b.must(b.RecordMeeting(as(t, bodyA), id, free, found.Departments[:1], "一致"))
			c.ruling.Text, c.ruling.Basis = c.name, someLaw
			if c.ruling.Kind == drafting.Siting { // the conflict is not there
				for _, elsewhere := range [][2]string{{"bathing", "style"}, {"catering", "rural"}} {
					wrong := c.ruling
					wrong.Scheme, wrong.Zone = elsewhere[0], elsewhere[1]
					if _, _, err := b.Rule(as(t, bodyA), id, free, wrong); err == nil || !strings.Contains(err.Error(), "NOT_THERE") {
						t.Errorf("siting %v: %v", elsewhere, err)
					}
				}
			}
			_, made, err := b.Rule(as(t, bodyA), id, free, c.ruling)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			for _, draft := range made {
				if err := b.publish(draft, workday.Date{}); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			after, err := b.Coordination(as(t, legal), id)
			if err != nil || after.State != drafting.CoordinationSettled {
				t.Errorf("%s: %s with %d drafts, %v", c.name, after.State, len(made), err)
			}
			again, still := b.find(c.kind, found.Clauses, found.Items)
			if still && again.ID == found.ID && again.Severity == conflict.Refuse && c.ruling.Kind != drafting.Siting {
				t.Errorf("%s: it is still found", c.name)
			}
			if c.ruling.Kind == drafting.Siting && (again.Ruling == nil || again.Ruling.Number != after.Number || again.Severity != conflict.Warn) {
				t.Errorf("%s: the finding does not name its ruling: %+v", c.name, again.Ruling)
			}
		}
		// Nothing is recorded of a ruling that does not settle it.
		found, ok := b.find(conflict.Contradiction, nil, nil)
		if !ok {
			return
		}
		id := b.must(b.Open(as(t, bodyA), free, drafting.OpenInput{Finding: found.ID}))
		b.must(b.CallMeeting(as(t, bodyA), id, free, workday.DateOf(now)))
		b.must(b.RecordMeeting(as(t, bodyA), id, free, found.Departments[:1], "一致"))
		_, _, err := b.Rule(as(t, bodyA), id, free, drafting.Ruling{Kind: drafting.Exception, Clause: found.Clauses[0], When: "false", Text: "t", Basis: someLaw})
		var f *fault.Error
		if !errors.As(err, &f) || !strings.Contains(f.Error(), "NOT_SETTLED") {
			t.Errorf("a ruling that settles nothing: %v", err)
		}
		if c, err := b.Coordination(as(t, legal), id); err != nil || c.State != drafting.CoordinationOpen {
			t.Errorf("afterwards it is %v, %v", c.State, err)
		}
	})
}

// An edit of a clause is analysed as a draft with the same edit is, finding for
// finding; and a bad one is refused as in a draft.
func TestAnEditIsAnalysedAsADraft(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		text := func(s string) **string { p := &s; return &p }
		added := map[string]any{"item": "eia-register", "department": "eco", "category": "环保", "kind": "condition", "text": "试行",
			"applies_when": `facts.industry == "catering" && facts.zone == "core"`, "basis": []any{map[string]any{"law": "大气污染防治法"}}}
		for _, e := range []drafting.Edit{
			{Clause: "C-ENV-004", Requires: text("facts.exterior_duct")},
			{Clause: "C-ENV-004", Fields: map[string]any{"applies_when": `facts.zone == "core" && facts.zone == "style"`}},
			{Clause: "C-PLN-013", Requires: text("true")},
			{Clause: "C-NEW-1", Requires: text("facts.exterior_duct"), Fields: added},
			{Clause: "C-ENV-004", Remove: true},
		} {
			code, department, asked := "site-check", "eco", e.Clause
			if e.Clause == "C-PLN-013" {
				department = "nrp"
			}
			if e.Clause == "C-NEW-1" {
				code = "eia-register"
			}
			if e.Remove {
				asked = ""
			}
			edited, err := b.Analyse(as(t, legal), drafting.Question{Edit: &e})
			if err != nil {
				t.Errorf("%s: %v", e.Clause, err)
				continue
			}
			id := b.must(b.Write(as(t, reviewer(department)), free, drafting.Writing{Code: code, Reason: "试行", Edits: []drafting.Edit{e}}))
			drafted, err := b.Analyse(as(t, legal), drafting.Question{Draft: id, Clause: asked})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(drafted.Findings, edited.Findings); diff != "" || drafted.Digest != edited.Digest {
				t.Errorf("%s (-draft +edit):\n%s", e.Clause, diff)
			}
			b.must(b.Withdraw(as(t, reviewer(department)), id, free, "试毕"))
		}
		for want, e := range map[string]drafting.Edit{
			"edit.requires":   {Clause: "C-ENV-004", Requires: text("facts.floor_area >= true")},
			"edit.department": {Clause: "C-ENV-004", Fields: map[string]any{"department": "nobody"}},
			"edit.text":       {Clause: "C-ENV-004", Fields: map[string]any{"text": ""}},
			"edit.id":         {Clause: "C-HTL-001", Requires: text("true"), Fields: map[string]any{"item": "site-check"}},
			"edit.clause":     {Clause: "C-NOT-THERE", Requires: text("true")},
		} {
			_, err := b.Analyse(as(t, legal), drafting.Question{Edit: &e})
			var f *fault.Error
			if !errors.As(err, &f) || f.Code != fault.Invalid || f.Problems[0].Path != want {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
}

// A ruling is refused when its patches could not be published.
func TestARulingMakesNoConflict(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		found, ok := b.find(conflict.Contradiction, []string{"C-CON-015", "C-CON-016"}, nil)
		if !ok {
			t.Fatal("it is not found")
		}
		id := b.must(b.Open(as(t, bodyA), free, drafting.OpenInput{Finding: found.ID}))
		b.must(b.CallMeeting(as(t, bodyA), id, free, workday.DateOf(now)))
		b.must(b.RecordMeeting(as(t, bodyA), id, free, found.Departments[:1], "一致"))
		for name, r := range map[string]drafting.Ruling{
			"an exception that leaves nothing": {Kind: drafting.Exception, Clause: "C-CON-015", When: "facts.defence_basement > 0.0"},
			"a demand that nobody can meet":    {Kind: drafting.Merge, Clause: "C-CON-016", To: "C-CON-015", Demand: "facts.defence_basement < 0.0"},
		} {
			r.Text, r.Basis = name, someLaw
			if _, _, err := b.Rule(as(t, bodyA), id, free, r); err == nil || !strings.Contains(err.Error(), "NEW_CONFLICT") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Drafts that repeal have the same empty content, and yet each is analysed as what
// it is: as by a desk that remembers nothing.
func TestRepealsAreAnalysedApart(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		seen := map[string]bool{}
		for _, h := range b.Book.Current().HeldSchemes(workday.DateOf(now).String())[:4] {
			id := b.must(b.Write(as(t, reviewer(h.Scheme.Lead)), free, drafting.Writing{Code: h.Scheme.Code, Reason: "试行", Repeal: true}))
			q := drafting.Question{Draft: id, Kinds: []conflict.Kind{conflict.Duplicate}}
			got, err := b.Analyse(as(t, legal), q)
			if err != nil {
				t.Fatal(err)
			}
			fresh := drafting.Desk{Shelf: s, Catalog: s, Cases: s, Book: b.Book, Now: b.Now, Random: b.Random}
			want, err := fresh.Analyse(as(t, legal), q)
			if err != nil {
				t.Fatal(err)
			}
			if got.Digest != want.Digest {
				t.Errorf("the repeal of %s is analysed as another one", h.Scheme.Code)
			}
			seen[got.Digest] = true
		}
		if len(seen) < 2 {
			t.Error("all repeals say the same: the test has shown nothing")
		}
	})
}

// A conflict that a draft makes is ruled on under the draft: the draft itself is
// patched, by whoever ruled, and reviewed anew.
func TestARulingPatchesTheDraftItself(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		b := newBureau(t, s)
		clause := func(code, when, requires string) drafting.Edit {
			r := &requires
			return drafting.Edit{Clause: code, Requires: &r, Fields: map[string]any{"department": "eco", "category": "环保", "kind": "condition", "text": code,
				"applies_when": when, "basis": []any{map[string]any{"law": "大气污染防治法"}}}}
		}
		id := b.must(b.Write(as(t, reviewer("eco")), free, drafting.Writing{Code: "eia-register", Reason: "试行", Edits: []drafting.Edit{
			clause("C-NEW-1", `facts.industry == "catering" && facts.zone == "rural"`, "facts.exterior_duct == true"),
			clause("C-NEW-2", `facts.industry == "catering" && facts.zone == "rural" && facts.use_area > 50.0`, "facts.exterior_duct == false"),
		}}))
		if err := b.publish(id, workday.Date{}); fault.CodeOf(err) != fault.Conflict {
			t.Fatalf("published over a contradiction: %v", err)
		}
		a, err := b.Analyse(as(t, legal), drafting.Question{Draft: id})
		if err != nil {
			t.Fatal(err)
		}
		k := slices.IndexFunc(a.Findings, func(f drafting.Found) bool { return slices.Equal(f.Clauses, []string{"C-NEW-1", "C-NEW-2"}) })
		if k < 0 {
			t.Fatal("the analysis with the draft does not find it")
		}
		c := b.must(b.Open(as(t, legal), free, drafting.OpenInput{Finding: a.Findings[k].ID, Draft: id}))
		b.must(b.StatePosition(as(t, reviewer("eco")), c, free, "两款并存", nil))
		open, err := b.Coordination(as(t, legal), c)
		if err != nil {
			t.Fatal(err)
		}
		if gone, _, err := b.Gone(t.Context(), open); err != nil || gone {
			t.Errorf("before the ruling it is gone: %v, %v", gone, err)
		}
		_, made, err := b.Rule(as(t, bodyA), c, free, drafting.Ruling{Kind: drafting.Merge, Clause: "C-NEW-2", To: "C-NEW-1", Text: "合并", Basis: someLaw})
		if err != nil || !slices.Equal(made, []string{id}) {
			t.Fatalf("made %v, %v", made, err)
		}
		d, err := s.Draft(t.Context(), id)
		if err != nil || d.State != drafting.InDraft || d.Coordination != c || !slices.Equal(d.Drafters, []string{"officer of eco", "qian"}) {
			t.Errorf("the draft is %s of %s by %v, %v", d.State, d.Coordination, d.Drafters, err)
		}
		if err := b.publish(id, workday.Date{}); err != nil {
			t.Fatal(err)
		}
		if after, err := s.Coordination(t.Context(), c); err != nil || after.State != drafting.CoordinationSettled {
			t.Errorf("it is %v, %v", after.State, err)
		}
	})
}
