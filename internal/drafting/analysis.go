package drafting

import (
	"context"
	"fmt"
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

// analyses remembers reports: the same catalogue, rulings and question give the
// same report. One is made at a time, so that nobody slows the server down by
// asking for many.
type analyses struct {
	mu       sync.Mutex
	kept     map[string]*conflict.Report
	subjects map[string]*conflict.Subject
	turn     chan struct{}
}

// mostKept bounds what is remembered.
const mostKept = 64

func (a *analyses) report(ctx context.Context, key, subjectKey string, subject func() (*conflict.Subject, error), o conflict.Options) (*conflict.Report, error) {
	a.mu.Lock()
	if a.turn == nil {
		a.turn, a.kept, a.subjects = make(chan struct{}, 1), map[string]*conflict.Report{}, map[string]*conflict.Subject{}
	}
	known := a.kept[key]
	a.mu.Unlock()
	if known != nil {
		return known, nil
	}
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "drafting.analyse", "分析繁忙，请重试", "the analysis is busy; try again")
	}
	a.mu.Lock()
	known, prepared := a.kept[key], a.subjects[subjectKey]
	a.mu.Unlock()
	if known != nil {
		return known, nil
	}
	if prepared == nil {
		var err error
		if prepared, err = subject(); err != nil {
			return nil, err
		}
	}
	report, err := conflict.Analyse(ctx, prepared, o)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.kept) >= mostKept {
		clear(a.kept)
	}
	if len(a.subjects) >= mostKept/8 {
		clear(a.subjects)
	}
	a.kept[key], a.subjects[subjectKey] = report, prepared
	return report, nil
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

// made analyses a catalogue as of a day; variant names what is in it beside the
// revision.
func (d *Desk) made(ctx context.Context, book *guide.Catalogue, variant string, day workday.Date, rulings []*Coordination, o conflict.Options) (*conflict.Report, error) {
	ruled := make([]string, len(rulings))
	for i, c := range rulings {
		ruled[i] = c.ID + strconv.Itoa(c.Version)
	}
	subject := fmt.Sprintf("%d %s %s %s", book.Revision, variant, day, strings.Join(ruled, ","))
	key := fmt.Sprintf("%s %q %q %q %q", subject, o.Kinds, o.Scheme, o.Item, o.Clause)
	return d.analyses.report(ctx, key, subject, func() (*conflict.Subject, error) { return subjectOf(book, day.String(), rulings) }, o)
}

// Analyse answers a question about what is in force, or with a draft or an edited
// clause in it.
func (d *Desk) Analyse(ctx context.Context, q Question) (*Analysis, error) {
	book, variant := d.Book.Current(), ""
	day := q.AsOf
	if day.IsZero() {
		day = d.today()
	}
	if q.Draft != "" {
		draft, err := d.Draft(ctx, q.Draft)
		if err != nil {
			return nil, err
		}
		if book, err = with(book, draft.Content, draft.Code, draft.Base+1, day.String()); err != nil {
			return nil, err
		}
		variant = draft.Digest
	}
	rulings, err := d.Shelf.Rulings(ctx)
	if err != nil {
		return nil, err
	}
	o := conflict.Options{Kinds: q.Kinds, Scheme: q.Scheme, Item: q.Item, Clause: q.Clause}
	var report *conflict.Report
	if q.Edit != nil {
		report, book, err = d.edited(ctx, book, variant, day, rulings, o, *q.Edit)
	} else {
		report, err = d.made(ctx, book, variant, day, rulings, o)
	}
	if err != nil {
		return nil, err
	}
	a := &Analysis{Digest: report.Digest, Revision: d.Book.Current().Revision, Day: day, More: report.More, Book: book}
	a.Findings = named(report.Findings, rulings)
	return a, nil
}

func named(findings []conflict.Finding, rulings []*Coordination) []Found {
	out := make([]Found, len(findings))
	for i, f := range findings {
		out[i] = Found{Finding: f, ID: FindingID(f)}
		for _, c := range rulings {
			if c.Found == out[i].ID {
				out[i].Ruling = c
			}
		}
	}
	return out
}

// edited analyses one clause as an editor has it against all.
func (d *Desk) edited(ctx context.Context, book *guide.Catalogue, variant string, day workday.Date, rulings []*Coordination, o conflict.Options, e Edit) (*conflict.Report, *guide.Catalogue, error) {
	var content Content
	version := 0
	code, _ := e.Fields["item"].(string)
	for _, h := range book.HeldItems(day.String()) {
		for _, k := range h.Clauses {
			if k.Code == e.Clause && code == "" {
				code = h.Item.Code
			}
		}
	}
	for _, h := range book.HeldItems(day.String()) {
		if h.Item.Code == code {
			content.Item, version = &Entry[item.Item]{Value: h.Item}, h.Version
			for _, k := range h.Clauses {
				content.Clauses = append(content.Clauses, Entry[standard.Clause]{Value: k.Clause})
			}
		}
	}
	if content.Item == nil {
		return nil, nil, fault.InvalidInput("drafting.analyse", problem("edit.clause", "UNKNOWN_CLAUSE", "没有条款 "+e.Clause+"：新条款请写明事项", "there is no clause "+e.Clause+": name the item of a new one"))
	}
	spelled, err := d.Catalog.Spell(content)
	if err == nil {
		err = edit(spelled, Writing{Code: code, Edits: []Edit{e}})
	}
	if err != nil {
		return nil, nil, err
	}
	if _, content, err = d.Catalog.Read(ctx, code, spelled); err != nil {
		return nil, nil, err
	}
	next, err := book.WithItem(content.itemStandard(version, day.String()))
	if err != nil {
		return nil, nil, err
	}
	if o.Scheme == "" && o.Item == "" && o.Clause == "" && !e.Remove {
		o.Clause = e.Clause
	}
	report, err := d.made(ctx, next, variant+" "+DigestOf(content), day, rulings, o)
	return report, next, err
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
	before, err := d.made(ctx, book, "", day, rulings, conflict.Options{Kinds: refusing})
	if err != nil {
		return nil, err
	}
	o := conflict.Options{}
	if draft.Content.Item != nil {
		o.Item = draft.Code
	}
	report, err := d.made(ctx, after, draft.Digest, day, rulings, o)
	if err != nil {
		return nil, err
	}
	stood := map[string]bool{}
	for _, f := range before.Findings {
		stood[FindingID(f)] = true
	}
	var accepted []conflict.Accepted
	for _, c := range rulings { // a settled one that comes back is a new conflict
		if c.State == CoordinationRuled || c.Ruling.Kind == Siting {
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
