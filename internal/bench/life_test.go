package bench_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/testservices"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

func TestMain(m *testing.M) { testservices.Main(m) }

// lastWeek is the Monday of the week in which the youngest generated cases were
// opened.
var lastWeek = time.Date(2026, 11, 16, 0, 30, 0, 0, time.UTC)

// prepare opens a database and brings schema and catalogue into it.
func prepare(ctx context.Context, databaseURL string) (*store.Store, *guide.Book, error) {
	s, err := store.Open(ctx, databaseURL)
	if err != nil {
		return nil, nil, err
	}
	book, err := func() (*guide.Book, error) {
		if err := s.Migrate(ctx); err != nil {
			return nil, err
		}
		pack, err := catalog.Read(catalog.Jiangbei())
		if err != nil {
			return nil, err
		}
		if _, err := s.Import(ctx, pack, lastWeek.AddDate(-3, 0, 0)); err != nil {
			return nil, err
		}
		c, err := s.Catalogue(ctx)
		return guide.NewBook(c), err
	}()
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, book, nil
}

// noFiles is where these cases keep files: they have none.
type noFiles struct{}

func (noFiles) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, errors.New("no file is kept here")
}

func (noFiles) Save(context.Context, string, io.Reader) (casework.File, error) {
	return casework.File{}, errors.New("no file is kept here")
}

// players play all who have a part in a case. Each look at their clock moves it
// on by 40 minutes.
type players struct {
	*casework.Desk
	ctx  context.Context
	time time.Time
}

func newPlayers(ctx context.Context, cases casework.Cases, notices guide.Notices, book *guide.Book) *players {
	p := &players{ctx: ctx}
	p.Desk = &casework.Desk{Cases: cases, Notices: notices, Files: noFiles{}, Checks: check.None{}, Book: book, Random: rand.Reader, Now: func() time.Time {
		p.time = p.time.Add(40 * time.Minute)
		return p.time
	}}
	return p
}

// end is where a life ends.
type end string

const (
	drafted       end = "drafted"
	submitted     end = "submitted"
	withdrawn     end = "withdrawn"
	refused       end = "refused"
	inReview      end = "in review"
	halfway       end = "halfway"
	supplementing end = "supplementing"
	granted       end = "granted"
	supplemented  end = "supplemented, then granted"
	denied        end = "denied"
)

// living says that a case of such a life is not decided.
func (e end) living() bool {
	return slices.Contains([]end{drafted, submitted, inReview, halfway, supplementing}, e)
}

var windowClerk = viewer.Viewer{Subject: "window-01", Role: viewer.Window}

func officer(department string) viewer.Viewer {
	return viewer.Viewer{Subject: "officer-" + department, Role: viewer.Reviewer, Department: department}
}

// live plays a case from its opening to an end and gives its identity.
func (p *players) live(opened time.Time, project casework.OpenInput, e end) (string, error) {
	p.time = opened
	as := func(v viewer.Viewer) context.Context { return viewer.With(p.ctx, v) }
	owner := as(viewer.Viewer{Subject: project.Applicant, Role: viewer.Applicant})
	id, err := p.Open(owner, project)
	if err != nil {
		return "", err
	}
	do := func(ctx context.Context, command casework.CaseCommand) {
		if err == nil {
			_, err = p.Do(ctx, "case", id, casework.Order{}, command)
		}
	}
	load := func() *casework.Case {
		if err != nil {
			return &casework.Case{}
		}
		var found []*casework.Case
		if found, err = p.Cases.Load(p.ctx, []string{id}); err == nil && len(found) == 1 {
			return found[0]
		}
		err = errors.Join(err, fmt.Errorf("%d cases %s", len(found), id))
		return &casework.Case{}
	}
	why := []casework.Reason{{Clause: "C-FIR-017", Text: "经审查，申请材料与现场情况不符，不符合规定条件"}}
	if e == drafted {
		return id, nil
	}
	if _, err = p.Submit(owner, id, casework.Order{}); err != nil || e == submitted {
		return id, err
	}
	if e == withdrawn {
		do(owner, func(c *casework.Case, by casework.By) error { return c.Withdraw(by, "项目调整") })
		return id, err
	}
	if e == refused {
		do(as(windowClerk), func(c *casework.Case, by casework.By) error { return c.Refuse(by, casework.Refused, why) })
		return id, err
	}
	if _, err = p.Accept(as(windowClerk), id, casework.Order{}, nil); err != nil || e == inReview {
		return id, err
	}
	asked := false
	for round := 0; err == nil; round++ {
		c := load()
		k := slices.IndexFunc(c.Reviews, func(r casework.Review) bool { return r.State == casework.Open })
		if k < 0 || e == halfway && round >= (len(c.Reviews)+1)/2 {
			break
		}
		r := c.Reviews[k]
		by := as(officer(r.Department))
		if r.CopyOpenedAt.IsZero() {
			do(by, func(c *casework.Case, by casework.By) error { return c.OpenCopyNotice(by, r.ID) })
		}
		if (e == supplementing || e == supplemented) && !asked {
			asked = true
			do(as(officer(c.Lead)), func(c *casework.Case, by casework.By) error {
				return c.RequestSupplement(by, []casework.Ask{{Review: r.ID, Text: "请补充平面布置图"}}, workday.DateOf(p.time).AddDays(10))
			})
			if e == supplementing {
				return id, err
			}
			do(owner, func(c *casework.Case, by casework.By) error { return c.Supply(by) })
		}
		do(by, func(c *casework.Case, by casework.By) error {
			if e == denied && round == 0 {
				return c.GiveOpinion(by, r.ID, casework.Dissent, why)
			}
			return c.GiveOpinion(by, r.ID, casework.Consent, nil)
		})
	}
	if e == halfway || err != nil {
		return id, err
	}
	lead := as(officer(load().Lead))
	do(lead, func(c *casework.Case, by casework.By) error {
		if e == denied {
			return c.Decide(by, casework.Deny, why)
		}
		return c.Decide(by, casework.Grant, nil)
	})
	do(as(windowClerk), func(c *casework.Case, by casework.By) error { return c.Deliver(by) })
	return id, err
}

// projects are the samples of the pack, and single items.
func projects() ([]casework.OpenInput, error) {
	type sample struct {
		Scheme string
		Facts  map[string]any
	}
	var samples struct{ Samples []sample }
	text, err := fs.ReadFile(catalog.Jiangbei(), "samples.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &samples)
	}
	if err != nil {
		return nil, err
	}
	var all []casework.OpenInput
	for _, s := range samples.Samples {
		all = append(all, casework.OpenInput{Scheme: s.Scheme, Facts: s.Facts})
	}
	for _, item := range []string{"biz-reg", "food-permit", "hygiene-permit", "fire-gathering", "eia-form", "drain-permit", "ad-large", "tobacco"} {
		all = append(all, casework.OpenInput{Item: item, Facts: samples.Samples[0].Facts})
	}
	return all, nil
}
