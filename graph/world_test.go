package graph_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Who acts in these tests.
var (
	ouyang = viewer.Viewer{Subject: "欧阳明", Role: viewer.Applicant}
	wang   = viewer.Viewer{Subject: "wang", Role: viewer.Window}
)

func reviewer(department string) viewer.Viewer {
	return viewer.Viewer{Subject: "officer-" + department, Role: viewer.Reviewer, Department: department}
}

// restaurant is a hot-pot restaurant of 180 m² on a commercial street.
var restaurant = map[string]any{"zone": "commercial", "use_area": 180, "floor_area": 220, "drains_to_sewer": true}

// dice are random numbers that are the same in every run.
type dice struct {
	mu  sync.Mutex
	src *rand.ChaCha8
}

func (d *dice) Read(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.src.Read(p)
}

// shelf keeps no file but says what it was.
type shelf struct{}

func (shelf) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, errors.New("the shelf keeps no file")
}

func (shelf) Save(_ context.Context, name string, content io.Reader) (casework.File, error) {
	text, err := io.ReadAll(content)
	sum := sha256.Sum256(text)
	return casework.File{Key: "k", Name: name, Type: "application/pdf", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}, err
}

// clock is set by hand and moves on by a second with every look until it is
// stopped.
type clock struct {
	mu   sync.Mutex
	time time.Time
	step time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(c.step)
	return c.time
}

func (c *clock) set(at time.Time, step time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time, c.step = at, step
}

// office is the desk of these tests.
type office struct {
	*casework.Desk
	drafts *drafting.Desk
	t      *testing.T
	store  *store.Store
	clock  *clock
	draft  string // of a standard, submitted
}

func newOffice(t *testing.T, s *store.Store, book *guide.Book) *office {
	o := &office{t: t, store: s, clock: &clock{time: now}}
	o.Desk = &casework.Desk{Cases: s, Notices: s, Files: shelf{}, Checks: check.None{}, Book: book, Now: o.clock.now, Random: &dice{src: rand.NewChaCha8([32]byte{1})}}
	o.drafts = &drafting.Desk{Shelf: s, Catalog: s, Cases: s, Book: book, Now: o.clock.now, Random: o.Random, Refresh: func(ctx context.Context) error {
		c, err := s.Catalogue(ctx)
		if err == nil {
			book.Replace(c)
		}
		return err
	}}
	return o
}

func (o *office) as(v viewer.Viewer) context.Context { return viewer.With(o.t.Context(), v) }

func (o *office) must(id string, err error) string {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
	return id
}

// review gives the identity of the review of an item.
func (o *office) review(id, item string) string {
	o.t.Helper()
	cases, err := o.Cases.Load(o.t.Context(), []string{id})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, r := range cases[0].Reviews {
		if r.Item == item {
			return r.ID
		}
	}
	o.t.Fatalf("%s has no review of %s", id, item)
	return ""
}

// play makes the cases of the golden queries: a restaurant in review, a draft
// from a notice, and a registration at the window.
func (o *office) play() {
	o.t.Helper()
	o.clock.set(now.AddDate(0, 0, -10), time.Second)
	free := casework.Order{}
	id := o.must(o.Open(o.as(ouyang), casework.OpenInput{Scheme: "catering", Facts: restaurant, Region: "waitan"}))
	o.must(o.Attach(o.as(ouyang), id, free, o.material(id), "", "plan.pdf", strings.NewReader("a plan")))
	o.must(o.Submit(o.as(ouyang), id, free))
	o.clock.set(now.AddDate(0, 0, -7), time.Second)
	o.must(o.Accept(o.as(wang), id, free, nil))
	drains := o.review(id, "drain-permit")
	o.must(o.Do(o.as(reviewer("drain")), "review", drains, free, func(c *casework.Case, by casework.By) error { return c.OpenCopyNotice(by, drains) }))
	o.clock.set(now.AddDate(0, 0, -4), time.Second)
	o.must(o.Do(o.as(reviewer("drain")), "review", drains, free, func(c *casework.Case, by casework.By) error {
		return c.StartSpecialProcedure(by, casework.ProcedureInput{Review: drains, Kind: casework.ExpertReview, Days: 2, Basis: law.Basis{Law: "行政许可法", Article: "第45条"}})
	}))
	o.must(o.Do(o.as(viewer.Viewer{Subject: "sun", Role: viewer.Supervisor}), "case", id, free, func(c *casework.Case, by casework.By) error {
		return c.PlaceHold(by, casework.DecisionMilestone, "核查举报")
	}))

	o.clock.set(now.AddDate(0, 0, -1), time.Second)
	o.must(o.Open(o.as(viewer.Viewer{Subject: "li", Role: viewer.Applicant}), casework.OpenInput{Scheme: "catering", Facts: map[string]any{"use_area": 60}}))
	third := o.must(o.Open(o.as(wang), casework.OpenInput{Item: "biz-reg", Applicant: "张三", Facts: map[string]any{"industry": "catering"}}))
	o.must(o.Submit(o.as(wang), third, free))
	// A standard under work: one more clause, submitted.
	o.clock.set(now.AddDate(0, 0, -1), time.Second)
	draft := o.must(o.drafts.Write(o.as(reviewer("eco")), free, drafting.Writing{Code: "eia-register", Reason: "试行规范排烟", Edits: []drafting.Edit{{
		Clause: "C-NEW-1", Requires: pointerTo(pointerTo("facts.exterior_duct == true")), Fields: map[string]any{
			"department": "eco", "category": "环保", "kind": "condition", "text": "商业街餐饮项目应设室外烟管", "text_en": "Restaurants on a commercial street have an external duct.",
			"applies_when": `facts.industry == "catering" && facts.zone == "commercial"`, "basis": []any{map[string]any{"law": "大气污染防治法", "article": "第81条"}},
		}}}}))
	o.must(o.drafts.Submit(o.as(reviewer("eco")), draft, free))
	o.draft = draft
	o.clock.set(now, 0)
}

func pointerTo[T any](v T) *T { return &v }

// material gives the code of the first paper that a case asks of the applicant.
func (o *office) material(id string) string {
	o.t.Helper()
	cases, err := o.Cases.Load(o.t.Context(), []string{id})
	if err != nil {
		o.t.Fatal(err)
	}
	for _, m := range cases[0].Materials {
		if m.Source == guide.FromApplicant {
			return m.Code
		}
	}
	o.t.Fatalf("%s asks for nothing", id)
	return ""
}

// crowd opens n registrations, all in review.
func (o *office) crowd(n int) {
	o.t.Helper()
	for range n {
		id := o.must(o.Open(o.as(wang), casework.OpenInput{Item: "biz-reg", Applicant: "many", Facts: map[string]any{"industry": "catering"}}))
		o.must(o.Submit(o.as(wang), id, casework.Order{}))
		o.must(o.Accept(o.as(wang), id, casework.Order{}, nil))
	}
}
