package drafting

import (
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Kind says what a standard is of.
type Kind string

// The kinds of standard.
const (
	ItemKind  Kind = "ITEM"  // 单个事项标准
	JointKind Kind = "JOINT" // 联合审批标准
)

// Entry is a value of a pack with what the pack says beyond our types.
type Entry[T any] struct {
	Value T              `json:"value"`
	Extra map[string]any `json:"extra,omitempty"`
}

// Content is the whole content of one version of a standard: an item with its
// clauses, or a scheme. The empty content repeals the standard.
type Content struct {
	Item    *Entry[item.Item]        `json:"item,omitempty"`
	Clauses []Entry[standard.Clause] `json:"clauses,omitempty"`
	Scheme  *Entry[scheme.Scheme]    `json:"scheme,omitempty"`
}

// Empty says that nothing is left of the standard.
func (c Content) Empty() bool { return c.Item == nil && c.Scheme == nil }

// Department gives whose the standard is: the item's, or the scheme's lead.
func (c Content) Department() string {
	switch {
	case c.Item != nil:
		return c.Item.Value.Department
	case c.Scheme != nil:
		return c.Scheme.Value.Lead
	}
	return ""
}

// clause finds a clause by its code.
func (c Content) clause(code string) *standard.Clause {
	for i := range c.Clauses {
		if c.Clauses[i].Value.Code == code {
			return &c.Clauses[i].Value
		}
	}
	return nil
}

// withClause gives the content with a clause in the place of that with its code,
// or added.
func (c Content) withClause(k standard.Clause) Content {
	c.Clauses = slices.Clone(c.Clauses)
	at := slices.IndexFunc(c.Clauses, func(o Entry[standard.Clause]) bool { return o.Value.Code == k.Code })
	if at < 0 {
		at, c.Clauses = len(c.Clauses), append(c.Clauses, Entry[standard.Clause]{})
	}
	c.Clauses[at] = Entry[standard.Clause]{Value: k}
	return c
}

// itemStandard is the content as a version in force from a day.
func (c Content) itemStandard(version int, from string) guide.ItemStandard {
	in := guide.ItemStandard{Version: version, Term: guide.Term{From: from}, Item: c.Item.Value}
	for _, k := range c.Clauses {
		in.Clauses = append(in.Clauses, k.Value)
	}
	return in
}

// Draft is a standard under work. Only the commands change it; each raises
// Version by one and appends what happened to Events.
type Draft struct {
	ID           string
	Kind         Kind
	Code         string // of the standard: its item's or scheme's
	Base         int    // the version that it changes; 0: a new standard
	State        State
	Version      int
	Department   string // whose the standard is
	Reason       string
	Content      Content
	Digest       string // SHA-256 of the content
	Coordination string // whose ruling made it; "": none
	Dossier

	EffectiveFrom    workday.Date // once published
	PublishedVersion int          // of the standard; 0: not published, or repealed
	DraftedAt        time.Time
	RecordedAt       time.Time // of the last event
	Events           []casework.Event
	EventCount       int
}

// Dossier is what a draft holds beside its content.
type Dossier struct {
	Drafters []string `json:"drafters"` // subjects of all who have written in it
	Reviews  []Review `json:"reviews,omitempty"`
	Gate     *Gate    `json:"gate,omitempty"` // at the last look
}

// ReviewKind is one of the two reviews.
type ReviewKind string

// The reviews.
const (
	QualityReview  ReviewKind = "QUALITY"
	LegalityReview ReviewKind = "LEGALITY"
)

// Outcome is what a review says.
type Outcome string

// The outcomes.
const (
	Pass   Outcome = "PASS"
	Return Outcome = "RETURN"
)

// Ground is why a review returns a draft.
type Ground string

// The grounds. The first three are the legality review's own: no condition may go
// beyond the law (行政许可法 第16条第4款), and no proof may wait for itself or be asked
// for twice.
const (
	BeyondTheLaw   Ground = "BEYOND_THE_LAW"
	CircularProof  Ground = "CIRCULAR_PROOF"
	DuplicateProof Ground = "DUPLICATE_PROOF"
	Unclear        Ground = "UNCLEAR"
	OtherGround    Ground = "OTHER"
)

var grounds = []Ground{BeyondTheLaw, CircularProof, DuplicateProof, Unclear, OtherGround}

// Objection is one ground of a returned draft.
type Objection struct {
	Ground Ground    `json:"ground"`
	Clause string    `json:"clause,omitempty"`
	Text   string    `json:"text"`
	Basis  law.Basis `json:"basis,omitzero"`
}

// Review is one review of one text of a draft. A change of the text makes it
// history: both reviews are had anew.
type Review struct {
	Kind       ReviewKind  `json:"kind"`
	Outcome    Outcome     `json:"outcome"`
	By         string      `json:"by"`
	At         time.Time   `json:"at"`
	Digest     string      `json:"digest"` // of the content reviewed
	Note       string      `json:"note,omitempty"`
	Objections []Objection `json:"objections,omitempty"`
}

// Gate is what the analysis said about a draft.
type Gate struct {
	Analysis string             `json:"analysis"` // digest of the report
	Day      string             `json:"day"`
	Refusals []conflict.Finding `json:"refusals,omitempty"`
	Warnings int                `json:"warnings"`
}

func (d *Draft) drafted(subject string) bool { return slices.Contains(d.Drafters, subject) }

// reviewer gives who passed the present text in a review, or "".
func (d *Draft) reviewer(kind ReviewKind) string {
	for _, r := range slices.Backward(d.Reviews) {
		if r.Kind == kind && r.Outcome == Pass && r.Digest == d.Digest {
			return r.By
		}
	}
	return ""
}
