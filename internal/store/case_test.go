package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

var (
	zhang  = viewer.Viewer{Subject: "zhang", Role: viewer.Applicant}
	wang   = viewer.Viewer{Subject: "wang", Role: viewer.Window}
	cityEx = map[string]any{"use_area": 180, "fuel": "natural_gas", "drains_to_sewer": true, "zone": "commercial"}
)

// office is a desk over a real database, with the shipped catalogue and a clock
// that the test sets.
type office struct {
	*casework.Desk
	t     *testing.T
	store *store.Store
	mu    sync.Mutex
	time  time.Time
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.time = o.time.Add(time.Millisecond)
	return o.time
}

func (o *office) later(days int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.time = o.time.AddDate(0, 0, days)
}

func newOffice(t *testing.T, s *store.Store) *office {
	t.Helper()
	importPack(t, s, jiangbei(t), now)
	c, err := s.Catalogue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, store: s, time: time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC)}
	o.Desk = &casework.Desk{Cases: s, Notices: s, Files: nowhere{}, Checks: check.None{}, Book: guide.NewBook(c), Now: o.now, Random: rand.Reader}
	return o
}

// nowhere is where these tests keep files: they attach none.
type nowhere struct{}

func (nowhere) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, errors.New("no file is kept here")
}

func (nowhere) Save(context.Context, string, io.Reader) (casework.File, error) {
	return casework.File{}, errors.New("no file is kept here")
}

func as(t *testing.T, v viewer.Viewer) context.Context { return viewer.With(t.Context(), v) }

func reviewer(department string) viewer.Viewer {
	return viewer.Viewer{Subject: "officer of " + department, Role: viewer.Reviewer, Department: department}
}

func (o *office) must(id string, err error) string {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	return id
}

func (o *office) load(id string) *casework.Case {
	o.t.Helper()
	found, err := o.store.Load(o.t.Context(), []string{id})
	if err != nil || len(found) != 1 {
		o.t.Fatalf("Load: %d cases, %v", len(found), err)
	}
	return found[0]
}

func (o *office) accepted() string {
	o.t.Helper()
	id := o.must(o.Open(as(o.t, zhang), casework.OpenInput{Scheme: "catering", Facts: cityEx}))
	o.must(o.Submit(as(o.t, zhang), id, casework.Order{}))
	return o.must(o.Accept(as(o.t, wang), id, casework.Order{}, nil))
}

// events reads a case's events as who sees all cases.
func (o *office) events(id string) []*ent.Event {
	o.t.Helper()
	row, err := o.store.Client().CaseFile.Get(as(o.t, wang), id)
	if err != nil {
		o.t.Fatal(err)
	}
	all, err := row.QueryEvents().All(as(o.t, wang))
	if err != nil {
		o.t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b *ent.Event) int { return a.Position - b.Position })
	return all
}

// A case read back is the case that was kept, in every part of its life.
func TestACaseComesBackWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		var kept casework.Case
		keep := func(c *casework.Case, _ casework.By) error {
			kept = *c
			return nil
		}
		same := func(what, id string) {
			t.Helper()
			// Read under the lock of one command, compare with what the last one left.
			o.must(o.Do(as(t, wang), "case", id, casework.Order{}, keep))
			got := *o.load(id)
			got.Events, kept.Events = nil, nil
			if diff := cmp.Diff(kept, got); diff != "" {
				t.Errorf("%s (-kept +read):\n%s", what, diff)
			}
		}
		id := o.accepted()
		same("accepted", id)
		c := o.load(id)
		if c.State != casework.InReview || len(c.Reviews) < 4 || len(c.Materials) == 0 || c.Number == "" {
			t.Fatalf("%s with %d reviews and %d materials", c.State, len(c.Reviews), len(c.Materials))
		}
		first := c.Reviews[slices.IndexFunc(c.Reviews, func(r casework.Review) bool { return r.State == casework.Open })]
		officer := as(t, reviewer(first.Department))
		why := []casework.Reason{{Clause: "C-FIR-001", Text: "平面图不清"}}
		o.must(o.Do(officer, "review", first.ID, casework.Order{}, func(c *casework.Case, by casework.By) error {
			return c.GiveOpinion(by, first.ID, casework.Dissent, why)
		}))
		lead := as(t, reviewer(c.Lead))
		o.must(o.Do(lead, "case", id, casework.Order{}, func(c *casework.Case, by casework.By) error {
			return c.RequestSupplement(by, []casework.Ask{{Review: first.ID, Text: "补平面图"}}, workday.DateOf(o.now()).AddDays(5))
		}))
		same("asked", id)
		o.must(o.Do(as(t, zhang), "case", id, casework.Order{}, func(c *casework.Case, by casework.By) error { return c.Supply(by) }))
		c = o.load(id)
		if r := c.Reviews[slices.IndexFunc(c.Reviews, func(r casework.Review) bool { return r.ID == first.ID })]; r.Opinion != casework.Dissent || !r.AnsweredAt.IsZero() || r.State != casework.Open || len(r.Pauses) != 1 {
			t.Errorf("after the supplement the review is %s with opinion %q and pauses %v", r.State, r.Opinion, r.Pauses)
		}
		same("supplied", id)
		events := o.events(id)
		for i, e := range events {
			if e.Position != i+1 || e.Seq == nil {
				t.Fatalf("event %d has position %d and place %v", i, e.Position, e.Seq)
			}
		}
		if len(events) != c.EventCount {
			t.Errorf("%d events, counted %d", len(events), c.EventCount)
		}
	})
}

// Of 50 clients that act on the same version one wins; the others are told STALE
// and the current version.
func TestOneWinnerPerVersion(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		id := o.accepted()
		lead := as(t, reviewer(o.load(id).Lead))
		for range 3 {
			version := o.load(id).Version
			results := make([]error, 50)
			var all sync.WaitGroup
			for i := range results {
				all.Go(func() {
					_, results[i] = o.Do(lead, "case", id, casework.Order{Expected: version}, func(c *casework.Case, by casework.By) error {
						return c.PlaceHold(by, casework.DecisionMilestone, fmt.Sprint("核实 ", i))
					})
				})
			}
			all.Wait()
			won := 0
			for _, err := range results {
				var f *fault.Error
				switch {
				case err == nil:
					won++
				case !errors.As(err, &f) || f.Code != fault.Stale || f.Version != version+1:
					t.Errorf("a loser was told %v", err)
				}
			}
			if won != 1 || o.load(id).Version != version+1 {
				t.Errorf("%d winners, version %d after %d", won, o.load(id).Version, version)
			}
		}
	})
}

// A retried request has its effect once, and another request under its key none.
func TestOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		again := func(v viewer.Viewer, key, request string) context.Context {
			return viewer.WithOnce(as(t, v), viewer.Once{Key: key, Request: request})
		}
		open := func(ctx context.Context) (string, error) {
			return o.Open(ctx, casework.OpenInput{Scheme: "catering", Facts: cityEx})
		}
		ids := make([]string, 20)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				id, err := open(again(zhang, "k1", "a"))
				if err != nil {
					t.Error(err)
				}
				ids[i] = id
			})
		}
		all.Wait()
		if slices.Sort(ids); ids[0] != ids[19] {
			t.Errorf("retries made several cases: %v", slices.Compact(ids))
		}
		if _, err := open(again(zhang, "k1", "b")); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("another request under the key: %v", err)
		}
		o.must(o.Submit(again(zhang, "k2", "c"), ids[0], casework.Order{Expected: 1}))
		number := o.load(ids[0]).Number
		o.must(o.Submit(again(zhang, "k2", "c"), ids[0], casework.Order{Expected: 1}))
		if c := o.load(ids[0]); c.Number != number || c.Version != 2 {
			t.Errorf("a retry made %s of %s, version %d", c.Number, number, c.Version)
		}
		// A refused request leaves no key: mended, it may use it again.
		if _, err := o.Accept(again(zhang, "k3", "d"), ids[0], casework.Order{}, nil); fault.CodeOf(err) != fault.Denied {
			t.Errorf("the applicant accepted: %v", err)
		}
		o.must(o.Accept(again(wang, "k3", "e"), ids[0], casework.Order{}, nil))
		if err := s.SaveAnswer(t.Context(), viewer.Once{Key: "k4", Request: "f"}, []byte("first")); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveAnswer(t.Context(), viewer.Once{Key: "k4", Request: "f"}, []byte("second")); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Answer(t.Context(), viewer.Once{Key: "k4", Request: "f"}); err != nil || string(got) != "first" {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// A command that fails in the middle leaves nothing.
func TestARefusedCommandLeavesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		id := o.accepted()
		before, events := o.load(id), o.events(id)
		_, err := o.Do(as(t, wang), "case", id, casework.Order{}, func(c *casework.Case, _ casework.By) error {
			c.State, c.Version = casework.Granted, 99
			c.Reviews[0].State = casework.Answered
			c.Events = append(c.Events, casework.Event{ID: "evt_x_1", Kind: "bad"})
			return errors.New("no")
		})
		if err == nil {
			t.Fatal("the command did not fail")
		}
		if diff := cmp.Diff(before, o.load(id)); diff != "" || len(o.events(id)) != len(events) {
			t.Errorf("something was left: %s", diff)
		}
	})
}

// The events of many writers get one sequence without a gap, in the order of
// each case.
func TestTheSequenceHasNoGap(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 5 {
					id, err := o.Open(as(t, zhang), casework.OpenInput{Scheme: "catering", Facts: cityEx})
					if err == nil {
						_, err = o.Submit(as(t, zhang), id, casework.Order{})
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		events, err := s.Client().Event.Query().All(as(t, wang))
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(events, func(a, b *ent.Event) int { return int(*a.Seq - *b.Seq) })
		last := map[string]int{}
		for i, e := range events {
			if *e.Seq != int64(i+1) {
				t.Fatalf("place %d is %d", i+1, *e.Seq)
			}
			if e.Position != last[e.CaseID]+1 {
				t.Fatalf("case %s: event %d comes after %d", e.CaseID, e.Position, last[e.CaseID])
			}
			last[e.CaseID] = e.Position
		}
		if len(events) != 80 {
			t.Errorf("%d events", len(events))
		}
	})
}

// What the database shows a viewer is what the core says that the viewer sees.
func TestRowRulesAreTheCoresRules(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		li := viewer.Viewer{Subject: "li", Role: viewer.Agent}
		ids := []string{
			o.accepted(),
			o.must(o.Open(as(t, zhang), casework.OpenInput{Scheme: "catering", Facts: cityEx, Region: "cicheng-town"})),
			o.must(o.Open(as(t, li), casework.OpenInput{Item: "biz-reg", Facts: map[string]any{}, Applicant: "zhao", Mandate: "M-1"})),
			o.must(o.Open(as(t, wang), casework.OpenInput{Item: "biz-reg", Facts: map[string]any{}, Applicant: "qian", Region: "cicheng-town"})),
		}
		o.must(o.Submit(as(t, li), ids[2], casework.Order{}))
		o.must(o.Submit(as(t, wang), ids[3], casework.Order{}))
		viewers := []viewer.Viewer{{}, zhang, li, wang, reviewer("samr"), reviewer("fire"), reviewer("nobody"),
			{Subject: "x", Role: viewer.Applicant}, {Subject: "zhang", Role: viewer.Agent}, {Subject: "zhang", Role: viewer.Legal}}
		for _, role := range []viewer.Role{viewer.Window, viewer.Coordinator, viewer.Supervisor, viewer.Integrator, viewer.Admin} {
			for _, region := range []string{"", "cicheng-town", "330205", "waitan"} {
				viewers = append(viewers, viewer.Viewer{Subject: "o", Role: role, Region: region, Within: o.Book.Current().RegionsIn(region)})
			}
		}
		seen := 0
		for _, v := range viewers {
			for _, id := range ids {
				want := o.load(id).Sees(v)
				n, err := s.Client().CaseFile.Query().Where().Count(as(t, v))
				if err != nil || n > len(ids) {
					t.Fatalf("%d, %v", n, err)
				}
				_, err = s.Client().CaseFile.Get(as(t, v), id)
				if got := err == nil; got != want {
					t.Errorf("%+v sees %s: database %v, core %v", v, id, got, want)
				}
				if want {
					seen++
					continue
				}
				_, err = o.Do(as(t, v), "case", id, casework.Order{}, func(*casework.Case, casework.By) error { return nil })
				if code := fault.CodeOf(err); code != fault.NotFound && !v.Anonymous() {
					t.Errorf("%+v commands a case that it does not see: %v", v, err)
				}
			}
			events, err := s.Client().Event.Query().All(as(t, v))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if !o.load(e.CaseID).Sees(v) {
					t.Errorf("%+v sees an event of %s", v, e.CaseID)
				}
			}
		}
		if seen == 0 {
			t.Error("nobody sees anything")
		}
	})
}

// Time passes: silence accepts as of the receipt; what is done is not done again.
func TestTimers(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		id := o.must(o.Open(as(t, zhang), casework.OpenInput{Scheme: "catering", Facts: cityEx}))
		o.must(o.Submit(as(t, zhang), id, casework.Order{}))
		run := func(want int) {
			t.Helper()
			var all sync.WaitGroup
			for range 4 { // as many instances
				all.Go(func() {
					if _, err := o.RunTimers(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if n, err := o.RunTimers(t.Context()); err != nil || n != want {
				t.Errorf("%d cases looked after again, %v", n, err)
			}
		}
		o.later(7) // Monday 9 March: the fifth working day
		run(0)
		if c := o.load(id); c.State != casework.Submitted {
			t.Fatalf("%s on the last day", c.State)
		}
		o.later(1)
		run(0)
		c := o.load(id)
		if c.State != casework.InReview || workday.DateOf(c.AcceptedAt).String() != "2026-03-02" {
			t.Fatalf("%s as of %s", c.State, c.AcceptedAt)
		}
		deemed := 0
		for _, e := range o.events(id) {
			if e.Kind == string(casework.ActDeemAccepted) {
				deemed++
			}
		}
		if deemed != 1 {
			t.Errorf("accepted by silence %d times", deemed)
		}
	})
}

// A calendar that changes moves the dates of living cases and says so.
func TestANewCalendarMovesDates(t *testing.T) {
	onBoth(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		id := o.accepted()
		before := o.load(id)
		m := jiangbei(t)
		replace(t, m, "holidays.yaml", "- date: '2026-04-04'\n", "- date: '2026-03-11'\n        name: 清明节\n      - date: '2026-04-04'\n")
		importPack(t, s, m, now)
		c, err := s.Catalogue(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o.Book.Replace(c)
		if _, err := o.RunTimers(t.Context()); err != nil {
			t.Fatal(err)
		}
		after := o.load(id)
		if after.Dates.Statutory != before.Dates.Statutory.AddDays(1) && !after.Dates.Statutory.After(before.Dates.Statutory) {
			t.Errorf("the statutory limit ends on %s, before on %s", after.Dates.Statutory, before.Dates.Statutory)
		}
		told := slices.DeleteFunc(o.events(id), func(e *ent.Event) bool { return e.Kind != string(casework.ActMoveDates) })
		if len(told) != 1 || len(told[0].Data["moved"].([]any)) == 0 {
			t.Errorf("told what moved: %v", told)
		}
		if n, err := o.RunTimers(t.Context()); n != 0 || err != nil {
			t.Errorf("%d cases moved again, %v", n, err)
		}
	})
}
