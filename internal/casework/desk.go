package casework

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// Cases keeps cases. A change is kept whole, with its events, or not at all.
// Where the context carries a viewer.Once whose effect was had before, Create
// and Update do nothing and succeed; the same key with another request is
// CONFLICT.
type Cases interface {
	// Create keeps a new case and gives its identity, or that of the case that
	// the same request made before.
	Create(ctx context.Context, c *Case) (id string, err error)
	// Update locks a case, lets change alter it, and keeps what it has become. A
	// case that is not there is NOT_FOUND.
	Update(ctx context.Context, id string, change func(c *Case) error) error
	// Load reads cases in the order of their identities, without their events;
	// those that are not there are left out.
	Load(ctx context.Context, ids []string) ([]*Case, error)
	// Numbered finds the identity of the case with a number; "" when there is none.
	Numbered(ctx context.Context, number string) (id string, err error)
	// ChecksDue lists cases that have checks to be run by now, the longest due
	// first.
	ChecksDue(ctx context.Context, now time.Time, limit int) (ids []string, err error)
	// Due lists cases on which a timer has work on the day, the longest overdue
	// first; Outdated those whose dates were found by another calendar.
	Due(ctx context.Context, today workday.Date, limit int) (ids []string, err error)
	Outdated(ctx context.Context, calendar string, limit int) (ids []string, err error)
}

// Desk takes the commands of the public API (窗口): it gathers the evidence that
// a command needs, checks that the viewer may see the case, and lets the case
// decide. It holds nothing.
type Desk struct {
	Cases   Cases
	Notices guide.Notices
	Files   Files
	Checks  check.Runner // of departments' plugins
	Book    *guide.Book
	Now     func() time.Time
	Random  io.Reader // for numbers that cannot be guessed
}

// Order is what every command on a case carries.
type Order struct {
	Expected   int       // the version that the client has seen; 0: any
	OccurredAt time.Time // zero: now; earlier days are flagged as late entries
}

// Sees says whether a viewer may see a case. Whoever may not is told that there
// is none. A draft is the applicant's and the window's alone.
func (c *Case) Sees(v viewer.Viewer) bool {
	if v.Anonymous() {
		return false
	}
	switch v.Role {
	case viewer.Applicant:
		return v.Subject == c.Applicant
	case viewer.Agent:
		return v.Subject == c.Agent
	case viewer.Reviewer:
		concerned := c.Lead == v.Department || slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Department == v.Department })
		return concerned && c.State != Draft && v.Covers(c.Region)
	case viewer.Window:
		return v.Covers(c.Region)
	case viewer.Coordinator, viewer.Supervisor, viewer.Integrator, viewer.Admin:
		return v.Covers(c.Region) && c.State != Draft
	}
	return false
}

// ActorOf gives the part of a viewer in a case.
func (c *Case) ActorOf(v viewer.Viewer) Actor {
	a := Actor{Subject: v.Subject, Role: v.Role, Department: v.Department}
	if TheAgent.is(c, a) {
		a.OnBehalfOf, a.Mandate = c.Applicant, c.Mandate
	}
	return a
}

func (d *Desk) calendar() (*workday.Calendar, error) {
	cal, ok := d.Book.Current().Calendar("")
	if !ok {
		return nil, fault.New(fault.Unavailable, "casework.calendar", "目录里没有工作日历，无法计算期限", "the catalogue has no calendar, so no limit can be counted")
	}
	return cal, nil
}

// find gives the identity of the case that a client names: by number, by
// identity, by the number of a draft, or by a part such as a review.
func (d *Desk) find(ctx context.Context, path, name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", fault.InvalidInput("casework.find", required(path))
	}
	if key, ok := strings.CutPrefix(name, DraftNumber); ok {
		return ref.Case(key), nil
	}
	if id := ref.CaseOf(name); id != "" {
		return id, nil
	}
	id, err := d.Cases.Numbered(ctx, name)
	if err == nil && id == "" {
		err = notFound()
	}
	return id, err
}

// DraftNumber begins the number of a case that has none yet.
const DraftNumber = "DRAFT-"

// Named gives the number of a case, or of its draft.
func Named(id, number string) string {
	if number != "" {
		return number
	}
	return DraftNumber + strings.TrimPrefix(id, ref.Case(""))
}

func notFound() error {
	return fault.New(fault.NotFound, "casework.find", "没有这个办件", "there is no such case")
}

func signIn(v viewer.Viewer) error {
	if v.Anonymous() {
		return fault.New(fault.Unauthenticated, "casework.signIn", "请先登录", "please sign in")
	}
	return nil
}

// do runs a command on the case that name names.
func (d *Desk) do(ctx context.Context, path, name string, o Order, command func(c *Case, by By, cal *workday.Calendar) error) (string, error) {
	v := viewer.From(ctx)
	if err := signIn(v); err != nil {
		return "", err
	}
	id, err := d.find(ctx, path, name)
	if err != nil {
		return "", err
	}
	cal, err := d.calendar()
	if err != nil {
		return "", err
	}
	due := false
	err = d.Cases.Update(ctx, id, func(c *Case) error {
		if !c.Sees(v) {
			return notFound()
		}
		by := By{Actor: c.ActorOf(v), RecordedAt: d.Now(), OccurredAt: o.OccurredAt, Version: o.Expected}
		if err := command(c, by, cal); err != nil {
			return err
		}
		due = len(c.due(by.RecordedAt)) > 0
		_, err := c.Recalculate(cal, workday.DateOf(by.RecordedAt))
		return err
	})
	if err == nil && due {
		_ = d.examine(ctx, id) // so that who asked sees the findings; RunChecks does what fails here
	}
	return id, err
}

// peek loads a case to gather evidence for a command on it. The command judges
// everything again under the lock.
func (d *Desk) peek(ctx context.Context, name string) (*Case, error) {
	v := viewer.From(ctx)
	if err := signIn(v); err != nil {
		return nil, err
	}
	id, err := d.find(ctx, "case", name)
	if err != nil {
		return nil, err
	}
	found, err := d.Cases.Load(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || !found[0].Sees(v) {
		return nil, notFound()
	}
	return found[0], nil
}

// gather computes what a project is judged under on a day. pins hold an accepted
// case to its versions.
func (d *Desk) gather(ctx context.Context, c *Case, facts map[string]any, day workday.Date) (Evidence, error) {
	book := d.Book.Current()
	g, err := book.Compute(c.question(facts, day))
	if err != nil {
		return Evidence{}, err
	}
	lead := g.Items[0].Item.Department
	if g.Scheme != nil {
		s, _ := book.Scheme(g.Scheme.Code, g.Scheme.Version)
		lead = s.Lead
	}
	preset := c.Preset
	if !c.accepted() {
		if preset, err = d.preset(book, c.Scheme); err != nil {
			return Evidence{}, err
		}
	}
	ev := Gather(g, lead, preset)
	ev.Checks, ev.Question = asks(ev.Needs, d.Checks.Active()), questionOf(g, book)
	if c.Notice == "" {
		return ev, nil
	}
	// The notice is a contract: for the facts that it was given for, nothing is
	// asked that it does not name.
	n, err := d.Notices.Notice(ctx, c.Notice)
	if err != nil {
		return Evidence{}, err
	}
	told, err := guide.Read(n.Document)
	if err != nil {
		return Evidence{}, err
	}
	if sameFacts(told.Facts, g.Facts) {
		ev.Materials = Gather(told, lead, preset).Materials
	}
	return ev, nil
}

// question is what a guide is asked about the case with these facts.
func (c *Case) question(facts map[string]any, today workday.Date) guide.Input {
	return guide.Input{Scheme: c.Scheme, Item: c.Item, Region: c.Region, Facts: facts, AsOf: c.judgedOn(today), Pins: c.pins()}
}

// judgedOn is the day by whose law the case is judged: that of its acceptance or
// of its last move to other versions, and today before it.
func (c *Case) judgedOn(today workday.Date) workday.Date {
	switch {
	case !c.JudgedOn.IsZero():
		return c.JudgedOn
	case c.accepted():
		return workday.DateOf(c.AcceptedAt)
	}
	return today
}

// pins are the versions that an accepted case is held to.
func (c *Case) pins() map[string]int {
	if !c.accepted() {
		return nil
	}
	pins := map[string]int{}
	for _, p := range c.Standards {
		pins[p.Code] = p.Version
	}
	return pins
}

func sameFacts(a, b map[string]any) bool {
	return maps.EqualFunc(a, b, func(x, y any) bool { return reflect.DeepEqual(x, y) || fmt.Sprint(x) == fmt.Sprint(y) })
}

// preset finds how a scheme decides jointly: its own rule, the district's
// default, or the strict one.
func (d *Desk) preset(book *guide.Catalogue, scheme string) (Preset, error) {
	for _, code := range []string{scheme, "default", PresetSection} {
		if rule, ok := book.Rule(PresetSection, code); ok && code != "" {
			return ReadPreset(rule)
		}
	}
	return StrictPreset(), nil
}

// OpenInput opens a case: from a notice, or from a scheme or item and facts.
type OpenInput struct {
	Scheme, Item, Applicant, Region, Notice, Mandate string
	Facts                                            map[string]any
	OccurredAt                                       time.Time
}

// Open opens a draft and gives its identity.
func (d *Desk) Open(ctx context.Context, in OpenInput) (string, error) {
	v := viewer.From(ctx)
	if err := signIn(v); err != nil {
		return "", err
	}
	if err := d.fromNotice(ctx, &in); err != nil {
		return "", err
	}
	if v.Role == viewer.Applicant && in.Applicant == "" {
		in.Applicant = v.Subject
	}
	now := d.Now()
	key, err := ref.NewKey(now, d.Random)
	if err != nil {
		return "", err
	}
	o := Opening{ID: ref.Case(key), Scheme: in.Scheme, Item: in.Item, Applicant: in.Applicant, Mandate: in.Mandate, Region: in.Region, Notice: in.Notice, Facts: in.Facts}
	if v.Role == viewer.Agent {
		o.Agent = v.Subject
	}
	draft := &Case{ID: o.ID, Scheme: o.Scheme, Item: o.Item, Region: o.Region, Notice: o.Notice, Applicant: o.Applicant, Agent: o.Agent, Dossier: Dossier{Mandate: o.Mandate}}
	if o.Evidence, err = d.gather(ctx, draft, in.Facts, workday.DateOf(now)); err != nil {
		return "", err
	}
	c, err := New(By{Actor: draft.ActorOf(v), RecordedAt: now, OccurredAt: in.OccurredAt}, o)
	if err != nil {
		return "", err
	}
	if !c.Sees(v) {
		return "", fault.New(fault.Denied, "casework.openCase", "办件不在您的区域内", "the case lies outside of your region")
	}
	return d.Cases.Create(ctx, c)
}

// fromNotice fills in what the notice says. What the input says too must agree.
func (d *Desk) fromNotice(ctx context.Context, in *OpenInput) error {
	if in.Notice == "" {
		return nil
	}
	n, err := d.Notices.Notice(ctx, in.Notice)
	if fault.CodeOf(err) == fault.NotFound {
		return fault.InvalidInput("casework.openCase", problem("notice", "UNKNOWN_NOTICE", "没有告知书 "+in.Notice, "there is no notice "+in.Notice))
	}
	if err != nil {
		return err
	}
	g, err := guide.Read(n.Document)
	if err != nil {
		return err
	}
	scheme := ""
	if g.Scheme != nil {
		scheme = g.Scheme.Code
	}
	var found []fault.Problem
	agree := func(path string, given *string, told string) {
		if *given != "" && *given != told {
			found = append(found, problem(path, "NOT_AS_NOTICED", "与告知书不符："+told, "the notice says "+told))
		}
		*given = told
	}
	agree("scheme", &in.Scheme, scheme)
	agree("item", &in.Item, g.Item)
	agree("region", &in.Region, g.Region)
	if in.Facts == nil {
		in.Facts = g.Facts
	}
	return invalid(EventOpened, found...)
}

// errMoved says that a case has changed since its evidence was gathered.
var errMoved = errors.New("the case has changed since")

// judged runs a command with evidence that is gathered outside of the lock: for
// the case as it was seen, and again when it has changed in between. So nothing
// is pinned that belongs to other facts.
func (d *Desk) judged(ctx context.Context, name string, o Order, gather func(seen *Case) (Evidence, error), command func(c *Case, by By, ev Evidence, cal *workday.Calendar) error) (string, error) {
	for range 10 {
		seen, err := d.peek(ctx, name)
		if err != nil {
			return "", err
		}
		ev, err := gather(seen)
		if err != nil {
			return "", err
		}
		id, err := d.do(ctx, "case", name, o, func(c *Case, by By, cal *workday.Calendar) error {
			if c.Version != seen.Version {
				return errMoved
			}
			return command(c, by, ev, cal)
		})
		if !errors.Is(err, errMoved) {
			return id, err
		}
	}
	return "", fault.New(fault.Unavailable, "casework.judged", "办件正被频繁更改，请重试", "the case keeps changing; try again")
}

// today is the day on the desk's own clock.
func (d *Desk) today() workday.Date { return workday.DateOf(d.Now()) }

// asItIs gathers evidence for the facts that the case has.
func (d *Desk) asItIs(ctx context.Context, day workday.Date) func(seen *Case) (Evidence, error) {
	return func(seen *Case) (Evidence, error) { return d.gather(ctx, seen, seen.Facts, day) }
}

// Change sets the facts of a case.
func (d *Desk) Change(ctx context.Context, name string, o Order, facts map[string]any) (string, error) {
	return d.judged(ctx, name, o,
		func(seen *Case) (Evidence, error) { return d.gather(ctx, seen, facts, d.today()) },
		func(c *Case, by By, ev Evidence, _ *workday.Calendar) error { return c.Change(by, facts, ev) })
}

// Attach streams a file to the store of files and adds it to a material.
func (d *Desk) Attach(ctx context.Context, name string, o Order, material string, trust Trust, fileName string, content io.Reader) (string, error) {
	seen, err := d.peek(ctx, name)
	if err != nil {
		return "", err
	}
	in := AttachInput{Material: material, Trust: trust}
	by := By{Actor: seen.ActorOf(viewer.From(ctx)), RecordedAt: d.Now(), OccurredAt: o.OccurredAt, Version: o.Expected}
	if _, again := viewer.OnceFrom(ctx); !again { // a retry may come when the case has gone on
		if err := seen.MayAttach(by, in); err != nil {
			return "", err
		}
	}
	if in.File, err = d.Files.Save(ctx, fileName, content); err != nil {
		return "", err
	}
	return d.do(ctx, "case", name, o, func(c *Case, by By, _ *workday.Calendar) error { return c.Attach(by, in) })
}

// Submit hands the application in.
func (d *Desk) Submit(ctx context.Context, name string, o Order) (string, error) {
	number, err := ref.NewNumber("BJ", d.today().String(), d.Random)
	if err != nil {
		return "", err
	}
	code, err := ref.NewCode(d.Random, 8)
	if err != nil {
		return "", err
	}
	return d.judged(ctx, name, o,
		func(seen *Case) (Evidence, error) {
			ev, err := d.gather(ctx, seen, seen.Facts, d.today())
			if err == nil {
				err = d.demand(ctx, seen, ev)
			}
			return ev, err
		},
		func(c *Case, by By, ev Evidence, _ *workday.Calendar) error { return c.Submit(by, number, code, ev) })
}

// Accept accepts the application and copies it to all concerned.
func (d *Desk) Accept(ctx context.Context, name string, o Order, tolerate []string) (string, error) {
	day := d.today()
	if !o.OccurredAt.IsZero() {
		day = workday.DateOf(o.OccurredAt)
	}
	return d.judged(ctx, name, o, d.asItIs(ctx, day),
		func(c *Case, by By, ev Evidence, cal *workday.Calendar) error { return c.Accept(by, ev, tolerate, cal) })
}

// RerunChecks judges what is not answered anew.
func (d *Desk) RerunChecks(ctx context.Context, name string, o Order) (string, error) {
	return d.judged(ctx, name, o, d.asItIs(ctx, d.today()),
		func(c *Case, by By, ev Evidence, _ *workday.Calendar) error { return c.RerunChecks(by, ev) })
}

// Repin moves an accepted case to the versions of today.
func (d *Desk) Repin(ctx context.Context, name string, o Order, reason string) (string, error) {
	return d.judged(ctx, name, o,
		func(seen *Case) (Evidence, error) {
			free := *seen // from its pins and its day
			free.AcceptedAt, free.JudgedOn = time.Time{}, workday.Date{}
			return d.gather(ctx, &free, seen.Facts, d.today())
		},
		func(c *Case, by By, ev Evidence, _ *workday.Calendar) error { return c.Repin(by, ev, reason) })
}

// GiveOpinion answers a review. The clauses that a reason names are those of the
// catalogue.
func (d *Desk) GiveOpinion(ctx context.Context, review string, o Order, opinion Opinion, reasons []Reason) (string, error) {
	var found []fault.Problem
	for i, r := range reasons {
		if !blank(r.Clause) && !d.Book.Current().HasClause(r.Clause) {
			found = append(found, problem(fmt.Sprintf("reasons[%d].clause", i), "UNKNOWN_CLAUSE", "没有条款 "+r.Clause, "there is no clause "+r.Clause))
		}
	}
	if err := invalid(ActOpinion, found...); err != nil {
		return "", err
	}
	return d.Do(ctx, "review", review, o, func(c *Case, by By) error { return c.GiveOpinion(by, review, opinion, reasons) })
}

// AddInput adds a department to a live case: to review an item of the
// catalogue. Without a department it is the item's own.
type AddInput struct {
	Item, Department, Reason string
	Advisory                 bool
}

// AddDepartment adds a review to a live case. It is judged as an item that is
// applied for by name, so that its silence on safety of life is no consent.
func (d *Desk) AddDepartment(ctx context.Context, name string, o Order, in AddInput) (string, error) {
	return d.judged(ctx, name, o,
		func(seen *Case) (Evidence, error) { return d.added(seen, in) },
		func(c *Case, by By, ev Evidence, _ *workday.Calendar) error {
			return c.AddDepartment(by, ev.Needs[0], ev.Checks, in.Reason)
		})
}

// added is the one need of an item that is added to a case.
func (d *Desk) added(seen *Case, in AddInput) (Evidence, error) {
	book, day := d.Book.Current(), seen.judgedOn(d.today())
	var found []fault.Problem
	if _, _, ok := book.Item(in.Item, day); !ok {
		found = append(found, problem("item", "UNKNOWN_ITEM", "没有事项 "+in.Item, "there is no item "+in.Item))
	}
	if _, ok := book.Department(in.Department); in.Department != "" && !ok {
		found = append(found, problem("department", "UNKNOWN_DEPARTMENT", "没有部门 "+in.Department, "there is no department "+in.Department))
	}
	if err := invalid(ActAddDepartment, found...); err != nil {
		return Evidence{}, err
	}
	g, err := book.Compute(guide.Input{Item: in.Item, Region: seen.Region, Facts: seen.Facts, AsOf: day, Pins: seen.pins()})
	if err != nil {
		return Evidence{}, err
	}
	ev := Gather(g, "", seen.Preset)
	ev.Checks = asks(ev.Needs, d.Checks.Active())
	n := &ev.Needs[0]
	n.Binding = !in.Advisory
	if in.Department != "" {
		n.Department = in.Department
	}
	if s, ok := book.Scheme(seen.Scheme, seen.pins()[seen.Scheme]); ok { // the scheme's own order holds for it too
		for _, e := range s.Edges {
			reviewed := slices.ContainsFunc(seen.Reviews, func(r Review) bool { return r.Item == e.From && r.State != Released })
			if e.To == n.Item && e.Type == item.Hard && reviewed && !slices.Contains(n.After, e.From) {
				n.After = append(n.After, e.From)
			}
		}
	}
	return ev, nil
}

// CaseCommand is a command that needs no evidence but what the case holds.
type CaseCommand func(c *Case, by By) error

// Do runs a command on the case that name names: a number, an identity, or the
// identity of a part. path is where the client wrote it.
func (d *Desk) Do(ctx context.Context, path, name string, o Order, command CaseCommand) (string, error) {
	return d.do(ctx, path, name, o, func(c *Case, by By, _ *workday.Calendar) error { return command(c, by) })
}

// Extend prolongs a limit.
func (d *Desk) Extend(ctx context.Context, path, name string, o Order, in Extending) (string, error) {
	return d.do(ctx, path, name, o, func(c *Case, by By, cal *workday.Calendar) error { return c.Extend(by, in, cal) })
}

// platform is who acts when a timer does.
var platform = Actor{Subject: "onedoor", Role: RoleTimer}

// RunTimers does what time has made due: acceptance and consent by silence,
// missed dates, reminders, and dates that a new calendar has moved. It can be
// run at any moment, by any number of instances; what is done is not done again.
// It gives the number of cases that it has looked after.
func (d *Desk) RunTimers(ctx context.Context) (int, error) {
	cal, err := d.calendar()
	if err != nil {
		return 0, err
	}
	ctx = viewer.WithoutOnce(ctx)
	today := workday.DateOf(d.Now())
	on := func(change func(c *Case, by By) error) func(id string) error {
		return func(id string) error {
			return d.Cases.Update(ctx, id, func(c *Case) error { return change(c, By{Actor: platform, RecordedAt: d.Now()}) })
		}
	}
	moved, err := each(func(limit int) ([]string, error) { return d.Cases.Outdated(ctx, cal.Version(), limit) },
		on(func(c *Case, by By) error { return c.MoveDates(by, cal) }))
	ticked, failed := each(func(limit int) ([]string, error) { return d.Cases.Due(ctx, today, limit) },
		on(func(c *Case, by By) error {
			if _, err := c.Tick(by, cal); err != nil {
				return err
			}
			_, err := c.Recalculate(cal, today)
			return err
		}))
	return moved + ticked, errors.Join(err, failed)
}

// atOnce is how many cases one look for due work brings.
const atOnce = 100

// each does work on every case that list brings, until it brings none that was
// not tried. What fails waits for the next time, and does not stand in the way of
// the others.
func each(list func(limit int) ([]string, error), work func(id string) error) (done int, err error) {
	tried := map[string]bool{}
	var failed []error
	for {
		ids, err := list(atOnce + len(failed))
		if err != nil {
			return done, errors.Join(append(failed, err)...)
		}
		ids = slices.DeleteFunc(ids, func(id string) bool { return tried[id] })
		if len(ids) == 0 {
			return done, errors.Join(failed...)
		}
		for _, id := range ids {
			tried[id] = true
			if err := work(id); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", id, err))
				continue
			}
			done++
		}
	}
}
