package drafting

import (
	"maps"
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// RunState says where an impact run stands.
type RunState string

// The states of an impact run.
const (
	RunPending   RunState = "PENDING"   // asked for
	RunRunning   RunState = "RUNNING"   // some cases are judged; a restart goes on from there
	RunDone      RunState = "DONE"      // all are judged
	RunCancelled RunState = "CANCELLED" // given up by somebody
)

var runStates = []RunState{RunPending, RunRunning, RunDone, RunCancelled}

// Run is an impact run: closed cases judged anew under a draft, each with the
// versions and the plugins' findings that it was decided under otherwise.
type Run struct {
	ID       string
	Draft    string
	Digest   string  // of the content judged under, which stays that of the asking
	Code     string  // of the standard
	Version  int     // that the draft would have
	Content  Content // pinned
	State    RunState
	Total    int // closed cases when it was asked for
	Stride   int // of so many one is judged; 1: all
	Seen     int // cases passed
	Judged   int
	Cursor   string // the last case passed
	Flips    []Flip
	Flipped  int // all flips; Flips holds the first ones
	AskedBy  string
	AskedAt  time.Time
	EndedAt  time.Time
	Recorded time.Time // of the last progress
}

// mostFlips bounds what a run keeps.
const mostFlips = 1000

// Verdict is what the clauses together say of a case.
type Verdict string

// The verdicts.
const (
	Fine  Verdict = "PASS"
	Fails Verdict = "FAIL"
	Open  Verdict = "OPEN" // facts are missing, or an officer judges
)

// Flip is a closed case for which the draft says something else.
type Flip struct {
	Case    string       `json:"case"`
	Number  string       `json:"number"`
	Before  Verdict      `json:"before"`
	After   Verdict      `json:"after"`
	Clauses []ClauseFlip `json:"clauses,omitempty"`
	Needed  []string     `json:"needed,omitempty"`  // items that it would need
	Dropped []string     `json:"dropped,omitempty"` // items that it would not
	Papers  []string     `json:"papers,omitempty"`  // that it would owe
	Spared  []string     `json:"spared,omitempty"`  // that it would not
}

// ClauseFlip is one clause that judges otherwise; empty: it does not apply.
type ClauseFlip struct {
	Clause string  `json:"clause"`
	Before Verdict `json:"before,omitempty"`
	After  Verdict `json:"after,omitempty"`
}

// judged is what a catalogue says of a case.
type judged struct {
	clauses map[string]Verdict
	items   map[string]bool
	papers  map[string]bool
}

// Rejudge judges a closed case under the catalogue that it was decided under and
// under the draft. Nil: nothing is different. A case that the draft cannot judge,
// since its scheme or item is gone, is not compared.
func (r *Run) Rejudge(c *casework.Case, book, with *guide.Catalogue) *Flip {
	pins := map[string]int{}
	for _, p := range c.Standards {
		pins[p.Code] = p.Version
	}
	if _, concerned := pins[r.Code]; !concerned && c.Scheme != r.Code && c.Item != r.Code {
		return nil
	}
	in := guide.Input{Scheme: c.Scheme, Item: c.Item, Region: c.Region, Facts: c.Facts, AsOf: workday.DateOf(c.AcceptedAt), Pins: pins}
	before, err := book.Compute(in)
	if err != nil {
		return nil
	}
	in.Pins = maps.Clone(pins)
	in.Pins[r.Code] = r.Version
	after, err := with.Compute(in)
	if err != nil {
		return nil
	}
	a, b := judge(before), judge(after)
	plugins := Fine
	for _, review := range c.Reviews {
		for _, f := range review.Findings {
			if f.Source != nil && f.Verdict == casework.Fail {
				plugins = Fails // pinned: it fails before and after
			}
		}
	}
	flip := Flip{Case: c.ID, Number: c.Number, Before: worst(plugins, a.clauses), After: worst(plugins, b.clauses)}
	for _, code := range slices.Sorted(maps.Keys(union(a.clauses, b.clauses))) {
		was, is := a.clauses[code], b.clauses[code]
		silent := was == "" && is == Fine || was == Fine && is == "" // met where it applies: nothing changes for anybody
		if was != is && !silent {
			flip.Clauses = append(flip.Clauses, ClauseFlip{Clause: code, Before: a.clauses[code], After: b.clauses[code]})
		}
	}
	flip.Needed, flip.Dropped = differing(a.items, b.items)
	flip.Papers, flip.Spared = differing(a.papers, b.papers)
	if flip.Before == flip.After && len(flip.Clauses)+len(flip.Needed)+len(flip.Dropped)+len(flip.Papers)+len(flip.Spared) == 0 {
		return nil
	}
	return &flip
}

func judge(g *guide.Guide) judged {
	j := judged{clauses: map[string]Verdict{}, items: map[string]bool{}, papers: map[string]bool{}}
	for _, i := range g.Items {
		if i.Needed == standard.True {
			j.items[i.Item.Code] = true
		}
	}
	for _, m := range g.Materials {
		if m.Source == guide.FromApplicant {
			j.papers[m.Code] = true
		}
	}
	for _, k := range g.Clauses {
		switch {
		case k.Applies == standard.True && k.Met == standard.False:
			j.clauses[k.Clause.Code] = Fails
		case k.Applies == standard.True && k.Met == standard.True:
			j.clauses[k.Clause.Code] = Fine
		default:
			j.clauses[k.Clause.Code] = Open
		}
	}
	return j
}

func worst(v Verdict, all map[string]Verdict) Verdict {
	for _, other := range all {
		if other == Fails || v == Fails {
			v = Fails
		} else if other == Open {
			v = Open
		}
	}
	return v
}

func union[V any](a, b map[string]V) map[string]V {
	out := make(map[string]V, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

// differing lists what only b has, and what only a has.
func differing(a, b map[string]bool) (more, less []string) {
	for _, k := range slices.Sorted(maps.Keys(union(a, b))) {
		switch {
		case !a[k]:
			more = append(more, k)
		case !b[k]:
			less = append(less, k)
		}
	}
	return more, less
}

// advance takes the next cases into the run: of every Stride one is judged.
func (r *Run) advance(cases []*casework.Case, last bool, book, with *guide.Catalogue, now time.Time) {
	for _, c := range cases {
		if r.Seen%r.Stride == 0 {
			r.Judged++
			if flip := r.Rejudge(c, book, with); flip != nil {
				r.Flipped++
				if len(r.Flips) < mostFlips {
					r.Flips = append(r.Flips, *flip)
				}
			}
		}
		r.Seen++
		r.Cursor = c.ID
	}
	r.State, r.Recorded = RunRunning, now.UTC()
	if last {
		r.State, r.EndedAt = RunDone, now.UTC()
	}
}

// Cancel gives the run up; what it has found stays.
func (r *Run) Cancel(now time.Time) error {
	if r.State != RunPending && r.State != RunRunning {
		f := fault.New(fault.Conflict, "drafting.cancelImpactRun", "已结束："+string(r.State), "it has ended: "+string(r.State))
		f.State = string(r.State)
		return f
	}
	r.State, r.EndedAt = RunCancelled, now.UTC()
	return nil
}
