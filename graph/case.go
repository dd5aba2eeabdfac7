package graph

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"entgo.io/contrib/entgql"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/predicate"
	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
)

// whole gives a view of the whole case of a row.
func whole[T any](ctx context.Context, row *ent.CaseFile, view func(c *casework.Case) T) (T, error) {
	c, err := sharedIn(ctx).cases.get(ctx, row.ID)
	if err != nil {
		var none T
		return none, err
	}
	return view(c), nil
}

// pointers points at each value of a list; no list is an empty one.
func pointers[T any](in []T) []*T {
	out := make([]*T, len(in))
	for i := range in {
		out[i] = &in[i]
	}
	return out
}

// called finds a case by its number, the number of its draft, or its identity.
func called(name string) predicate.CaseFile {
	name = strings.TrimSpace(name)
	if key, ok := strings.CutPrefix(name, casework.DraftNumber); ok {
		return casefile.ID(ref.Case(key))
	}
	if strings.HasPrefix(name, ref.Case("")) {
		return casefile.ID(name)
	}
	return casefile.Number(name)
}

// order reads what every command carries. A version that no case has is an
// order for another one, not for any.
func order(expected *int, occurred *time.Time) casework.Order {
	var o casework.Order
	if expected != nil {
		o.Expected = *expected
		if o.Expected <= 0 {
			o.Expected = -1
		}
	}
	if occurred != nil {
		o.OccurredAt = *occurred
		if o.OccurredAt.IsZero() { // the year 1 is a day, not "now"
			o.OccurredAt = time.Unix(0, 0)
		}
	}
	return o
}

// answer is the payload of a command. Named is what the client named beside the
// case.
func (r *Resolver) answer(id, named string, err error) (*model.CasePayload, error) {
	if err != nil {
		return nil, err
	}
	return model.NewCasePayload(r.Client, id, named, func(ctx context.Context) (*casework.Case, error) {
		return sharedIn(ctx).cases.get(ctx, id)
	}), nil
}

// onCase runs a command that needs nothing but the case.
func (r *Resolver) onCase(ctx context.Context, name string, o casework.Order, command casework.CaseCommand) (*model.CasePayload, error) {
	id, err := r.Desk.Do(ctx, "case", name, o, command)
	return r.answer(id, "", err)
}

// onPart runs a command on a part that the client names by its identity.
func (r *Resolver) onPart(ctx context.Context, path, name string, o casework.Order, command casework.CaseCommand) (*model.CasePayload, error) {
	id, err := r.Desk.Do(ctx, path, name, o, command)
	return r.answer(id, name, err)
}

// eitherOf gives the one of two that the client named.
func eitherOf(pathA string, a *string, pathB string, b *string) (path, name string, err error) {
	switch {
	case deref(a) != "" && deref(b) == "":
		return pathA, *a, nil
	case deref(a) == "" && deref(b) != "":
		return pathB, *b, nil
	}
	return "", "", fault.InvalidInput("graph", fault.Problem{Path: pathA, Code: "ONE_OF",
		ZH: pathA + " 和 " + pathB + " 须且只能填一个", EN: "give either " + pathA + " or " + pathB})
}

// realTime refuses to set a clock that is not a sandbox's.
func realTime() error {
	return fault.New(fault.Conflict, "graph.setClock", "这里的时间是真实的：只有沙箱的时钟可以拨动", "the time here is real: only the clock of a sandbox can be set")
}

func opening(in model.OpenCaseInput) casework.OpenInput {
	return casework.OpenInput{
		Scheme: deref(in.Scheme), Item: deref(in.Item), Applicant: deref(in.Applicant), Region: deref(in.Region),
		Notice: deref(in.Notice), Mandate: deref(in.Mandate), Facts: in.Facts, OccurredAt: order(nil, in.OccurredAt).OccurredAt,
	}
}

func reasons(in []*model.ReasonInput) []casework.Reason {
	out := make([]casework.Reason, len(in))
	for i, r := range in {
		out[i] = casework.Reason{Clause: deref(r.Clause), Text: deref(r.Text)}
	}
	return out
}

func asks(in []*model.SupplementAskInput) []casework.Ask {
	out := make([]casework.Ask, len(in))
	for i, a := range in {
		out[i] = casework.Ask{Review: deref(a.Review), Material: deref(a.Material), Text: deref(a.Text)}
	}
	return out
}

func procedure(in model.StartSpecialProcedureInput) casework.ProcedureInput {
	p := casework.ProcedureInput{Review: in.Review, Kind: in.Kind, Days: in.Days}
	p.Basis = basis(in.Basis)
	return p
}

func basis(in *model.LegalBasisInput) law.Basis {
	if in == nil {
		return law.Basis{}
	}
	return law.Basis{Law: in.Law, Article: deref(in.Article)}
}

func (r *Resolver) clock(ctx context.Context, row *ent.CaseFile, basis casework.ClockBasis) (*model.Clock, error) {
	c, err := sharedIn(ctx).cases.get(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	return r.clockOf(c, basis)
}

func (r *Resolver) clockOf(c *casework.Case, basis casework.ClockBasis) (*model.Clock, error) {
	calendar, ok := r.book().Calendar("")
	if !ok {
		return nil, fault.New(fault.Unavailable, "graph.clock", "目录里没有工作日历，无法计算期限", "the catalogue has no calendar, so no limit can be counted")
	}
	k, err := c.Clock(basis, calendar, r.today())
	if err != nil {
		return nil, err
	}
	return model.NewClock(k), nil
}

// reviewClock is the clock of a review's own step.
func (r *Resolver) reviewClock(ctx context.Context, row *ent.Review) (*model.Clock, error) {
	c, err := sharedIn(ctx).cases.get(ctx, ref.CaseOf(row.ID))
	if err != nil {
		return nil, err
	}
	calendar, ok := r.book().Calendar("")
	if !ok {
		return nil, nil
	}
	k, err := c.ReviewClock(row.ID, calendar, r.today())
	if k == nil || err != nil {
		return nil, err
	}
	return model.NewClock(*k), nil
}

func (r *Resolver) undetermined(in []casework.Undetermined) []*model.UndeterminedItem {
	vocabulary := r.book().Facts()
	out := make([]*model.UndeterminedItem, len(in))
	for i, u := range in {
		out[i] = &model.UndeterminedItem{Item: r.item(u.Item), MissingFacts: make([]*standard.Fact, 0, len(u.Missing))}
		for _, key := range u.Missing {
			if at := slices.IndexFunc(vocabulary, func(f *standard.Fact) bool { return f.Key == key }); at >= 0 {
				out[i].MissingFacts = append(out[i].MissingFacts, vocabulary[at])
			}
		}
	}
	return out
}

func holds(c *casework.Case) []*model.Hold {
	out := make([]*model.Hold, len(c.Holds))
	for i, h := range c.Holds {
		out[i] = model.NewHold(h)
	}
	return out
}

func meetings(c *casework.Case) []*model.Meeting {
	out := make([]*model.Meeting, len(c.Meetings))
	for i, m := range c.Meetings {
		out[i] = &model.Meeting{Meeting: m}
	}
	return out
}

// duties gives what the lead owes. Where no calendar reaches the day, it has no
// due date yet.
func (r *Resolver) duties(c *casework.Case) []*model.Duty {
	calendar, ok := r.book().Calendar("")
	out := make([]*model.Duty, len(c.Duties))
	for i, d := range c.Duties {
		out[i] = &model.Duty{Kind: d.Kind, DoneAt: model.Instant(d.DoneAt)}
		if !ok {
			continue
		}
		if due, err := d.DueOn(calendar); err == nil {
			out[i].DueOn, out[i].Explanation = &due.DueOn, &due
		}
	}
	return out
}

func (r *Resolver) findings(ctx context.Context, in []casework.Finding) []*model.Finding {
	book := r.book()
	out := make([]*model.Finding, len(in))
	for i := range in {
		f := &in[i]
		remedy := optional(inLanguage(ctx, f.Remedy.ZH, f.Remedy.EN))
		clause, ok := book.Clause(f.Item, f.Version, f.Clause)
		if !ok {
			out[i] = model.NewFinding(f, nil, nil, remedy)
		} else {
			out[i] = model.NewFinding(f, clause, model.ClauseRow(r.Client, clause, f.Version, r.department(clause.Department)), remedy)
		}
		out[i].MissingFacts = r.missingFacts(f.Missing)
	}
	return out
}

// cursorOf gives the place of an event among all events. Readers see an event
// only when it has its place.
func cursorOf(e *ent.Event) (*entgql.Cursor[string], error) {
	if e.Seq == nil {
		return nil, fault.New(fault.Unavailable, "graph.cursor", "事件尚未编号，请重试", "the event has no place yet; try again")
	}
	return &entgql.Cursor[string]{ID: strconv.FormatInt(*e.Seq, 10)}, nil
}

// inboxOf is the department whose reviews are meant.
func inboxOf(v viewer.Viewer, named *string) (id string, ok bool) {
	switch {
	case named != nil:
		return ref.Department(*named), true
	case v.Role == viewer.Reviewer:
		return ref.Department(v.Department), true
	}
	return "", false
}
