package drafting

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Question is what an analysis is asked. The zero value asks about everything in
// force today.
type Question struct {
	Scheme, Item, Clause string
	Kinds                []conflict.Kind
	Draft                string
	Edit                 *Edit
	AsOf                 workday.Date
}

// Found is a finding with its name and the ruling on it.
type Found struct {
	conflict.Finding
	ID     string
	Ruling *Coordination // nil: none
}

// Analysis is a report, and the catalogue that it speaks of.
type Analysis struct {
	Digest   string
	Revision int
	Day      workday.Date
	Findings []Found
	More     bool
	Book     *guide.Catalogue // with the draft
}

// view is a catalogue as it is analysed: as of a day, with what has been ruled.
type view struct {
	book    *guide.Catalogue
	variant string // what is in the book beside its revision
	day     workday.Date
	rulings []*Coordination
	edit    *standard.Compiled // a clause as an editor has it, in the place of that of its code
}

// variant names what a draft makes of the catalogue. The content alone would not do:
// all that repeal a standard have the same one.
func (d *Draft) variant() string { return d.Code + " " + d.Digest }

// ground names what is analysed but for the edit.
func (v view) ground() string {
	ruled := make([]string, len(v.rulings))
	for i, c := range v.rulings {
		ruled[i] = c.ID + strconv.Itoa(c.Version)
	}
	return fmt.Sprintf("%d %s %s %s", v.book.Revision, v.variant, v.day, strings.Join(ruled, ","))
}

// analyses remembers reports, and subjects prepared for the solvers: the same
// catalogue, rulings and question give the same report. One is made at a time, so
// that nobody slows the server down by asking for many.
type analyses struct {
	mu       sync.Mutex
	reports  map[string]*conflict.Report
	subjects map[string]*conflict.Subject
	turn     chan struct{}
}

// mostKept bounds what is remembered.
const mostKept = 64

// wait waits for a turn to analyse; leave ends it.
func (a *analyses) wait(ctx context.Context) (leave func(), err error) {
	a.mu.Lock()
	if a.turn == nil {
		a.turn, a.reports, a.subjects = make(chan struct{}, 1), map[string]*conflict.Report{}, map[string]*conflict.Subject{}
	}
	a.mu.Unlock()
	select {
	case a.turn <- struct{}{}:
		return func() { <-a.turn }, nil
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "drafting.analyse", "分析繁忙，请重试", "the analysis is busy; try again")
	}
}

func (a *analyses) known(key string) *conflict.Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reports[key]
}

// subject gives what a view shows, prepared once for all the edits of it.
func (a *analyses) subject(v view) (*conflict.Subject, error) {
	ground := v.ground()
	a.mu.Lock()
	s := a.subjects[ground]
	a.mu.Unlock()
	if s == nil {
		var err error
		if s, err = subjectOf(v.book, v.day.String(), v.rulings); err != nil {
			return nil, err
		}
		a.mu.Lock()
		if len(a.subjects) >= mostKept/8 {
			clear(a.subjects)
		}
		a.subjects[ground] = s
		a.mu.Unlock()
	}
	if v.edit != nil {
		s = s.With(v.edit)
	}
	return s, nil
}

func (a *analyses) report(ctx context.Context, v view, o conflict.Options) (*conflict.Report, error) {
	key := fmt.Sprintf("%s %q %q %q %q", v.ground(), o.Kinds, o.Scheme, o.Item, o.Clause)
	if v.edit != nil {
		key += " " + DigestOf(v.edit.Clause)
	}
	if r := a.known(key); r != nil {
		return r, nil
	}
	leave, err := a.wait(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if r := a.known(key); r != nil {
		return r, nil
	}
	s, err := a.subject(v)
	if err != nil {
		return nil, err
	}
	r, err := conflict.Analyse(ctx, s, o)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.reports) >= mostKept {
		clear(a.reports)
	}
	a.reports[key] = r
	return r, nil
}

// subjectOf takes the subject out of a catalogue, with what has been ruled: joint
// minutes take the place of an earlier result, so nobody waits for that any more.
func subjectOf(book *guide.Catalogue, day string, rulings []*Coordination) (*conflict.Subject, error) {
	s, err := conflict.From(book, day)
	if err != nil {
		return nil, err
	}
	for _, c := range rulings {
		r := c.Ruling
		if r.Kind != JointMinutes || r.Before == "" {
			continue
		}
		for i, e := range s.Edges {
			if e.From == r.Before && e.To == r.Item {
				s.Edges[i].Soft = true
			}
		}
	}
	return s, nil
}

// view gives the catalogue that a question is about: what is in force, or with a
// draft in it.
func (d *Desk) view(ctx context.Context, draft string, asOf workday.Date) (view, error) {
	v := view{book: d.Book.Current(), day: asOf}
	if v.day.IsZero() {
		v.day = d.today()
	}
	if draft != "" {
		found, err := d.Draft(ctx, draft)
		if err != nil {
			return view{}, err
		}
		if v.book, err = with(v.book, found.Content, found.Code, found.Base+1, v.day.String()); err != nil {
			return view{}, err
		}
		v.variant = found.variant()
	}
	var err error
	v.rulings, err = d.Shelf.Rulings(ctx)
	return v, err
}

// Analyse answers a question about what is in force, or with a draft or an edited
// clause in it.
func (d *Desk) Analyse(ctx context.Context, q Question) (*Analysis, error) {
	v, err := d.view(ctx, q.Draft, q.AsOf)
	if err != nil {
		return nil, err
	}
	shown := v.book
	o := conflict.Options{Kinds: q.Kinds, Scheme: q.Scheme, Item: q.Item, Clause: q.Clause}
	if q.Edit != nil {
		if o.Scheme == "" && o.Item == "" && o.Clause == "" && !q.Edit.Remove {
			o.Clause = q.Edit.Clause
		}
		if v, shown, err = d.edited(ctx, v, *q.Edit); err != nil {
			return nil, err
		}
	}
	report, err := d.analyses.report(ctx, v, o)
	if err != nil {
		return nil, err
	}
	return &Analysis{
		Digest: report.Digest, Revision: d.Book.Current().Revision, Day: v.day, More: report.More, Book: shown,
		Findings: named(report.Findings, v.rulings),
	}, nil
}

func named(findings []conflict.Finding, rulings []*Coordination) []Found {
	out := make([]Found, len(findings))
	for i, f := range findings {
		out[i] = Found{Finding: f, ID: FindingID(f)}
		for _, c := range rulings {
			if c.Found == out[i].ID {
				out[i].Ruling = c
				if c.accepts() {
					out[i].Severity = conflict.Warn // it stands in nobody's way any more
				}
			}
		}
	}
	return out
}

// edited gives the view with one clause as an editor has it, and the catalogue to
// show it by. A changed clause is analysed on the ground that is prepared.
func (d *Desk) edited(ctx context.Context, v view, e Edit) (view, *guide.Catalogue, error) {
	day := v.day.String()
	items := v.book.HeldItems(day)
	code, _ := e.Fields["item"].(string)
	at := slices.IndexFunc(items, func(h guide.HeldItem) bool {
		return h.Item.Code == code || code == "" && slices.ContainsFunc(h.Clauses, func(k *standard.Compiled) bool { return k.Code == e.Clause })
	})
	if at < 0 {
		return view{}, nil, fault.InvalidInput("drafting.analyse", problem("edit.clause", "UNKNOWN_CLAUSE", "没有条款 "+e.Clause+"：新条款请写明事项", "there is no clause "+e.Clause+": name the item of a new one"))
	}
	held := items[at]
	code = held.Item.Code
	whole := Content{Item: &Entry[item.Item]{Value: held.Item}}
	alone := whole
	for _, k := range held.Clauses {
		whole.Clauses = append(whole.Clauses, Entry[standard.Clause]{Value: k.Clause})
		if k.Code == e.Clause {
			alone.Clauses = whole.Clauses[len(whole.Clauses)-1:]
		}
	}
	part := alone
	if e.Remove {
		part = whole // who needs the clause must be found
	}
	spelled, err := d.Catalog.Spell(part)
	if err == nil {
		err = edit(spelled, Writing{Code: code, Edits: []Edit{e}})
	}
	if err != nil {
		return view{}, nil, err
	}
	var read standard.Clause
	if e.Remove {
		_, whole, err = d.Catalog.Read(ctx, code, spelled)
	} else if read, err = d.Catalog.ReadClause(ctx, code, spelled); err == nil {
		whole = whole.withClause(read)
	} else {
		err = ofEdit(err)
	}
	if err != nil {
		return view{}, nil, err
	}
	shown, err := v.book.WithItem(whole.itemStandard(held.Version, day))
	if err != nil {
		return view{}, nil, err
	}
	if e.Remove {
		v.book, v.variant = shown, v.variant+" "+DigestOf(whole)
		return v, shown, nil
	}
	for _, h := range shown.HeldItems(day) {
		for _, k := range h.Clauses {
			if h.Item.Code == code && k.Code == e.Clause {
				v.edit = k
			}
		}
	}
	return v, shown, nil
}

// ofEdit gives the problems of the one clause that is spelled the paths of the edit.
func ofEdit(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	told := *f
	told.Problems = slices.Clone(f.Problems)
	for i, p := range told.Problems {
		if field, ok := strings.CutPrefix(p.Path, "clauses[0]."); ok {
			words := strings.Split(field, "_") // as a pack spells it
			for n := range words[1:] {
				words[n+1] = strings.ToUpper(words[n+1][:1]) + words[n+1][1:]
			}
			told.Problems[i].Path = "edit." + strings.Join(words, "")
		}
	}
	return &told
}

// Plan is a project and what its applicant can still choose: each fact of Free
// among the values given, or anything lawful when none are.
type Plan struct {
	Scheme  string // its own facts count too; "": none
	Facts   map[string]any
	Free    map[string][]any
	Clauses []string // only these are judged; none: all
	Draft   string
	AsOf    workday.Date
}

// WayOut says what the applicant can choose to meet every clause.
type WayOut struct {
	conflict.Settlement
	Day  workday.Date
	Book *guide.Catalogue // that it speaks of
}

// mostFree bounds the facts that a plan leaves open.
const mostFree = 64

// WayOut looks for a choice that meets all clauses, and for those at fault when
// there is none. Nobody says which clauses to look at.
func (d *Desk) WayOut(ctx context.Context, plan Plan) (*WayOut, error) {
	const op = "drafting.wayOut"
	if len(plan.Free) > mostFree {
		return nil, fault.InvalidInput(op, problem("free", "LIST_TOO_LONG", fmt.Sprintf("至多 %d 项可选事实", mostFree), fmt.Sprintf("at most %d facts can be left open", mostFree)))
	}
	v, err := d.view(ctx, plan.Draft, plan.AsOf)
	if err != nil {
		return nil, err
	}
	trial := conflict.Trial{Facts: map[string]any{}, Vary: plan.Free, Clauses: plan.Clauses}
	maps.Copy(trial.Facts, plan.Facts)
	if plan.Scheme != "" {
		schemes := v.book.HeldSchemes(v.day.String())
		i := slices.IndexFunc(schemes, func(h guide.HeldScheme) bool { return h.Scheme.Code == plan.Scheme })
		if i < 0 {
			return nil, fault.InvalidInput(op, problem("scheme", "UNKNOWN_SCHEME", "没有联合审批 "+plan.Scheme, "there is no scheme "+plan.Scheme))
		}
		for fact, value := range schemes[i].Applies.Implied() {
			if _, said := trial.Facts[fact]; !said {
				trial.Facts[fact] = value
			}
		}
	}
	leave, err := d.analyses.wait(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	s, err := d.analyses.subject(v)
	if err != nil {
		return nil, err
	}
	settled, err := conflict.Settle(ctx, s, trial, conflict.Options{})
	if err != nil {
		return nil, err
	}
	return &WayOut{Settlement: *settled, Day: v.day, Book: v.book}, nil
}

// Look is what the gate says of a draft, and all that the analysis found.
type Look struct {
	Gate     Gate
	Refusals []Found
	Warnings []Found
	Book     *guide.Catalogue
}

// Gate looks at a draft as it would stand from a day on: what its analysis
// refuses and what it warns of. A conflict that stood before and that the draft
// does not touch is not its fault: it warns. One that the district has ruled on
// warns too.
func (d *Desk) Gate(ctx context.Context, draft *Draft, day workday.Date) (*Look, error) {
	book := d.Book.Current()
	held, err := d.Catalog.InForce(ctx, draft.Code)
	if err != nil {
		return nil, err
	}
	if draft.Content.Empty() {
		if err := d.Catalog.MayEnd(ctx, draft.Code); err != nil {
			return nil, err
		}
	} else { // the catalogue may have moved on since it was drafted
		spelled, err := d.Catalog.Spell(draft.Content)
		if err != nil {
			return nil, err
		}
		if _, _, err := d.Catalog.Read(ctx, draft.Code, spelled); err != nil {
			return nil, err
		}
	}
	after, err := with(book, draft.Content, draft.Code, draft.Base+1, day.String())
	if err != nil {
		return nil, err
	}
	rulings, err := d.Shelf.Rulings(ctx)
	if err != nil {
		return nil, err
	}
	// The kinds that can refuse, and those that warn of the draft's own clauses.
	ground := view{book: book, day: day, rulings: rulings}
	before, err := d.analyses.report(ctx, ground, conflict.Options{Kinds: refusing})
	if err != nil {
		return nil, err
	}
	o := conflict.Options{}
	if draft.Content.Item != nil {
		o.Item = draft.Code
	}
	drafted := view{book: after, variant: draft.variant(), day: day, rulings: rulings}
	report, err := d.analyses.report(ctx, drafted, o)
	if err != nil {
		return nil, err
	}
	stood := map[string]bool{}
	for _, f := range before.Findings {
		stood[FindingID(f)] = true
	}
	var accepted []conflict.Accepted
	for _, c := range rulings {
		if c.accepts() {
			accepted = append(accepted, conflict.Accepted{Kind: c.Finding.Kind, Clauses: c.Finding.Clauses, Items: c.Finding.Items})
		}
	}
	blocks := map[string]bool{}
	for _, f := range conflict.Gate(report, accepted...) {
		// What a ruling patches may stand in other conflicts too, each with its own
		// coordination.
		if id := FindingID(f); !stood[id] || draft.Coordination == "" && touches(f, held.Content, draft) {
			blocks[id] = true
		}
	}
	look := &Look{Gate: Gate{Analysis: report.Digest, Day: day.String()}, Book: after}
	for _, f := range named(report.Findings, rulings) {
		switch {
		case blocks[f.ID]:
			look.Refusals = append(look.Refusals, f)
			look.Gate.Refusals = append(look.Gate.Refusals, f.Finding)
		case concerns(f.Finding, draft):
			look.Warnings = append(look.Warnings, f)
		}
	}
	look.Gate.Warnings = len(look.Warnings)
	return look, nil
}

var refusing = []conflict.Kind{conflict.Contradiction, conflict.Cycle, conflict.Dead, conflict.Unfulfillable}

// touches says that a draft changes one of a finding's clauses, or what the
// precedence of a circle comes from.
func touches(f conflict.Finding, before Content, d *Draft) bool {
	for _, code := range f.Clauses {
		if k := d.Content.clause(code); k != nil {
			if old := before.clause(code); old == nil || DigestOf(*old) != DigestOf(*k) {
				return true
			}
		}
	}
	if f.Kind != conflict.Cycle {
		return false
	}
	if s := d.Content.Scheme; s != nil {
		return before.Scheme == nil || f.Scheme == d.Code && DigestOf(before.Scheme.Value.Edges) != DigestOf(s.Value.Edges)
	}
	if i := d.Content.Item; i != nil && slices.Contains(f.Items, d.Code) {
		return before.Item == nil || DigestOf(before.Item.Value.Preconditions) != DigestOf(i.Value.Preconditions) || before.Item.Value.NeededWhen != i.Value.NeededWhen
	}
	return false
}

// concerns says that a finding is about the draft's own standard.
func concerns(f conflict.Finding, d *Draft) bool {
	if d.Content.Scheme != nil {
		return f.Scheme == d.Code
	}
	return slices.Contains(f.Items, d.Code) || slices.ContainsFunc(f.Clauses, func(code string) bool { return d.Content.clause(code) != nil })
}

// Difference is what changes between two versions of a standard: in words, and
// in meaning.
type Difference struct {
	Digest  string
	Changes []Change
	Effects []conflict.Finding
}

// Compare names two versions of a standard; From 0 is that in force, or that
// which the draft changes.
type Compare struct {
	Code     string
	From, To int
	Draft    string
}

// Diff compares two versions of a standard, the second of which may be a draft.
func (d *Desk) Diff(ctx context.Context, in Compare) (*Difference, error) {
	const op = "drafting.standardDiff"
	var after Content
	switch {
	case in.Draft != "" && in.To != 0, in.Draft == "" && (in.To == 0 || in.Code == ""):
		return nil, fault.InvalidInput(op, problem("to", "ONE_OF", "请给出标准和版本，或草案", "give a standard with a version, or a draft"))
	case in.Draft != "":
		draft, err := d.Draft(ctx, in.Draft)
		if err != nil {
			return nil, err
		}
		if in.Code == "" {
			in.Code = draft.Code
		}
		if in.Code != draft.Code {
			return nil, fault.InvalidInput(op, problem("standard", "NOT_ITS", "草案属于 "+draft.Code, "the draft is of "+draft.Code))
		}
		if after = draft.Content; in.From == 0 {
			in.From = draft.Base
		}
	default:
		held, err := d.Catalog.Version(ctx, in.Code, in.To)
		if err != nil {
			return nil, err
		}
		if held.Version == 0 {
			return nil, fault.New(fault.NotFound, op, "没有这一版本", "there is no such version")
		}
		after = held.Content
	}
	var before Held
	var err error
	if in.From > 0 {
		before, err = d.Catalog.Version(ctx, in.Code, in.From)
	} else if in.Draft == "" {
		before, err = d.Catalog.InForce(ctx, in.Code)
	}
	if err != nil {
		return nil, err
	}
	if in.From > 0 && before.Version == 0 {
		return nil, fault.New(fault.NotFound, op, "没有这一版本", "there is no such version")
	}
	out := &Difference{}
	if out.Changes, err = d.InWords(before.Content, after); err != nil {
		return nil, err
	}
	day := d.today().String()
	var subjects [2]*conflict.Subject
	for i, content := range []Content{before.Content, after} {
		book, err := with(d.Book.Current(), content, in.Code, 1, day)
		if err != nil {
			return nil, err
		}
		if subjects[i], err = conflict.From(book, day); err != nil {
			return nil, err
		}
	}
	report, err := conflict.Diff(ctx, subjects[0], subjects[1], conflict.Options{})
	if err != nil {
		return nil, err
	}
	out.Digest, out.Effects = report.Digest, report.Findings
	return out, nil
}

// InWords says what differs between two contents.
func (d *Desk) InWords(before, after Content) ([]Change, error) {
	var spelled [2]map[string]any
	for i, content := range []Content{before, after} {
		var err error
		if spelled[i], err = d.Catalog.Spell(content); err != nil {
			return nil, err
		}
	}
	return Changes(spelled[0], spelled[1]), nil
}
