package drafting

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// DigestOf gives the SHA-256 of a value's JSON, in hex.
func DigestOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // made of plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Proposal is what a new draft starts from: the version that it changes with its
// content, both empty for a new standard, and the content proposed.
type Proposal struct {
	ID           string
	Kind         Kind
	Code         string
	Base         int
	Before       Content
	Content      Content
	Reason       string
	Coordination string
}

// New begins a draft.
func New(by casework.By, p Proposal) (*Draft, error) {
	department := p.Before.Department()
	if department == "" {
		department = p.Content.Department()
	}
	d := &Draft{ID: p.ID, Kind: p.Kind, Code: p.Code, Base: p.Base, State: InDraft, Department: department, Content: p.Before, Coordination: p.Coordination}
	if p.Before.Empty() {
		d.Content = p.Content
	}
	if !TheDrafter.ofDraft(d, by.Actor) {
		return nil, fault.New(fault.Denied, "drafting."+string(ActDraft), "标准由其实施机关或有条款在内的部门起草", "a standard is drafted by its own department, or by one that has clauses in it")
	}
	if err := fresh(by, ActDraft, "", 0, nil, by.OccurredAt); err != nil {
		return nil, err
	}
	d.DraftedAt = by.RecordedAt.UTC()
	if !by.OccurredAt.IsZero() {
		d.DraftedAt = by.OccurredAt.UTC()
	}
	if err := d.write(by, p.Before, p.Content, p.Reason); err != nil {
		return nil, err
	}
	d.note(by, ActDraft, InDraft, map[string]any{"code": d.Code, "base": d.Base, "digest": d.Digest, "reason": d.Reason})
	return d, nil
}

// Change replaces the content. Both reviews are had anew.
func (d *Draft) Change(by casework.By, before, content Content, reason string) error {
	row, err := d.begin(by, ActDraft)
	if err != nil {
		return err
	}
	if err := d.write(by, before, content, reason); err != nil {
		return err
	}
	d.note(by, ActDraft, row.To, map[string]any{"digest": d.Digest, "reason": d.Reason})
	return nil
}

// write checks what a department may write, and writes it.
func (d *Draft) write(by casework.By, before, content Content, reason string) error {
	var found []fault.Problem
	if blank(reason) {
		found = append(found, required("reason"))
	}
	if content.Empty() && before.Empty() {
		found = append(found, required("content"))
	}
	if d.Base > 0 && DigestOf(content) == DigestOf(before) {
		found = append(found, problem("content", "UNCHANGED", "与现行版本相同", "is what is in force already"))
	}
	if by.Actor.Role == viewer.Reviewer && by.Actor.Department != d.Department {
		found = append(found, foreign(by.Actor.Department, before, content)...)
	}
	if by.Actor.Role != viewer.Coordinator {
		found = append(found, forged(d.Content, before, content)...)
	}
	if err := invalid(ActDraft, found...); err != nil {
		return err
	}
	d.Content, d.Digest, d.Reason, d.Gate = content, DigestOf(content), reason, nil
	if !d.drafted(by.Actor.Subject) {
		d.Drafters = append(d.Drafters, by.Actor.Subject)
	}
	return nil
}

// foreign finds what a department changes that is not its own: all but its own
// clauses in another's standard.
func foreign(department string, before, after Content) []fault.Problem {
	refuse := func(path string) fault.Problem {
		return problem(path, "NOT_YOURS", "不是本部门的内容", "is not your department's")
	}
	var found []fault.Problem
	if !reflect.DeepEqual(before.Item, after.Item) || !reflect.DeepEqual(before.Scheme, after.Scheme) {
		found = append(found, refuse("item"))
	}
	for i, k := range after.Clauses {
		old := before.clause(k.Value.Code)
		if same := old != nil && DigestOf(*old) == DigestOf(k.Value); !same && (k.Value.Department != department || old != nil && old.Department != department) {
			found = append(found, refuse(fmt.Sprintf("clauses[%d]", i)))
		}
	}
	for _, k := range before.Clauses {
		if after.clause(k.Value.Code) == nil && k.Value.Department != department {
			found = append(found, refuse("clauses"))
		}
	}
	return found
}

// forged finds rulings that nobody has made: those on a clause come from
// coordination alone.
func forged(drafted, before, after Content) []fault.Problem {
	var found []fault.Problem
	for i, k := range after.Clauses {
		same := len(k.Value.Rulings) == 0
		for _, old := range []*standard.Clause{drafted.clause(k.Value.Code), before.clause(k.Value.Code)} {
			if old != nil && old != &after.Clauses[i].Value {
				same = same && len(old.Rulings) == 0 || DigestOf(old.Rulings) == DigestOf(k.Value.Rulings)
			}
		}
		if !same {
			found = append(found, problem(fmt.Sprintf("clauses[%d].rulings", i), "NOT_YOURS", "裁定只由协调产生", "rulings are made by coordination alone"))
		}
	}
	return found
}

// Submit hands the draft to quality guidance.
func (d *Draft) Submit(by casework.By) error {
	row, err := d.begin(by, ActSubmit)
	if err != nil {
		return err
	}
	d.note(by, ActSubmit, row.To, map[string]any{"digest": d.Digest})
	return nil
}

// Withdraw gives the draft up.
func (d *Draft) Withdraw(by casework.By, reason string) error {
	row, err := d.begin(by, ActWithdraw)
	if err != nil {
		return err
	}
	if blank(reason) {
		return invalid(ActWithdraw, required("reason"))
	}
	d.note(by, ActWithdraw, row.To, map[string]any{"reason": reason})
	return nil
}

// ReviewInput is a review of the draft's present text. Gate is what the analysis
// says of it; only the legality review needs it.
type ReviewInput struct {
	Kind       ReviewKind
	Outcome    Outcome
	Note       string
	Objections []Objection
	Gate       *Gate
}

// Review records a review. A return has its objections; a passed legality review
// leads on by whether conflicts stand.
func (d *Draft) Review(by casework.By, in ReviewInput) error {
	d.look(in.Gate)
	to := []State{InDraft}
	if in.Outcome == Pass {
		to = []State{InLegal, Ready, InCoordination}
	}
	row, err := d.begin(by, ActReview, to...)
	if err != nil {
		return err
	}
	if err := invalid(ActReview, d.reviewProblems(in)...); err != nil {
		return err
	}
	d.Reviews = append(d.Reviews, Review{Kind: in.Kind, Outcome: in.Outcome, By: by.Actor.Subject, At: by.RecordedAt.UTC(), Digest: d.Digest, Note: in.Note, Objections: in.Objections})
	data := map[string]any{"review": in.Kind, "outcome": in.Outcome, "digest": d.Digest}
	if len(in.Objections) > 0 {
		data["objections"] = in.Objections
	}
	if in.Note != "" {
		data["note"] = in.Note
	}
	if in.Gate != nil && in.Outcome == Pass {
		data["analysis"] = in.Gate.Analysis
	}
	d.note(by, ActReview, row.To, data)
	return nil
}

func (d *Draft) reviewProblems(in ReviewInput) []fault.Problem {
	var found []fault.Problem
	if due := map[State]ReviewKind{InQuality: QualityReview, InLegal: LegalityReview}[d.State]; in.Kind != due {
		found = append(found, problem("kind", "NOT_DUE", "现在进行的是 "+string(due), "the review that is due is "+string(due)))
	}
	if in.Outcome == Return && len(in.Objections) == 0 {
		found = append(found, required("objections"))
	}
	if in.Outcome == Pass && len(in.Objections) > 0 {
		found = append(found, problem("objections", "NOT_ALLOWED", "通过的审查没有退回理由", "a review that passes has no objections"))
	}
	for i, o := range in.Objections {
		at := fmt.Sprintf("objections[%d]", i)
		if !slices.Contains(grounds, o.Ground) {
			found = append(found, problem(at+".ground", "UNKNOWN", "没有这种理由", "there is no such ground"))
		}
		if blank(o.Text) {
			found = append(found, required(at+".text"))
		}
		if (o.Ground == BeyondTheLaw || o.Ground == DuplicateProof) && blank(o.Clause) && d.Kind == ItemKind && len(d.Content.Clauses) > 0 {
			found = append(found, required(at+".clause"))
		}
		if !blank(o.Clause) && d.Content.clause(o.Clause) == nil {
			found = append(found, problem(at+".clause", "UNKNOWN_CLAUSE", "草案没有条款 "+o.Clause, "the draft has no clause "+o.Clause))
		}
	}
	return found
}

// look keeps what the analysis says now.
func (d *Draft) look(g *Gate) {
	if g != nil {
		d.Gate = g
	}
}

// Publish makes the content a version of the standard from a day on. The gate
// is what the analysis says at this moment; what it refuses is a CONFLICT that
// names each finding.
func (d *Draft) Publish(by casework.By, from workday.Date, version int, gate Gate) error {
	d.look(&gate)
	row, err := d.begin(by, ActPublish)
	if f, ok := err.(*fault.Error); ok && f.Code == fault.Conflict && (d.State == Ready || d.State == InCoordination) { //nolint:errorlint // begin's own
		f.Problems = nil
		f.ZH, f.EN = "分析未通过，不能发布", "the analysis stands in the way of publication"
		for _, r := range gate.Refusals {
			f.Problems = append(f.Problems, problem("analysis."+FindingID(r), string(r.Kind), r.ZH, r.EN))
		}
	}
	if err != nil {
		return err
	}
	if today := workday.DateOf(by.RecordedAt); from.Before(today) {
		return invalid(ActPublish, problem("effectiveFrom", "IN_THE_PAST", "生效日不能早于今天："+today.String(), "does not come into force before today, "+today.String()))
	}
	d.EffectiveFrom, d.PublishedVersion = from, version
	d.note(by, ActPublish, row.To, map[string]any{"effectiveFrom": from.String(), "version": version, "digest": d.Digest, "analysis": gate.Analysis, "warnings": gate.Warnings})
	return nil
}

func (d *Draft) note(by casework.By, action Action, to State, data map[string]any) {
	d.State = to
	d.Version++
	d.Events = append(d.Events, happened(d.ID, by, action, &d.RecordedAt, &d.EventCount, data))
}
