package drafting

import (
	"fmt"
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/workday"
)

// Coordination is how departments whose standards contradict each other come to
// a ruling (协调). It keeps the finding as it was found.
type Coordination struct {
	ID       string
	Number   string
	State    CoordinationState
	Version  int
	Lead     string // department (主办)
	Parties  []string
	Reason   string
	Finding  conflict.Finding
	Found    string // identity of the finding; see FindingID
	Analysis string // digest of the report that it was found in
	Draft    string // under which it was found; "": in what is in force
	Minutes

	OpenedAt   time.Time
	RuledAt    time.Time
	RecordedAt time.Time
	Events     []casework.Event
	EventCount int
}

// Minutes is what a coordination holds beside its finding.
type Minutes struct {
	Positions []Position `json:"positions,omitempty"`
	Meetings  []Meeting  `json:"meetings,omitempty"`
	Ruling    *Ruling    `json:"ruling,omitempty"`
	Earlier   []Ruling   `json:"earlier,omitempty"` // rulings that another took the place of
}

// Position is what a party says.
type Position struct {
	Department string      `json:"department"`
	Text       string      `json:"text"`
	Basis      []law.Basis `json:"basis,omitempty"`
	By         string      `json:"by"`
	At         time.Time   `json:"at"`
}

// Meeting is a coordination meeting (联席会议).
type Meeting struct {
	On       workday.Date `json:"on"`
	CalledBy string       `json:"called_by"`
	Present  []string     `json:"present,omitempty"` // departments
	Minutes  string       `json:"minutes,omitempty"`
	HeldAt   time.Time    `json:"held_at,omitzero"`
}

// RulingKind is how a ruling settles a finding.
type RulingKind string

// The kinds of ruling.
const (
	Yields          RulingKind = "YIELDS"           // a clause gives way wherever another applies, and goes when that is everywhere
	Exception       RulingKind = "EXCEPTION"        // a clause does not apply under a condition
	Merge           RulingKind = "MERGE"            // a clause goes into another
	JointMinutes    RulingKind = "JOINT_MINUTES"    // an earlier result is replaced by joint minutes, or a demand is judged in a joint meeting
	Siting          RulingKind = "SITING"           // such projects are not sited there: the scheme's zoning says so
	AlternativePath RulingKind = "ALTERNATIVE_PATH" // another way to meet a clause counts too
)

// RulingKinds lists them.
var RulingKinds = []RulingKind{Yields, Exception, Merge, JointMinutes, Siting, AlternativePath}

// Ruling is what the coordinating body has decided (裁定), with what it changes.
type Ruling struct {
	Number string      `json:"number"`
	Kind   RulingKind  `json:"kind"`
	Clause string      `json:"clause,omitempty"` // the one that changes
	To     string      `json:"to,omitempty"`     // YIELDS: to which; MERGE: into which
	When   string      `json:"when,omitempty"`   // EXCEPTION: where the clause does not apply
	Demand string      `json:"demand,omitempty"` // ALTERNATIVE_PATH: what counts too; MERGE: what the merged clause demands
	Item   string      `json:"item,omitempty"`   // JOINT_MINUTES on a cycle: the item that need not wait …
	Before string      `json:"before,omitempty"` // … for this one
	Scheme string      `json:"scheme,omitempty"` // SITING
	Zone   string      `json:"zone,omitempty"`
	Text   string      `json:"text"`
	TextEN string      `json:"text_en,omitempty"`
	Basis  []law.Basis `json:"basis"`
	Dated  string      `json:"dated"`
	By     string      `json:"by"`
	At     time.Time   `json:"at"`
	Drafts []string    `json:"drafts,omitempty"` // that patch the standards
}

// Cited is the ruling as a clause carries it.
func (r Ruling) Cited() law.Ruling {
	return law.Ruling{Number: r.Number, Kind: string(r.Kind), Dated: r.Dated, Text: r.Text, TextEN: r.TextEN, Basis: r.Basis}
}

// FindingID names a finding by what it is about: its kind, clauses, items and
// edges (and of a gap its region), whatever witness was found for it.
func FindingID(f conflict.Finding) string {
	about := map[string]any{"kind": f.Kind, "clauses": sorted(f.Clauses), "items": sorted(f.Items), "category": f.Category, "scheme": f.Scheme}
	var edges []string
	for _, e := range f.Edges {
		edges = append(edges, e.From+" "+e.To)
	}
	about["edges"] = sorted(edges)
	if f.Kind == conflict.Gap {
		about["condition"] = f.Condition
	}
	return DigestOf(about)[:16]
}

func sorted(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return out
}

func (c *Coordination) concerns(department string) bool {
	return department == c.Lead || slices.Contains(c.Parties, department)
}

func (c *Coordination) openMeeting() int {
	return slices.IndexFunc(c.Meetings, func(m Meeting) bool { return m.HeldAt.IsZero() })
}

// heard says that every party has spoken, or that they have met.
func (c *Coordination) heard() bool {
	met := slices.ContainsFunc(c.Meetings, func(m Meeting) bool { return !m.HeldAt.IsZero() })
	return met || !slices.ContainsFunc(c.Parties, func(d string) bool {
		return !slices.ContainsFunc(c.Positions, func(p Position) bool { return p.Department == d })
	})
}

// Opening is what a coordination starts from.
type Opening struct {
	ID, Number, Lead, Reason string
	Parties                  []string // beside the finding's own
	Finding                  conflict.Finding
	Analysis, Draft          string
}

// OpenCoordination opens a coordination on a finding.
func OpenCoordination(by casework.By, o Opening) (*Coordination, error) {
	c := &Coordination{
		ID: o.ID, Number: o.Number, State: CoordinationOpen, Lead: o.Lead, Reason: o.Reason, Finding: o.Finding, Found: FindingID(o.Finding),
		Analysis: o.Analysis, Draft: o.Draft, Parties: slices.Clone(o.Finding.Departments), OpenedAt: by.RecordedAt.UTC(),
	}
	for _, d := range o.Parties {
		if !slices.Contains(c.Parties, d) {
			c.Parties = append(c.Parties, d)
		}
	}
	if c.Lead == "" && len(c.Parties) > 0 {
		c.Lead = c.Parties[0]
	}
	if !TheCoordinator.ofCoordination(c, by.Actor) && !TheParty.ofCoordination(c, by.Actor) && !TheLegal.ofCoordination(c, by.Actor) {
		return nil, fault.New(fault.Denied, "drafting."+string(ActOpenCoordination), "协调由相关部门、法制审核或协调机构提起", "a coordination is opened by a department concerned, the legality review, or the coordinating body")
	}
	if err := fresh(by, ActOpenCoordination, "", 0, nil, by.OccurredAt); err != nil {
		return nil, err
	}
	if len(c.Parties) == 0 {
		return nil, invalid(ActOpenCoordination, required("parties"))
	}
	c.note(by, ActOpenCoordination, CoordinationOpen, map[string]any{"finding": c.Found, "kind": c.Finding.Kind, "clauses": c.Finding.Clauses, "items": c.Finding.Items, "lead": c.Lead, "parties": c.Parties})
	return c, nil
}

// StatePosition records what the actor's department says.
func (c *Coordination) StatePosition(by casework.By, text string, basis []law.Basis) error {
	row, err := c.begin(by, ActPosition)
	if err != nil {
		return err
	}
	if blank(text) {
		return invalid(ActPosition, required("text"))
	}
	c.Positions = append(c.Positions, Position{Department: by.Actor.Department, Text: text, Basis: basis, By: by.Actor.Subject, At: by.RecordedAt.UTC()})
	c.note(by, ActPosition, row.To, map[string]any{"department": by.Actor.Department, "text": text})
	return nil
}

// CallMeeting calls all parties together on a day.
func (c *Coordination) CallMeeting(by casework.By, on workday.Date) error {
	row, err := c.begin(by, ActCallMeeting)
	if err != nil {
		return err
	}
	if on.Before(workday.DateOf(by.RecordedAt)) {
		return invalid(ActCallMeeting, problem("on", "IN_THE_PAST", "不能早于今天", "is before today"))
	}
	c.Meetings = append(c.Meetings, Meeting{On: on, CalledBy: by.Actor.Subject})
	c.note(by, ActCallMeeting, row.To, map[string]any{"on": on.String(), "departments": c.Parties})
	return nil
}

// RecordMeeting records who came and what was said.
func (c *Coordination) RecordMeeting(by casework.By, present []string, minutes string) error {
	row, err := c.begin(by, ActRecordMeeting)
	if err != nil {
		return err
	}
	var found []fault.Problem
	if blank(minutes) {
		found = append(found, required("minutes"))
	}
	if len(present) == 0 {
		found = append(found, required("present"))
	}
	for i, d := range present {
		if !c.concerns(d) {
			found = append(found, problem(fmt.Sprintf("present[%d]", i), "NOT_A_PARTY", d+" 不是协调的一方", d+" is no party"))
		}
	}
	if err := invalid(ActRecordMeeting, found...); err != nil {
		return err
	}
	m := &c.Meetings[c.openMeeting()]
	m.Present, m.Minutes, m.HeldAt = present, minutes, by.RecordedAt.UTC()
	c.note(by, ActRecordMeeting, row.To, map[string]any{"present": present, "minutes": minutes})
	return nil
}

// rulingProblems finds what a ruling of its kind needs and lacks.
func (c *Coordination) rulingProblems(r Ruling) []fault.Problem {
	var found []fault.Problem
	need := func(path, value string) {
		if blank(value) {
			found = append(found, required(path))
		}
	}
	ofFinding := func(path, code string) {
		if !blank(code) && !slices.Contains(c.Finding.Clauses, code) {
			found = append(found, problem(path, "NOT_IN_FINDING", code+" 不在所发现的冲突中", code+" is no clause of the finding"))
		}
	}
	need("text", r.Text)
	if len(r.Basis) == 0 {
		found = append(found, required("basis"))
	}
	for i, b := range r.Basis {
		need(fmt.Sprintf("basis[%d].law", i), b.Law)
	}
	switch r.Kind {
	case Yields, Merge:
		need("clause", r.Clause)
		need("to", r.To)
		if r.Clause != "" && r.Clause == r.To {
			found = append(found, problem("to", "SAME", "须是另一条款", "is another clause"))
		}
	case Exception:
		need("clause", r.Clause)
		need("when", r.When)
	case AlternativePath:
		need("clause", r.Clause)
		need("demand", r.Demand)
	case JointMinutes:
		if len(c.Finding.Edges) > 0 {
			need("item", r.Item)
			need("before", r.Before)
		} else {
			need("clause", r.Clause)
		}
	case Siting:
		need("scheme", r.Scheme)
		need("zone", r.Zone)
	default:
		found = append(found, problem("kind", "UNKNOWN", "没有这种裁定", "there is no such ruling"))
	}
	ofFinding("clause", r.Clause)
	if r.Kind == Yields {
		ofFinding("to", r.To)
	}
	return found
}

// MayRule says whether the actor may rule now, before the patches are made.
func (c *Coordination) MayRule(by casework.By, r Ruling) error {
	if _, err := c.begin(by, ActRule); err != nil {
		return err
	}
	return invalid(ActRule, c.rulingProblems(r)...)
}

// Rule records a ruling with the drafts that it has made. One before it is kept.
func (c *Coordination) Rule(by casework.By, r Ruling) error {
	if err := c.MayRule(by, r); err != nil {
		return err
	}
	if c.Ruling != nil {
		c.Earlier = append(c.Earlier, *c.Ruling)
	}
	r.By, r.At = by.Actor.Subject, by.RecordedAt.UTC()
	if !by.OccurredAt.IsZero() {
		r.At = by.OccurredAt.UTC()
	}
	r.Number, r.Dated = c.Number, workday.DateOf(r.At).String()
	c.Ruling, c.RuledAt = &r, by.RecordedAt.UTC()
	c.note(by, ActRule, CoordinationRuled, map[string]any{"kind": r.Kind, "text": r.Text, "dated": r.Dated, "drafts": r.Drafts})
	return nil
}

// Drop ends a coordination without a ruling.
func (c *Coordination) Drop(by casework.By, reason string) error {
	row, err := c.begin(by, ActDrop)
	if err != nil {
		return err
	}
	if blank(reason) {
		return invalid(ActDrop, required("reason"))
	}
	c.note(by, ActDrop, row.To, map[string]any{"reason": reason})
	return nil
}

// accepts says that publication need not wait for what was found: its patches are
// on their way, or projects are sited elsewhere. A settled conflict that comes
// back is a new one.
func (c *Coordination) accepts() bool {
	return c.State == CoordinationRuled || c.Ruling != nil && c.Ruling.Kind == Siting
}

// Settle ends a coordination whose patches are published and whose finding is
// gone.
func (c *Coordination) Settle(by casework.By, analysis string) error {
	row, err := c.begin(by, ActSettle)
	if err != nil {
		return err
	}
	c.note(by, ActSettle, row.To, map[string]any{"analysis": analysis})
	return nil
}

func (c *Coordination) note(by casework.By, action Action, to CoordinationState, data map[string]any) {
	c.State = to
	c.Version++
	c.Events = append(c.Events, happened(c.ID, by, action, &c.RecordedAt, &c.EventCount, data))
}
