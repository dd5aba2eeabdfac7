// Package check says what departments' own checks (plugins) are to a case: who
// is asked what, what an answer holds, and what happens when there is none.
package check

import (
	"context"
	"io"
	"time"

	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Mode is what an active version of a plugin is for.
type Mode string

// The modes.
const (
	Enforce Mode = "ENFORCE" // its findings land on reviews
	Shadow  Mode = "SHADOW"  // it is asked beside, and its findings are compared, never shown to an applicant
	Off     Mode = "OFF"     // it is not asked
)

// Policy is what happens to a case when a check cannot be run: its plugin is
// down, late, refused, or has answered what breaks the contract. The department
// wishes it, the central team approves it. No policy stops a clock: what does not
// count is in 行政许可法 第45条, and a machine that fails is not among it.
type Policy string

// The policies.
const (
	Reject  Policy = "REJECT"  // the submission is not taken until the check has been run: no clock has started
	Refer   Policy = "REFER"   // an officer judges the clauses by hand, within the same limit
	Proceed Policy = "PROCEED" // the case goes on, with a note that the check was not run
)

// Verdict is what is found about one clause.
type Verdict string

// The verdicts.
const (
	Pass       Verdict = "PASS"
	Fail       Verdict = "FAIL"
	NeedsFacts Verdict = "NEEDS_FACTS"
	Human      Verdict = "HUMAN" // an officer judges it
)

// Text is a text for people.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Plugin is one active version of a department's plugin, as its signed manifest
// describes it.
type Plugin struct {
	Name       string // unique in the district: "fire"
	Version    string // semantic
	Digest     string // SHA-256 of the program that is run, hex
	Department string
	Mode       Mode // ENFORCE or SHADOW
	Unsigned   bool // nobody has vouched for it: development only, said on each finding
	Checks     []Check
}

// Check judges some clauses by computing. It is given the facts and materials
// that it declares, and nothing else.
type Check struct {
	ID            string // unique in its plugin: "exit-width"
	Clauses       []string
	Facts         []string // without one of them it finds NEEDS_FACTS
	OptionalFacts []string
	Materials     []string // codes of those of which it reads what is known
	Contents      []string // codes of those that it opens
	Policy        Policy   // as approved
	Pure          bool     // the answer depends on the question alone: it may be asked again, and replayed
}

// Question is one case as it is asked about, or a project that is no case yet.
type Question struct {
	CaseRef   string       // for correlation; says nothing about the applicant; "" for a project
	Day       workday.Date // as which it is judged
	Seed      uint64       // the only source of chance
	Facts     []Fact       // those that are known; sorted by key
	Materials []Material   // those that are there; sorted by code
}

// Fact is one known fact. Value is a standard.Decimal (NUMBER, INT), string
// (ENUM) or bool (BOOL).
type Fact struct {
	Key   string
	Kind  standard.FactKind
	Value any
}

// Material is what is known of a file of the case.
type Material struct {
	Code   string
	Name   string
	Type   string // media type, found in the content
	Size   int64  // bytes
	SHA256 string // hex
	Trust  string // A, B, C or D
	// Open gives the content; the caller closes it.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Ask names checks of one active version.
type Ask struct {
	Plugin string
	Digest string
	Checks []string // ids
}

// Result is what became of one check: at least one finding, or a fault.
type Result struct {
	Source
	Mode     Mode
	Policy   Policy
	Check    string
	Clauses  []string // that it judges
	Findings []Finding
	Fault    *Fault
	Receipt  string // of the call that answered; "" where none did
}

// Source says who has found something.
type Source struct {
	Plugin   string `json:"plugin"`
	Version  string `json:"version"`
	Digest   string `json:"digest"`            // SHA-256 of the program that ran, hex
	Sandbox  string `json:"sandbox,omitempty"` // the level that it ran in: "L0" to "L2"; "" when it did not run
	Unsigned bool   `json:"unsigned,omitempty"`
}

// Finding is what a check says about one clause, in the words of the manifest.
type Finding struct {
	Clause           string      `json:"clause"`
	Verdict          Verdict     `json:"verdict"`
	Code             string      `json:"code"` // stable, UPPER_SNAKE
	Message          Text        `json:"message,omitzero"`
	Remedy           Text        `json:"remedy,omitzero"`
	Basis            []law.Basis `json:"basis,omitempty"`
	UsedFacts        []string    `json:"used_facts,omitempty"`
	UsedMaterials    []string    `json:"used_materials,omitempty"`
	MissingFacts     []string    `json:"missing_facts,omitempty"`
	MissingMaterials []string    `json:"missing_materials,omitempty"`
}

// Fault is why a check could not be run. Detail is for the people who run the
// plugins, never for an applicant.
type Fault struct {
	Code   FaultCode `json:"code"`
	Detail string    `json:"detail"`
}

// FaultCode is the kind of a fault.
type FaultCode string

// The faults.
const (
	Down     FaultCode = "DOWN"      // the plugin is not there: it crashed, waits for its next start, or is refused
	Late     FaultCode = "LATE"      // no answer in the time that was left
	Busy     FaultCode = "BUSY"      // its queue is full
	Broken   FaultCode = "BROKEN"    // it answered what breaks the contract
	Errored  FaultCode = "ERRORED"   // the check itself said that it could not be run
	NotAsked FaultCode = "NOT_ASKED" // there is no such check in what is active
)

// RunState says whether a check of a case has been run.
type RunState string

// The states of a run.
const (
	Pending RunState = "PENDING" // still to be run, at NextAt; its Policy holds meanwhile
	Done    RunState = "DONE"    // its findings have landed
)

// Run is how one check of one case is doing.
type Run struct {
	Source
	Department string    `json:"department"`
	Check      string    `json:"check"`
	Clauses    []string  `json:"clauses"`
	Mode       Mode      `json:"mode"`
	Policy     Policy    `json:"policy"`
	State      RunState  `json:"state"`
	Attempts   int       `json:"attempts,omitempty"` // that failed, since it was asked for
	RanAt      time.Time `json:"ran_at,omitzero"`    // of the last attempt
	NextAt     time.Time `json:"next_at,omitzero"`   // while PENDING
	Fault      *Fault    `json:"fault,omitempty"`    // of the last attempt, while PENDING
	Receipt    string    `json:"receipt,omitempty"`
	Findings   []Finding `json:"findings,omitempty"` // of a SHADOW: they land nowhere else
}

// Note says what a run means for its case.
func (r Run) Note() Text {
	switch {
	case r.State == Done:
		return Text{"核验已完成", "the check has been run"}
	case r.Fault == nil:
		return Text{"核验进行中", "the check is being run"}
	case r.Policy == Proceed:
		return Text{"核验暂不能进行，办件继续办理，期限照常计算", "the check cannot be run now; the case goes on without it, and the limits go on"}
	}
	return Text{"核验暂不能进行，由审查人员判断，期限照常计算", "the check cannot be run now; an officer judges its clauses, and the limits go on"}
}

// Receipt is one call as it went over the wire: with the program of its digest
// the answer can be had again, and must be the same bytes.
type Receipt struct {
	ID       string // hex SHA-256 of digest and request: the same question to the same program is one receipt
	Case     string // identity of the case that has recorded it; "" before
	Source   Source
	Request  []byte // canonical bytes of the contract's CheckRequest
	Response []byte // canonical bytes of the contract's CheckResponse
}

// Runner runs checks. It is safe for concurrent use.
type Runner interface {
	// Active lists the plugins that are asked, by name, ENFORCE before SHADOW.
	Active() []Plugin

	// Run asks all of them at once within one budget of time, and answers before
	// ctx ends. Each check that was asked has exactly one result, in the order of
	// asks; what could not be had is a Fault, never an error and never a pass.
	Run(ctx context.Context, q Question, asks []Ask) ([]Result, []Receipt)
}

// State is how an active version is doing.
type State string

// The states.
const (
	Idle     State = "IDLE"     // not running; it starts when it is asked. Enters on activation and after a time without calls.
	Starting State = "STARTING" // verified, launched, asked who it is, tested. Leaves to READY, BACKOFF or REFUSED.
	Ready    State = "READY"    // answers
	Draining State = "DRAINING" // replaced: finishes its calls, then is gone
	Backoff  State = "BACKOFF"  // died or failed to start; started again at RetryAt
	Failed   State = "FAILED"   // died too often in a short time; tried again at RetryAt, after a long pause
	Refused  State = "REFUSED"  // must not run: signature, digest, description or sandbox is wrong; stays until something is changed
)

// Status is how an active version is doing, for those who run it.
type Status struct {
	Plugin   Plugin
	State    State
	Since    time.Time
	Reason   string    // why, for BACKOFF, FAILED and REFUSED
	RetryAt  time.Time // of the next start; zero when none is planned
	Sandbox  string    // the level that it runs in, or would
	Calls    int64     // since the host started
	Failures int64     // of the calls
	Restarts int64
	P50, P99 time.Duration // of the last calls; zero without any
}

// None is a Runner without plugins.
type None struct{}

// Active lists nothing.
func (None) Active() []Plugin { return nil }

// Run answers what was asked with the fault that it is not there.
func (None) Run(_ context.Context, _ Question, asks []Ask) ([]Result, []Receipt) {
	var out []Result
	for _, a := range asks {
		for _, id := range a.Checks {
			out = append(out, Result{Source: Source{Plugin: a.Plugin, Digest: a.Digest}, Check: id, Fault: &Fault{Code: NotAsked, Detail: "no plugin is active"}})
		}
	}
	return out, nil
}
