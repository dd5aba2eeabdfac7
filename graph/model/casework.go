package model

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/casematerial"
	"github.com/onedoor/onedoor/ent/review"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// CasePayload is the answer of every command on a case: it reads again, after
// the commit, exactly what the client asks for.
type CasePayload struct {
	client *ent.Client
	id     string
	named  string                                        // the part or material that the client named
	load   func(context.Context) (*casework.Case, error) // the whole case
}

// NewCasePayload makes the answer of a command. Named is what the client named
// beside the case: a review, a material.
func NewCasePayload(client *ent.Client, id, named string, load func(context.Context) (*casework.Case, error)) *CasePayload {
	return &CasePayload{client: client, id: id, named: named, load: load}
}

// Case is the case as it is now.
func (p *CasePayload) Case(ctx context.Context) (*ent.CaseFile, error) {
	q, err := p.client.CaseFile.Query().Where(casefile.ID(p.id)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	return q.Only(ctx)
}

// Review is the review that the client named.
func (p *CasePayload) Review(ctx context.Context) (*ent.Review, error) {
	q, err := p.client.Review.Query().Where(review.ID(p.named)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	return q.Only(ctx)
}

// Material is the material that the client named.
func (p *CasePayload) Material(ctx context.Context) (*ent.CaseMaterial, error) {
	q, err := p.client.CaseMaterial.Query().Where(casematerial.HasCaseWith(casefile.ID(p.id)), casematerial.Code(p.named)).CollectFields(ctx)
	if err != nil {
		return nil, err
	}
	return q.Only(ctx)
}

// Receipt is the proof that the application has arrived.
func (p *CasePayload) Receipt(ctx context.Context) (*Receipt, error) {
	c, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	return &Receipt{Number: c.Number, QueryCode: c.QueryCode, ReceivedAt: c.ReceivedAt, AcceptBy: Day(c.Dates.AcceptBy)}, nil
}

// Procedure is the special procedure that was started.
func (p *CasePayload) Procedure(ctx context.Context) (*casework.SpecialProcedure, error) {
	c, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	return &c.Procedures[len(c.Procedures)-1], nil
}

// Hold is the hold that was placed.
func (p *CasePayload) Hold(ctx context.Context) (*Hold, error) {
	c, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	return NewHold(c.Holds[len(c.Holds)-1]), nil
}

// Meeting is the meeting that was called.
func (p *CasePayload) Meeting(ctx context.Context) (*Meeting, error) {
	c, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	return &Meeting{Meeting: c.Meetings[len(c.Meetings)-1]}, nil
}

// Day gives a day, or nil for none.
func Day(d workday.Date) *workday.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}

// Instant gives an instant, or nil for none.
func Instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Clock is one of a case's two clocks.
type Clock struct {
	DueOn         *workday.Date
	RemainingDays *int
	Running       bool
	Limit         workday.Limit
	Pauses        []workday.Pause
	Explanation   *workday.Deadline
}

// NewClock makes the view of a clock. Where no calendar reaches the due date,
// the explanation ends with the last day that is known, and is provisional.
func NewClock(k casework.Clock) *Clock {
	x := k.Explanation
	if x.DueOn.IsZero() && len(x.Days) > 0 {
		x.DueOn = x.Days[len(x.Days)-1].Date
	}
	return &Clock{DueOn: Day(k.DueOn), RemainingDays: k.Remaining, Running: k.Running, Limit: k.Limit, Pauses: k.Pauses, Explanation: &x}
}

// Hold keeps a case from a milestone.
type Hold struct {
	casework.Hold
	PlacedBy string
}

// NewHold makes the view of a hold.
func NewHold(h casework.Hold) *Hold { return &Hold{Hold: h, PlacedBy: h.PlacedBy.Subject} }

// Meeting is a meeting; its departments are named by code.
type Meeting struct{ casework.Meeting }

// Blocker is a reason why the next milestone cannot be reached.
type Blocker struct {
	Kind         casework.BlockerKind
	ID           *string
	Text, TextEn string
}

// NewBlockers makes the view of what blocks a case.
func NewBlockers(in []casework.Blocker) []*Blocker {
	out := make([]*Blocker, len(in))
	for i, b := range in {
		out[i] = &Blocker{Kind: b.Kind, ID: text(&b.ID), Text: b.ZH, TextEn: b.EN}
	}
	return out
}

// Progress is what the public may know of a case.
type Progress struct {
	Number                                string
	State                                 casework.CaseState
	Name                                  string
	Applicant                             string
	ReceivedOn, AcceptedOn, PromisedDueOn *workday.Date
	Steps                                 []*ProgressStep
}

// ProgressStep is one item on its way.
type ProgressStep struct {
	Item, Department string
	State            casework.ReviewState
}

// DayOf gives the day of an instant, or nil.
func DayOf(t time.Time) *workday.Date {
	if t.IsZero() {
		return nil
	}
	return Day(workday.DateOf(t))
}

// MaterialFile is an uploaded file.
type MaterialFile struct {
	Name, Type string
	Size       int
	Sha256     string
	URL        string
}

// NewMaterialFile makes the view of the file of a material.
func NewMaterialFile(id string, f *casework.File) *MaterialFile {
	if f == nil {
		return nil
	}
	return &MaterialFile{Name: f.Name, Type: f.Type, Size: int(f.Size), Sha256: f.SHA256, URL: "/files/" + id}
}

// NewFinding makes the view of a finding. A clause that the catalogue has no
// more is named by its code alone.
func NewFinding(f *casework.Finding, c *standard.Clause, row *ent.Clause, remedy *string) *Finding {
	means, ok := casework.FindingText[f.Code]
	if !ok {
		means = casework.Text{ZH: f.Code, EN: f.Code}
	}
	out := &Finding{
		Clause: row, Verdict: f.Verdict, Code: f.Code, Remedy: remedy, Basis: []*law.Basis{}, Source: &FindingSource{StandardVersion: &f.Version},
		Check: text(&f.Check), MissingFacts: []*standard.Fact{}, MissingMaterials: nonNil(f.Papers), Rulings: []*law.Ruling{},
	}
	if s := f.Source; s != nil {
		signed := !s.Unsigned
		out.Source.Plugin, out.Source.Version, out.Source.Digest, out.Source.Sandbox, out.Source.Signed = &s.Plugin, &s.Version, text(&s.Digest), text(&s.Sandbox), &signed
	}
	zh, en := f.Clause, f.Clause
	if c != nil {
		zh, en = c.Text, cmp.Or(c.TextEN, c.Text)
		for i := range c.Rulings {
			out.Rulings = append(out.Rulings, &c.Rulings[i])
		}
		for i := range c.Basis {
			out.Basis = append(out.Basis, &c.Basis[i])
		}
	}
	for i := range f.Basis {
		if !slices.ContainsFunc(out.Basis, func(b *law.Basis) bool { return *b == f.Basis[i] }) {
			out.Basis = append(out.Basis, &f.Basis[i])
		}
	}
	out.Message, out.MessageEn = means.ZH+"："+zh, means.EN+": "+en
	if f.Message.ZH != "" {
		out.Message, out.MessageEn = f.Message.ZH, f.Message.EN
	}
	return out
}
