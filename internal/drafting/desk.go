package drafting

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// Shelf keeps drafts and coordinations. A change is kept whole, with its events,
// or not at all. What is not there is NOT_FOUND. Where the context carries a
// viewer.Once whose effect was had before, nothing is done and all succeeds.
type Shelf interface {
	CreateDraft(ctx context.Context, d *Draft) (id string, err error)
	UpdateDraft(ctx context.Context, id string, change func(d *Draft) error) error
	Draft(ctx context.Context, id string) (*Draft, error)
	// PublishDraft lets change publish a draft, told which revision of the catalogue
	// is the last, which version of the standard has not ended (0: none) and which
	// number is next, and writes that version and the end of the one before in the
	// same commit.
	PublishDraft(ctx context.Context, id string, now time.Time, change func(d *Draft, last Last) error) error
	CreateCoordination(ctx context.Context, c *Coordination) (id string, err error)
	UpdateCoordination(ctx context.Context, id string, change func(c *Coordination) error) error
	// Coordination finds one by its identity or number.
	Coordination(ctx context.Context, name string) (*Coordination, error)
	// Rule lets change rule, given the draft under which the finding was found (nil:
	// none), and keeps both with the drafts that the ruling has made.
	Rule(ctx context.Context, id string, change func(c *Coordination, under *Draft) (made []*Draft, err error)) error
	// Rulings lists the coordinations that are ruled on, the earliest first.
	Rulings(ctx context.Context) ([]*Coordination, error)

	CreateRun(ctx context.Context, r *Run) (id string, err error)
	UpdateRun(ctx context.Context, id string, change func(r *Run) error) error
	Run(ctx context.Context, id string) (*Run, error)
	// Unfinished lists runs that have not ended, the earliest asked for first.
	Unfinished(ctx context.Context, limit int) (ids []string, err error)
	// Closed lists decided cases after one in the order of their identities.
	Closed(ctx context.Context, after string, limit int) (ids []string, err error)
	CountClosed(ctx context.Context) (int, error)
}

// Last is where a catalogue and a standard stand when a draft is published.
type Last struct{ Revision, Open, Next int }

// Held is a standard as it is in force, or the latest to come.
type Held struct {
	Kind    Kind
	Version int // 0: there is none
	Content Content
}

// Catalog reads and writes standards as a catalogue pack spells them.
type Catalog interface {
	// InForce gives the version of a standard that has not ended.
	InForce(ctx context.Context, code string) (Held, error)
	// Version gives any version.
	Version(ctx context.Context, code string, version int) (Held, error)
	// Spell gives a content as the pack spells it: items and clauses, or industries.
	Spell(c Content) (map[string]any, error)
	YAML(c Content) ([]byte, error)
	// Parse reads YAML or JSON without judging it.
	Parse(text string) (map[string]any, error)
	// Read checks what is spelled as an import would, in the place of the standards
	// named by changed. Every problem is INVALID, at once, with its path.
	Read(ctx context.Context, code string, spelled map[string]any, changed ...Content) (Kind, Content, error)
	// ReadClause is Read for the one clause that is spelled beside its item.
	ReadClause(ctx context.Context, code string, spelled map[string]any) (standard.Clause, error)
	// MayEnd says whether a standard can be taken away.
	MayEnd(ctx context.Context, code string) error
	// ImportPack makes a ZIP of a pack the catalogue, or only says what that would do.
	ImportPack(ctx context.Context, zip []byte, now time.Time, dryRun bool) (Imported, error)
}

// Imported tells what an import did, or would do.
type Imported struct {
	Revision  int  // of the catalogue now
	Unchanged bool // the catalogue said all of it already
	Published int  // new versions of standards
	Closed    int  // versions that ended
}

// Desk takes the commands on standards under work: it gathers the evidence, sees
// to it that the viewer may see the thing, and lets the thing decide.
type Desk struct {
	Shelf   Shelf
	Catalog Catalog
	Cases   casework.Cases
	Book    *guide.Book
	Refresh func(ctx context.Context) error // puts what was published into the book, at once
	Now     func() time.Time
	Random  io.Reader

	analyses analyses
}

// official says that a viewer works on standards.
func official(v viewer.Viewer) bool {
	switch v.Role {
	case viewer.Reviewer, viewer.Quality, viewer.Legal, viewer.Coordinator, viewer.Supervisor, viewer.Admin:
		return !v.Anonymous()
	}
	return false
}

// Sees says whether a viewer may see a draft: every official who works on
// standards, so that departments see what is coming.
func (d *Draft) Sees(v viewer.Viewer) bool { return official(v) }

// Sees says whether a viewer may see a coordination.
func (c *Coordination) Sees(v viewer.Viewer) bool { return official(v) }

func actorOf(v viewer.Viewer) casework.Actor {
	return casework.Actor{Subject: v.Subject, Role: v.Role, Department: v.Department}
}

func (d *Desk) by(ctx context.Context, o casework.Order) (casework.By, error) {
	v := viewer.From(ctx)
	if v.Anonymous() {
		return casework.By{}, fault.New(fault.Unauthenticated, "drafting.signIn", "请先登录", "please sign in")
	}
	return casework.By{Actor: actorOf(v), RecordedAt: d.Now(), OccurredAt: o.OccurredAt, Version: o.Expected}, nil
}

func (d *Desk) today() workday.Date { return workday.DateOf(d.Now()) }

func unseen() error {
	return fault.New(fault.NotFound, "drafting.find", "没有这个草案或协调", "there is no such draft or coordination")
}

// Draft gives a draft that the viewer may see.
func (d *Desk) Draft(ctx context.Context, id string) (*Draft, error) {
	draft, err := d.Shelf.Draft(ctx, id)
	if err == nil && !draft.Sees(viewer.From(ctx)) {
		return nil, unseen()
	}
	return draft, err
}

// Coordination gives a coordination that the viewer may see.
func (d *Desk) Coordination(ctx context.Context, name string) (*Coordination, error) {
	c, err := d.Shelf.Coordination(ctx, name)
	if err == nil && !c.Sees(viewer.From(ctx)) {
		return nil, unseen()
	}
	return c, err
}

// Edit is an edit of a clause: what is nil stays. Requires is nil to leave it;
// a pointer to nil makes a person judge.
type Edit struct {
	Clause   string
	Remove   bool
	Fields   map[string]any // as the pack spells them
	Requires **string
}

// Writing is what is written: one of whole content, YAML, edits, or a repeal.
type Writing struct {
	Code, Draft, Reason string
	Content             map[string]any
	YAML                string
	Edits               []Edit
	Fields              map[string]any
	Repeal              bool
}

// Write drafts a standard, or changes a draft, and gives the draft's identity.
func (d *Desk) Write(ctx context.Context, o casework.Order, w Writing) (string, error) {
	by, err := d.by(ctx, o)
	if err != nil {
		return "", err
	}
	if !official(viewer.From(ctx)) {
		return "", fault.New(fault.Denied, "drafting.draftStandard", "标准由部门起草", "standards are drafted by departments")
	}
	var seen *Draft
	if w.Draft != "" {
		if seen, err = d.Draft(ctx, w.Draft); err != nil {
			return "", err
		}
		if w.Code != "" && w.Code != seen.Code {
			return "", invalid(ActDraft, problem("standard", "NOT_ITS", "草案属于 "+seen.Code, "the draft is of "+seen.Code))
		}
		w.Code = seen.Code
	}
	if w.Code, err = d.codeOf(w); err != nil {
		return "", err
	}
	held, err := d.Catalog.InForce(ctx, w.Code)
	if err != nil {
		return "", err
	}
	from := held.Content
	if seen != nil {
		from = seen.Content
	}
	kind, content, err := d.read(ctx, w, from)
	if err != nil {
		return "", err
	}
	if kind == "" {
		kind = held.Kind
	}
	if held.Version > 0 && kind != held.Kind {
		return "", invalid(ActDraft, problem("standard", "OTHER_KIND", w.Code+" 是另一类标准", w.Code+" is a standard of the other kind"))
	}
	if seen != nil {
		if held.Version != seen.Base { // that it changes is no more the last; to be published it is drafted anew
			if held, err = d.Catalog.Version(ctx, seen.Code, seen.Base); err != nil {
				return "", err
			}
		}
		return seen.ID, d.Shelf.UpdateDraft(ctx, seen.ID, func(draft *Draft) error {
			return draft.Change(by, held.Content, content, w.Reason)
		})
	}
	key, err := ref.NewKey(by.RecordedAt, d.Random)
	if err != nil {
		return "", err
	}
	draft, err := New(by, Proposal{ID: ref.Draft(key), Kind: kind, Code: w.Code, Base: held.Version, Before: held.Content, Content: content, Reason: w.Reason})
	if err != nil {
		return "", err
	}
	return d.Shelf.CreateDraft(ctx, draft)
}

// codeOf finds which standard is written.
func (d *Desk) codeOf(w Writing) (string, error) {
	if w.Code != "" {
		return w.Code, nil
	}
	spelled := w.Content
	if w.YAML != "" {
		var err error
		if spelled, err = d.Catalog.Parse(w.YAML); err != nil {
			return "", err
		}
	}
	for _, list := range []string{"items", "industries"} {
		if entries, _ := spelled[list].([]any); len(entries) == 1 {
			if entry, _ := entries[0].(map[string]any); entry != nil {
				if code, _ := entry["id"].(string); code != "" {
					return code, nil
				}
			}
		}
	}
	return "", invalid(ActDraft, required("standard"))
}

func (d *Desk) read(ctx context.Context, w Writing, from Content) (Kind, Content, error) {
	given := 0
	for _, is := range []bool{w.Content != nil, w.YAML != "", len(w.Edits) > 0 || len(w.Fields) > 0, w.Repeal} {
		if is {
			given++
		}
	}
	if given != 1 {
		return "", Content{}, invalid(ActDraft, problem("content", "ONE_OF", "content、yaml、clauses 与 fields、repeal 须且只能给出一种", "give one of content, yaml, clauses with fields, or repeal"))
	}
	var spelled map[string]any
	var err error
	switch {
	case w.Repeal:
		return "", Content{}, d.Catalog.MayEnd(ctx, w.Code)
	case w.Content != nil:
		spelled = w.Content
	case w.YAML != "":
		spelled, err = d.Catalog.Parse(w.YAML)
	default:
		if from.Empty() {
			return "", Content{}, invalid(ActDraft, problem("standard", "UNKNOWN_STANDARD", "没有标准 "+w.Code+"：新标准请给出全部内容", "there is no standard "+w.Code+": give the whole content of a new one"))
		}
		if spelled, err = d.Catalog.Spell(from); err == nil {
			err = edit(spelled, w)
		}
	}
	if err != nil {
		return "", Content{}, err
	}
	return d.Catalog.Read(ctx, w.Code, spelled)
}

// edit applies edits to what is spelled.
func edit(spelled map[string]any, w Writing) error {
	top := "items"
	if _, joint := spelled["industries"]; joint {
		top = "industries"
	}
	if entries, _ := spelled[top].([]any); len(entries) == 1 {
		for field, value := range w.Fields {
			entries[0].(map[string]any)[field] = value
		}
	}
	var found []fault.Problem
	for i, e := range w.Edits {
		at := fmt.Sprintf("clauses[%d]", i)
		if blank(e.Clause) {
			found = append(found, required(at+".clause"))
			continue
		}
		if top == "industries" {
			found = append(found, problem(at, "NO_CLAUSES", "联合审批标准没有条款", "a joint standard has no clauses"))
			continue
		}
		clauses, _ := spelled["clauses"].([]any)
		k := indexOf(clauses, e.Clause)
		switch {
		case e.Remove && k < 0:
			found = append(found, problem(at+".clause", "UNKNOWN_CLAUSE", "没有条款 "+e.Clause, "there is no clause "+e.Clause))
		case e.Remove:
			spelled["clauses"] = slices.Delete(clauses, k, k+1)
		default:
			clause := map[string]any{"id": e.Clause, "item": w.Code, "evidence": []any{}, "promisable": false}
			if k >= 0 {
				clause = clauses[k].(map[string]any)
			} else {
				clause["requires"] = nil
				spelled["clauses"] = append(clauses, clause)
			}
			for field, value := range e.Fields {
				clause[field] = value
			}
			if e.Requires != nil {
				clause["requires"] = nil
				if *e.Requires != nil {
					clause["requires"] = **e.Requires
				}
			}
		}
	}
	return invalid(ActDraft, found...)
}

func indexOf(entries []any, code string) int {
	return slices.IndexFunc(entries, func(e any) bool {
		m, _ := e.(map[string]any)
		return m["id"] == code
	})
}

// on runs a command on a draft that the viewer may see.
func (d *Desk) on(ctx context.Context, id string, o casework.Order, command func(draft *Draft, by casework.By) error) (string, error) {
	by, err := d.by(ctx, o)
	if err != nil {
		return "", err
	}
	return id, d.Shelf.UpdateDraft(ctx, id, func(draft *Draft) error {
		if !draft.Sees(viewer.From(ctx)) {
			return unseen()
		}
		return command(draft, by)
	})
}

// Submit hands a draft to quality guidance.
func (d *Desk) Submit(ctx context.Context, id string, o casework.Order) (string, error) {
	return d.on(ctx, id, o, func(draft *Draft, by casework.By) error { return draft.Submit(by) })
}

// Withdraw gives a draft up.
func (d *Desk) Withdraw(ctx context.Context, id string, o casework.Order, reason string) (string, error) {
	return d.on(ctx, id, o, func(draft *Draft, by casework.By) error { return draft.Withdraw(by, reason) })
}

// ReviewDraft records a review. A passed legality review is told what the
// analysis says; it is made before the draft is locked.
func (d *Desk) ReviewDraft(ctx context.Context, id string, o casework.Order, in ReviewInput) (string, error) {
	if in.Kind == LegalityReview && in.Outcome == Pass {
		seen, err := d.Draft(ctx, id)
		if err != nil {
			return "", err
		}
		look, err := d.Gate(ctx, seen, d.today())
		if err != nil {
			return "", err
		}
		in.Gate = &look.Gate
		return d.on(ctx, id, o, func(draft *Draft, by casework.By) error {
			if draft.Digest != seen.Digest {
				return moved()
			}
			return draft.Review(by, in)
		})
	}
	return d.on(ctx, id, o, func(draft *Draft, by casework.By) error { return draft.Review(by, in) })
}

func moved() error {
	return fault.New(fault.Stale, "drafting.analyse", "分析期间草案或现行标准有变动，请重试", "the draft or what is in force has changed while it was analysed; try again")
}

// Publish publishes a draft from a day on; the zero day is today. What the
// analysis warns of is given back.
func (d *Desk) Publish(ctx context.Context, id string, o casework.Order, from workday.Date) (*Look, error) {
	by, err := d.by(ctx, o)
	if err != nil {
		return nil, err
	}
	seen, err := d.Draft(ctx, id)
	if err != nil {
		return nil, err
	}
	if from.IsZero() {
		from = d.today()
	}
	// What goes wrong here is told by the store, which first looks whether the
	// request has had its effect before. Who may not publish costs no analysis.
	look, wrong := &Look{Book: d.Book.Current()}, error(nil)
	if _, err := seen.begin(by, ActPublish); seen.State != Ready && seen.State != InCoordination || fault.CodeOf(err) == fault.Denied || fault.CodeOf(err) == fault.Stale {
		wrong = err
	} else if look, err = d.Gate(ctx, seen, from); err != nil {
		wrong = err
	}
	revision := d.Book.Current().Revision
	err = d.Shelf.PublishDraft(ctx, id, by.RecordedAt, func(draft *Draft, last Last) error {
		switch {
		case wrong != nil:
			return wrong
		case draft.Digest != seen.Digest || last.Revision != revision:
			return moved()
		case last.Open != draft.Base:
			f := fault.New(fault.Conflict, "drafting.publishStandard", "标准在起草之后已有新版本，请据以重新起草", "the standard has a new version since it was drafted; draft it on that")
			f.State, f.Version, f.Allowed = string(draft.State), draft.Version, draft.Allowed(by.Actor)
			return f
		}
		if draft.Content.Empty() {
			last.Next = 0
		}
		return draft.Publish(by, from, last.Next, look.Gate)
	})
	if err != nil {
		return nil, err
	}
	if err := d.Refresh(ctx); err != nil {
		return nil, err
	}
	if seen.Coordination != "" {
		return look, d.settle(viewer.WithoutOnce(ctx), seen.Coordination)
	}
	return look, nil
}

// Preview gives the catalogue of a day as if the draft were in force on it.
func (d *Desk) Preview(ctx context.Context, id string, day workday.Date) (*guide.Catalogue, error) {
	draft, err := d.Draft(ctx, id)
	if err != nil {
		return nil, err
	}
	return with(d.Book.Current(), draft.Content, draft.Code, draft.Base+1, day.String())
}

// with gives a catalogue with a content in force from a day.
func with(book *guide.Catalogue, content Content, code string, version int, day string) (*guide.Catalogue, error) {
	switch {
	case content.Item != nil:
		return book.WithItem(content.itemStandard(version, day))
	case content.Scheme != nil:
		return book.WithScheme(guide.JointStandard{Version: version, Term: guide.Term{From: day}, Scheme: content.Scheme.Value})
	}
	return book.Without(code, day), nil
}

// OpenInput opens a coordination on a finding of the analysis.
type OpenInput struct {
	Finding, Draft, Lead, Reason string
	Parties                      []string
}

// Open opens a coordination. The finding is found again, so that what is kept is
// what the platform itself has proved.
func (d *Desk) Open(ctx context.Context, o casework.Order, in OpenInput) (string, error) {
	by, err := d.by(ctx, o)
	if err != nil {
		return "", err
	}
	if !official(viewer.From(ctx)) {
		return "", fault.New(fault.Denied, "drafting.openCoordination", "协调由部门提起", "a coordination is opened by departments")
	}
	var found []fault.Problem
	for i, code := range append([]string{in.Lead}, in.Parties...) {
		if _, ok := d.Book.Current().Department(code); !ok && code != "" {
			path := "lead"
			if i > 0 {
				path = fmt.Sprintf("parties[%d]", i-1)
			}
			found = append(found, problem(path, "UNKNOWN_DEPARTMENT", "没有部门 "+code, "there is no department "+code))
		}
	}
	if err := invalid(ActOpenCoordination, found...); err != nil {
		return "", err
	}
	a, err := d.Analyse(ctx, Question{Draft: in.Draft})
	if err != nil {
		return "", err
	}
	k := slices.IndexFunc(a.Findings, func(f Found) bool { return f.ID == in.Finding })
	if k < 0 {
		return "", invalid(ActOpenCoordination, problem("finding", "UNKNOWN_FINDING", "分析没有这一发现", "the analysis has no such finding"))
	}
	key, err := ref.NewKey(by.RecordedAt, d.Random)
	if err != nil {
		return "", err
	}
	number, err := ref.NewNumber("XT", d.today().String(), d.Random)
	if err != nil {
		return "", err
	}
	c, err := OpenCoordination(by, Opening{
		ID: ref.Coordination(key), Number: number, Lead: in.Lead, Reason: in.Reason, Parties: in.Parties,
		Finding: a.Findings[k].Finding, Analysis: a.Digest, Draft: in.Draft,
	})
	if err != nil {
		return "", err
	}
	return d.Shelf.CreateCoordination(ctx, c)
}

// onCoordination runs a command on a coordination that the viewer may see.
func (d *Desk) onCoordination(ctx context.Context, name string, o casework.Order, command func(c *Coordination, by casework.By) error) (string, error) {
	by, err := d.by(ctx, o)
	if err != nil {
		return "", err
	}
	seen, err := d.Coordination(ctx, strings.TrimSpace(name))
	if err != nil {
		return "", err
	}
	return seen.ID, d.Shelf.UpdateCoordination(ctx, seen.ID, func(c *Coordination) error { return command(c, by) })
}

// StatePosition records what the viewer's department says.
func (d *Desk) StatePosition(ctx context.Context, name string, o casework.Order, text string, basis []law.Basis) (string, error) {
	return d.onCoordination(ctx, name, o, func(c *Coordination, by casework.By) error { return c.StatePosition(by, text, basis) })
}

// CallMeeting calls the parties together.
func (d *Desk) CallMeeting(ctx context.Context, name string, o casework.Order, on workday.Date) (string, error) {
	return d.onCoordination(ctx, name, o, func(c *Coordination, by casework.By) error { return c.CallMeeting(by, on) })
}

// RecordMeeting records a meeting.
func (d *Desk) RecordMeeting(ctx context.Context, name string, o casework.Order, present []string, minutes string) (string, error) {
	return d.onCoordination(ctx, name, o, func(c *Coordination, by casework.By) error { return c.RecordMeeting(by, present, minutes) })
}

// Drop ends a coordination without a ruling.
func (d *Desk) Drop(ctx context.Context, name string, o casework.Order, reason string) (string, error) {
	return d.onCoordination(ctx, name, o, func(c *Coordination, by casework.By) error { return c.Drop(by, reason) })
}

// RunSettlements settles the coordinations whose patches are published: what a
// crash has left. It may be called at any moment.
func (d *Desk) RunSettlements(ctx context.Context) error {
	rulings, err := d.Shelf.Rulings(ctx)
	if err != nil {
		return err
	}
	for _, c := range rulings {
		if c.State != CoordinationRuled {
			continue
		}
		if err := d.settle(ctx, c.ID); err != nil {
			return err
		}
	}
	return nil
}

// StartRun asks for an impact run of a draft; a sample of 0 judges every case.
func (d *Desk) StartRun(ctx context.Context, draftID string, sample int) (string, error) {
	by, err := d.by(ctx, casework.Order{})
	if err != nil {
		return "", err
	}
	draft, err := d.Draft(ctx, draftID)
	if err != nil {
		return "", err
	}
	if sample < 0 {
		return "", fault.InvalidInput("drafting.startImpactRun", problem("sample", "OUT_OF_RANGE", "须为正数", "is a positive number"))
	}
	if draft.Content.Empty() {
		return "", fault.InvalidInput("drafting.startImpactRun", problem("draft", "REPEAL", "废止没有可据以重新判断的条款", "a repeal has no clauses to judge by"))
	}
	total, err := d.Shelf.CountClosed(ctx)
	if err != nil {
		return "", err
	}
	key, err := ref.NewKey(by.RecordedAt, d.Random)
	if err != nil {
		return "", err
	}
	r := &Run{
		ID: ref.ImpactRun(key), Draft: draft.ID, Digest: draft.Digest, Code: draft.Code, Version: draft.Base + 1, Content: draft.Content,
		State: RunPending, Total: total, Stride: 1, AskedBy: by.Actor.Subject, AskedAt: by.RecordedAt.UTC(), Recorded: by.RecordedAt.UTC(),
	}
	if sample > 0 && total > sample {
		r.Stride = (total + sample - 1) / sample
	}
	return d.Shelf.CreateRun(ctx, r)
}

// CancelRun gives an impact run up.
func (d *Desk) CancelRun(ctx context.Context, id string) (string, error) {
	r, err := d.Shelf.Run(ctx, id)
	if err == nil {
		_, err = d.Draft(ctx, r.Draft)
	}
	if err != nil {
		return "", err
	}
	return id, d.Shelf.UpdateRun(ctx, id, func(r *Run) error { return r.Cancel(d.Now()) })
}

// batch is how many cases of an impact run are judged between two saves.
const batch = 100

// RunImpacts goes on with the impact runs that have not ended until none is left
// or ctx ends. It may be called at any moment and by any number of instances: a
// batch that another instance has done meanwhile is dropped.
func (d *Desk) RunImpacts(ctx context.Context) error {
	for {
		ids, err := d.Shelf.Unfinished(ctx, 1)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := d.runBatch(ctx, ids[0]); err != nil {
			return err
		}
	}
}

func (d *Desk) runBatch(ctx context.Context, id string) error {
	seen, err := d.Shelf.Run(ctx, id)
	if err != nil {
		return err
	}
	ids, err := d.Shelf.Closed(ctx, seen.Cursor, batch)
	if err != nil {
		return err
	}
	cases, err := d.Cases.Load(ctx, ids)
	if err != nil {
		return err
	}
	book := d.Book.Current()
	// In force on no day of itself: the run pins the version.
	drafted, err := with(book, seen.Content, seen.Code, seen.Version, workday.DateOf(seen.AskedAt).String())
	if err != nil {
		return err
	}
	next := *seen
	next.Flips = slices.Clone(seen.Flips)
	next.advance(cases, len(ids) < batch, book, drafted, d.Now())
	return d.Shelf.UpdateRun(ctx, id, func(r *Run) error {
		if r.Cursor == seen.Cursor && (r.State == RunPending || r.State == RunRunning) {
			*r = next
		}
		return nil
	})
}

// Import makes a pack the catalogue, for an ADMIN.
func (d *Desk) Import(ctx context.Context, zip []byte, dryRun bool) (Imported, error) {
	by, err := d.by(ctx, casework.Order{})
	if err != nil {
		return Imported{}, err
	}
	if by.Actor.Role != viewer.Admin {
		return Imported{}, fault.New(fault.Denied, "drafting.importCatalog", "只有平台管理员可以导入目录", "a catalogue is imported by an ADMIN")
	}
	done, err := d.Catalog.ImportPack(ctx, zip, by.RecordedAt, dryRun)
	if err != nil || dryRun {
		return done, err
	}
	return done, d.Refresh(ctx)
}
