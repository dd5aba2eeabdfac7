// Package guide answers what a project needs: from facts to items, clauses,
// materials, order, days and fees; and freezes such an answer as a notice.
package guide

import (
	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Guide is the answer for one project on one day. It stands alone: everything
// it names, it holds, so that a frozen guide reads the same when the catalogue
// has changed. Items, departments and facts are named by code elsewhere in it.
// What comes from the catalogue is shared with it and must not be changed.
type Guide struct {
	Scheme  *SchemeRef     `json:"scheme,omitempty"` // nil for a single item
	Item    string         `json:"item,omitempty"`   // code, for a single item
	Region  string         `json:"region,omitempty"`
	AsOf    workday.Date   `json:"as_of"`
	Facts   map[string]any `json:"facts"` // those sent, and those that the scheme fixes
	Missing []string       `json:"missing_facts"`

	Items       []ItemResult   `json:"items"`   // of the scheme, in the order in which they are done
	Outside     []ItemResult   `json:"outside"` // needed, or perhaps, though the scheme has them not
	Clauses     []ClauseResult `json:"clauses"` // that apply, or may
	Materials   []Material     `json:"materials"`
	Obligations []string       `json:"obligations"`
	Zoning      *Zoning        `json:"zoning,omitempty"`
	Schedule    Schedule       `json:"schedule"`
	FeeYuan     int            `json:"fee_yuan"`

	Departments []district.Department `json:"departments"` // all that the answer names
	Vocabulary  []*standard.Fact      `json:"vocabulary"`  // all that the answer names

	encodedFacts [][]byte // Vocabulary in canonical JSON, made with the catalogue
}

// Complete says that nothing depends on a missing fact any more.
func (g *Guide) Complete() bool { return len(g.Missing) == 0 }

// SchemeRef names the version of a scheme.
type SchemeRef struct {
	Code    string       `json:"code"`
	Version int          `json:"version"`
	Name    string       `json:"name"`
	Clock   scheme.Clock `json:"clock"`
}

// ItemResult says whether an item is needed, and why.
type ItemResult struct {
	Item            *item.Item     `json:"item"`
	Version         int            `json:"version"`
	Needed          standard.Truth `json:"needed"`
	Stage           string         `json:"stage,omitempty"`
	After           []string       `json:"after"`             // must be finished first
	AfterOrPromised []string       `json:"after_or_promised"` // may be promised or run in parallel
	Because         []Reason       `json:"because"`

	encoded []byte // Item in canonical JSON, made with the catalogue
}

// ClauseResult says whether a clause concerns the project and is met.
type ClauseResult struct {
	Clause   *standard.Clause `json:"clause"`
	Version  int              `json:"version"`
	Applies  standard.Truth   `json:"applies"`
	Met      standard.Truth   `json:"met"`
	Manual   bool             `json:"manual"`    // an officer must judge it
	JudgedIn string           `json:"judged_in"` // code of the item in which it is judged
	Because  []Reason         `json:"because"`   // why it applies
	Reasons  []Reason         `json:"reasons"`   // what it demands and what there is
	Missing  []string         `json:"missing_facts"`

	encoded []byte // Clause in canonical JSON, made with the catalogue
}

// Reason is one why in law's terms. Its basis is that of its item or clause.
type Reason struct {
	Fact     string `json:"fact,omitempty"`
	Operator string `json:"operator,omitempty"`
	Needed   string `json:"needed,omitempty"`
	Actual   string `json:"actual,omitempty"` // empty: not answered
	ZH       string `json:"zh"`
	EN       string `json:"en"`
}

// MaterialSource says who brings a material.
type MaterialSource string

// The sources of a merged material.
const (
	FromApplicant    MaterialSource = "APPLICANT"
	FromInside       MaterialSource = "INTERNAL"      // the result of another item of this guide
	FromLicenseStore MaterialSource = "LICENSE_STORE" // fetched from data sharing
)

// Material is a paper of the project, once, whoever needs it.
type Material struct {
	Code      string         `json:"code"`
	Name      string         `json:"name"`
	Source    MaterialSource `json:"source"`
	Items     []string       `json:"items"`
	From      []string       `json:"from"` // INTERNAL: the items that give it
	Tolerable bool           `json:"tolerable"`
}

// Zoning is what the scheme says about the project's zone.
type Zoning struct {
	Zone    string   `json:"zone"`
	Verdict string   `json:"verdict"` // ALLOWED, RESTRICTED, FORBIDDEN or UNKNOWN
	Reason  string   `json:"reason,omitempty"`
	Clauses []string `json:"clauses"`
}

// Schedule is the time that the needed items take, in working days.
type Schedule struct {
	Stages            []Stage      `json:"stages"`
	CriticalPath      []string     `json:"critical_path"`
	PromisedWorkdays  int          `json:"promised_workdays"`
	StatutoryWorkdays int          `json:"statutory_workdays"`
	PromisedSum       int          `json:"promised_sum"`
	StatutorySum      int          `json:"statutory_sum"`
	Estimated         bool         `json:"estimated"`
	PromisedDueOn     workday.Date `json:"promised_due_on,omitzero"`
	StatutoryDueOn    workday.Date `json:"statutory_due_on,omitzero"`
	Provisional       bool         `json:"provisional"`
}

// Stage is a stage of the scheme with its needed items.
type Stage struct {
	Code  string   `json:"code"`
	Name  string   `json:"name"`
	Items []string `json:"items"`
}
