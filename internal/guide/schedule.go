package guide

import (
	"slices"

	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// edges gives the precedence among the guide's items: the scheme's own edges,
// and the preconditions of each item.
func (q *question) edges(g *Guide) []scheme.Edge {
	var out []scheme.Edge
	if q.scheme != nil {
		out = append(out, q.scheme.Scheme.Edges...)
	}
	for _, r := range g.Items {
		for _, pre := range r.Item.Preconditions {
			known := slices.ContainsFunc(out, func(e scheme.Edge) bool { return e.From == pre.Item && e.To == r.Item.Code })
			if !known {
				out = append(out, scheme.Edge{From: pre.Item, To: r.Item.Code, Type: pre.Strength, Note: pre.Note})
			}
		}
	}
	return out
}

func (q *question) stages() []scheme.Stage {
	if q.scheme == nil {
		return nil
	}
	return q.scheme.Scheme.Stages
}

// order writes into each item what comes before it and sorts the items so that
// what comes first stands first; among equals the scheme's own order holds.
// Items that are not needed order nothing and stand at the end. A circle of
// items, which publication refuses, is cut where the scheme's order begins it.
func (q *question) order(g *Guide) {
	at := make(map[string]int, len(g.Items))
	for i, r := range g.Items {
		if r.Needed != standard.False {
			at[r.Item.Code] = i
		}
	}
	for _, e := range q.edges(g) {
		if _, ok := at[e.From]; !ok {
			continue
		}
		to, ok := at[e.To]
		if !ok {
			continue
		}
		if e.Type == item.Hard {
			g.Items[to].After = append(g.Items[to].After, e.From)
		} else {
			g.Items[to].AfterOrPromised = append(g.Items[to].AfterOrPromised, e.From)
		}
	}
	sorted := make([]ItemResult, 0, len(g.Items))
	placed := map[string]bool{}
	ready := func(r ItemResult) bool {
		for _, before := range [][]string{r.After, r.AfterOrPromised} {
			for _, code := range before {
				if !placed[code] {
					return false
				}
			}
		}
		return true
	}
	for len(at) > 0 {
		next, first := -1, -1
		for i, r := range g.Items {
			if _, open := at[r.Item.Code]; !open {
				continue
			}
			if first < 0 {
				first = i
			}
			if ready(r) {
				next = i
				break
			}
		}
		if next < 0 {
			next = first
		}
		code := g.Items[next].Item.Code
		sorted = append(sorted, g.Items[next])
		placed[code] = true
		delete(at, code)
	}
	for _, r := range g.Items {
		if r.Needed == standard.False {
			sorted = append(sorted, r)
		}
	}
	g.Items = sorted
}

// inWorkdays converts a limit for adding up: natural days count as five working
// days a week, rounded up.
func inWorkdays(days int, unit item.TimeUnit) int {
	if unit == item.CalendarDays {
		return (days*5 + 6) / 7
	}
	return days
}

func promised(t item.Time) int { return t.Promised }

// statutory is the law's limit, or where the law sets none the promise, which
// then is all that binds.
func statutory(t item.Time) int {
	if t.Statutory == 0 {
		return t.Promised
	}
	return t.Statutory
}

// schedule computes the days that the needed items take. An item's clock starts
// when the results that it needs have arrived (浙江省保障“最多跑一次”改革规定 第5条).
func (c *Catalogue) schedule(g *Guide, stages []scheme.Stage) Schedule {
	needed := g.needed()
	s := Schedule{Stages: []Stage{}, CriticalPath: []string{}}
	for _, st := range stages {
		stage := Stage{Code: st.Code, Name: st.Name, Items: []string{}}
		for _, r := range needed {
			if r.Stage == st.Code {
				stage.Items = append(stage.Items, r.Item.Code)
			}
		}
		if len(stage.Items) > 0 {
			s.Stages = append(s.Stages, stage)
		}
	}
	for _, r := range needed {
		t := r.Item.Time
		s.PromisedSum += inWorkdays(promised(t), t.Unit)
		s.StatutorySum += inWorkdays(statutory(t), t.Unit)
		s.Estimated = s.Estimated || t.Unit == item.CalendarDays
	}
	s.CriticalPath, s.PromisedWorkdays = longest(needed, promised)
	_, s.StatutoryWorkdays = longest(needed, statutory)
	var provisional [2]bool
	s.PromisedDueOn, provisional[0] = c.dueOn(needed, g.AsOf, promised)
	s.StatutoryDueOn, provisional[1] = c.dueOn(needed, g.AsOf, statutory)
	s.Provisional = provisional[0] || provisional[1]
	return s
}

// longest gives the chain of items along After that takes the most days, and
// the days. The items stand in their order, so one pass is enough.
func longest(needed []*ItemResult, days func(item.Time) int) ([]string, int) {
	finish := make(map[string]int, len(needed))
	before := make(map[string]string, len(needed))
	last, most := "", -1
	for _, r := range needed {
		start := 0
		for _, code := range r.After {
			if f, ok := finish[code]; ok && (before[r.Item.Code] == "" || f >= start) {
				start, before[r.Item.Code] = f, code
			}
		}
		end := start + inWorkdays(days(r.Item.Time), r.Item.Time.Unit)
		finish[r.Item.Code] = end
		if end > most {
			last, most = r.Item.Code, end
		}
	}
	path := []string{}
	for code := last; code != ""; code = before[code] {
		path = append([]string{code}, path...)
	}
	return path, max(most, 0)
}

// dueOn gives the day on which the last needed item is due when everything is
// accepted on start. It is zero when no calendar covers the time.
func (c *Catalogue) dueOn(needed []*ItemResult, start workday.Date, days func(item.Time) int) (due workday.Date, provisional bool) {
	if c.calendar == nil || len(needed) == 0 {
		return workday.Date{}, false
	}
	finish := make(map[string]workday.Date, len(needed))
	for _, r := range needed {
		from := start
		for _, code := range r.After {
			if f, ok := finish[code]; ok && f.After(from) {
				from = f
			}
		}
		limit := workday.Limit{Amount: days(r.Item.Time), Unit: workday.UnitWorkday}
		if r.Item.Time.Unit == item.CalendarDays {
			limit.Unit = workday.UnitDay
		}
		on, unsure, err := c.calendar.DueOn(from, limit)
		if err != nil {
			return workday.Date{}, false // no calendar for the year: no date, rather than a guess
		}
		provisional = provisional || unsure
		finish[r.Item.Code] = on
		if on.After(due) {
			due = on
		}
	}
	return due, provisional
}
