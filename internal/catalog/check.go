package catalog

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// check finds every fault of a pack whose files could be read: codes, references,
// the vocabulary, every expression, the order of every scheme, the calendar.
func check(p *Pack) Faults {
	c := checker{pack: p}
	c.codes()
	c.vocabulary()
	c.places()
	for _, e := range p.Items {
		c.item(e)
	}
	for _, e := range p.Clauses {
		c.clause(e)
	}
	for _, e := range p.Schemes {
		c.scheme(e)
	}
	c.presets()
	c.analysis()
	c.calendar()
	return c.faults
}

// presets finds joint decision rules that cannot be read.
func (c *checker) presets() {
	for _, e := range c.pack.Rules {
		if e.Value.Section != casework.PresetSection {
			continue
		}
		var f *fault.Error
		if _, err := casework.ReadPreset(e.Value); errors.As(err, &f) {
			for _, p := range f.Problems {
				c.fault(e.place, "", "%s: %s", p.Path, p.EN)
			}
		}
	}
}

// analysis finds rules that the analysis of the standards cannot use.
func (c *checker) analysis() {
	for _, e := range c.pack.Rules {
		body, _ := e.Value.Body.(map[string]any)
		text := func(key string) string {
			s, _ := body[key].(string)
			return s
		}
		switch e.Value.Section {
		case conflict.SectionResults:
			if c.words != nil {
				_, problems := c.words.Project(map[string]any{text("fact"): body["value"]})
				for _, p := range problems {
					c.fault(e.place, "fact", "%s", p.EN)
				}
			}
			if code := text("item"); code != "" {
				c.refers(e.place, "item", "item", c.items, code)
			}
		case conflict.SectionOverrides:
			c.refers(e.place, "clause", "clause", c.clauses, text("clause"))
			c.refers(e.place, "over", "clause", c.clauses, text("over"))
		case conflict.SectionReadings:
			c.refers(e.place, "clause", "clause", c.clauses, text("clause"))
		case conflict.SectionInvariants:
			c.expression(e.place, "cel", text("cel"))
		}
	}
}

type checker struct {
	pack        *Pack
	words       *standard.Vocabulary
	departments map[string]bool
	regions     map[string]bool
	zones       map[string]bool
	items       map[string]bool
	clauses     map[string]bool
	laws        map[string]bool
	faults      Faults
}

func (c *checker) fault(at place, field, format string, args ...any) {
	c.faults = append(c.faults, Fault{at.file, at.line(field), at.at(field), fmt.Sprintf(format, args...)})
}

var codePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// codes collects the codes of each list and finds those that are missing,
// malformed or there twice.
func (c *checker) codes() {
	c.departments = codesOf(c, c.pack.Departments, func(d int) string { return c.pack.Departments[d].Value.Code })
	c.regions = codesOf(c, c.pack.Regions, func(i int) string { return c.pack.Regions[i].Value.Code })
	c.zones = codesOf(c, c.pack.Zones, func(i int) string { return c.pack.Zones[i].Value.Code })
	c.items = codesOf(c, c.pack.Items, func(i int) string { return c.pack.Items[i].Value.Code })
	c.clauses = codesOf(c, c.pack.Clauses, func(i int) string { return c.pack.Clauses[i].Value.Code })
	codesOf(c, c.pack.Schemes, func(i int) string { return c.pack.Schemes[i].Value.Code })
	for _, e := range c.pack.Schemes {
		if c.items[e.Value.Code] {
			c.fault(e.place, "id", "%s is an item already: a standard is found by its code", e.Value.Code)
		}
	}
	c.laws = map[string]bool{}
	for _, e := range c.pack.Laws {
		if e.Value.Name == "" {
			c.fault(e.place, "name", "a law needs a name")
		}
		if c.laws[e.Value.Name] {
			c.fault(e.place, "name", "%s stands here twice", e.Value.Name)
		}
		c.laws[e.Value.Name] = true
	}
}

func codesOf[T any](c *checker, entries []Entry[T], code func(int) string) map[string]bool {
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		switch id := code(i); {
		case id == "":
			c.fault(e.place, "id", "an entry needs an id")
		case !codePattern.MatchString(id):
			c.fault(e.place, "id", "id %q: letters, digits, - and _, at most 64", id)
		case seen[id]:
			c.fault(e.place, "id", "%s stands here twice", id)
		default:
			seen[id] = true
		}
	}
	return seen
}

func (c *checker) vocabulary() {
	if len(c.pack.Facts) == 0 {
		return // the file could not be read, which is told
	}
	facts := make([]standard.Fact, len(c.pack.Facts))
	at := map[string]place{}
	for i, e := range c.pack.Facts {
		facts[i] = e.Value
		at[e.Value.Key] = e.place
	}
	words, err := standard.NewVocabulary(facts)
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		for _, p := range f.Problems {
			where, ok := at[p.Path]
			if !ok {
				where = place{file: fileFacts}
			}
			c.fault(where, "", "fact %s: %s", p.Path, p.EN)
		}
	case err != nil:
		c.fault(place{file: fileFacts}, "", "%v", err)
	default:
		c.words = words
	}
}

// places checks the tree of regions and the zones.
func (c *checker) places() {
	parent := map[string]string{}
	for _, e := range c.pack.Regions {
		r := e.Value
		c.needs(e.place, "name", r.Name)
		c.needs(e.place, "kind", r.Kind)
		if r.Parent == nil {
			continue
		}
		c.refers(e.place, "parent", "region", c.regions, *r.Parent)
		parent[r.Code] = *r.Parent
	}
	for _, e := range c.pack.Regions {
		for steps, r := 0, e.Value.Code; parent[r] != ""; r = parent[r] {
			if steps++; steps > len(parent) {
				c.fault(e.place, "parent", "%s lies inside itself", e.Value.Code)
				break
			}
		}
	}
	for _, e := range c.pack.Zones {
		c.needs(e.place, "name", e.Value.Name)
		if e.Value.Region != nil {
			c.refers(e.place, "region", "region", c.regions, *e.Value.Region)
		}
	}
	for _, e := range c.pack.Departments {
		c.needs(e.place, "name", e.Value.Name)
		c.needs(e.place, "role", e.Value.Role)
	}
	if c.words == nil {
		return
	}
	if zone, ok := c.words.Fact(scheme.ZoneFact); ok {
		for _, v := range zone.Values {
			if !c.zones[v.Code] {
				c.fault(place{file: fileFacts}, "", "fact %s: value %s is no zone of %s", scheme.ZoneFact, v.Code, fileRegions)
			}
		}
	}
}

func (c *checker) item(e Entry[item.Item]) {
	it, at := e.Value, e.place
	c.needs(at, "name", it.Name)
	c.needs(at, "type", it.Type)
	c.refers(at, "department", "department", c.departments, it.Department)
	c.basis(at, it.Basis)
	c.present(at, e.Extra, "time/statutory", "time/promised", "preconditions", "materials", "obligations", "fee/amount")
	c.expression(at, "needed_when", it.NeededWhen)
	c.oneOf(at, "time/unit", string(it.Time.Unit), string(item.Workdays), string(item.CalendarDays))
	for field, days := range map[string]int{"time/statutory": it.Time.Statutory, "time/promised": it.Time.Promised} {
		if days < 0 || days > workday.MaxDays {
			c.fault(at, field, "%s: %d is no limit in days", field, days)
		}
	}
	if it.Time.Statutory > 0 && it.Time.Promised > it.Time.Statutory {
		c.fault(at, "time/promised", "promised %d is more than the law's %d", it.Time.Promised, it.Time.Statutory)
	}
	for i, pre := range it.Preconditions {
		field := fmt.Sprintf("preconditions/%d", i)
		c.refers(at, field+"/item", "item", c.items, pre.Item)
		c.oneOf(at, field+"/strength", string(pre.Strength), string(item.Hard), string(item.Soft))
		if pre.Item == it.Code {
			c.fault(at, field+"/item", "%s cannot be its own precondition", it.Code)
		}
	}
	seen := map[string]bool{}
	for i, m := range it.Materials {
		field := fmt.Sprintf("materials/%d", i)
		c.needs(at, field+"/name", m.Name)
		c.oneOf(at, field+"/source", string(m.Source), string(item.Applicant), string(item.Shared), string(item.Agency))
		if seen[m.Code()] {
			c.fault(at, field+"/name", "material %s is asked for twice", m.Code())
		}
		seen[m.Code()] = true
	}
	c.needs(at, "result/name", it.Result.Name)
	if it.Fee.Amount < 0 {
		c.fault(at, "fee/amount", "a fee of %d yuan", it.Fee.Amount)
	}
	c.oneOf(at, "commitment/mode", it.Commitment.Mode, "full", "partial", "none")
}

func (c *checker) clause(e Entry[standard.Clause]) {
	cl, at := e.Value, e.place
	c.needs(at, "text", cl.Text)
	c.needs(at, "category", cl.Category)
	c.refers(at, "item", "item", c.items, cl.Item)
	c.refers(at, "department", "department", c.departments, cl.Department)
	c.oneOf(at, "kind", strings.ToLower(string(cl.Kind)), "condition", "prohibition", "mitigation", "obligation", "rule", "advice")
	c.basis(at, cl.Basis)
	for i, r := range cl.Rulings {
		c.needs(at, fmt.Sprintf("rulings/%d/number", i), r.Number)
		c.needs(at, fmt.Sprintf("rulings/%d/text", i), r.Text)
	}
	c.present(at, e.Extra, "promisable", "evidence")
	c.expression(at, "applies_when", cl.AppliesWhen)
	if cl.Requires != nil {
		c.expression(at, "requires", *cl.Requires)
	} else if cl.Manual == "" {
		c.fault(at, "requires", "a clause without `requires` says in `manual` what a person looks at")
	}
	for field, day := range map[string]string{"effective/from": cl.Effective.From, "effective/to": cl.Effective.To} {
		if day == "" {
			continue
		}
		if _, err := workday.ParseDate(day); err != nil {
			c.fault(at, field, "%s: %q is no date", field, day)
		}
	}
	if cl.Effective.From != "" && cl.Effective.To != "" && cl.Effective.To < cl.Effective.From {
		c.fault(at, "effective/to", "ends %s before it begins %s", cl.Effective.To, cl.Effective.From)
	}
}

func (c *checker) scheme(e Entry[scheme.Scheme]) {
	s, at := e.Value, e.place
	c.needs(at, "name", s.Name)
	c.expression(at, "applies_when", s.AppliesWhen)
	c.refers(at, "lead", "department", c.departments, s.Lead)
	c.refers(at, "coordinator", "department", c.departments, s.Coordinator)
	for i, d := range s.Assisting {
		c.refers(at, fmt.Sprintf("assisting/%d", i), "department", c.departments, d)
	}
	for i, d := range s.Intake {
		c.refers(at, fmt.Sprintf("intake/%d", i), "department", c.departments, d)
	}
	if s.Clock.Statutory <= 0 || s.Clock.Promised <= 0 || s.Clock.Extension < 0 {
		c.fault(at, "clock", "the joint limits are positive working days")
	}
	stages := map[string]bool{}
	for i, st := range s.Stages {
		if st.Code == "" || stages[st.Code] {
			c.fault(at, fmt.Sprintf("stages/%d/id", i), "stage %q: an id of its own", st.Code)
		}
		stages[st.Code] = true
		c.needs(at, fmt.Sprintf("stages/%d/name", i), st.Name)
		if st.Lead != "" {
			c.refers(at, fmt.Sprintf("stages/%d/lead", i), "department", c.departments, st.Lead)
		}
	}
	members := map[string]bool{}
	for i, entry := range s.Items {
		field := fmt.Sprintf("items/%d", i)
		c.refers(at, field+"/item", "item", c.items, entry.Item)
		c.refers(at, field+"/stage", "stage", stages, entry.Stage)
		if members[entry.Item] {
			c.fault(at, field+"/item", "%s stands in the scheme twice", entry.Item)
		}
		members[entry.Item] = true
	}
	for i, edge := range s.Edges {
		field := fmt.Sprintf("edges/%d", i)
		c.refers(at, field+"/from", "item of the scheme", members, edge.From)
		c.refers(at, field+"/to", "item of the scheme", members, edge.To)
		c.oneOf(at, field+"/type", string(edge.Type), string(item.Hard), string(item.Soft))
	}
	for _, it := range c.pack.Items { // preconditions order the scheme as its edges do
		for _, pre := range it.Value.Preconditions {
			if members[it.Value.Code] && members[pre.Item] {
				s.Edges = append(s.Edges[:len(s.Edges):len(s.Edges)], scheme.Edge{From: pre.Item, To: it.Value.Code, Type: pre.Strength})
			}
		}
	}
	if cycle := s.HardCycle(); cycle != nil {
		c.fault(at, "edges", "items wait for each other: %s", strings.Join(cycle, " → "))
	}
	verdicts := map[string]bool{}
	for i, z := range s.Zoning {
		field := fmt.Sprintf("zoning/%d", i)
		if verdicts[z.Zone] {
			c.fault(at, field+"/zone", "%s has a verdict already", z.Zone)
		}
		verdicts[z.Zone] = true
		c.refers(at, field+"/zone", "zone", c.zones, z.Zone)
		c.oneOf(at, field+"/verdict", z.Verdict, "allowed", "restricted", "forbidden")
		for j, cl := range z.Clauses {
			c.refers(at, fmt.Sprintf("%s/clauses/%d", field, j), "clause", c.clauses, cl)
		}
	}
	for i, key := range s.AskFirst {
		if c.words == nil {
			break
		}
		if _, ok := c.words.Fact(key); !ok {
			c.fault(at, fmt.Sprintf("ask_first/%d", i), "%s is no fact", key)
		}
	}
}

func (c *checker) calendar() {
	at := place{file: fileHolidays}
	if c.pack.Calendar == "" && len(c.pack.Years) == 0 {
		return // the file could not be read, which is told
	}
	if c.pack.Calendar == "" {
		c.fault(at, "", "calendar: the code is missing")
	}
	years := make([]workday.Year, len(c.pack.Years))
	for i, e := range c.pack.Years {
		years[i] = e.Value
	}
	_, err := workday.NewCalendar(c.pack.Calendar, years)
	var f *fault.Error
	if errors.As(err, &f) {
		for _, p := range f.Problems {
			c.fault(at, "", "%s: %s", p.Path, p.EN)
		}
	} else if err != nil {
		c.fault(at, "", "%v", err)
	}
}

// present says that fields must stand in the pack, whatever their value: a
// misspelt one would otherwise silently count as false, zero or empty.
func (c *checker) present(at place, extra map[string]any, fields ...string) {
	absent, _ := extra[absentKey].([]any)
	for _, field := range fields {
		for _, path := range absent {
			if path == "/"+field || strings.HasPrefix(path.(string), "/"+field+"/") {
				c.fault(at, field, "%s is missing", field)
				break
			}
		}
	}
}

// needs says that a field must not be empty.
func (c *checker) needs(at place, field, value string) {
	if strings.TrimSpace(value) == "" {
		c.fault(at, field, "%s is missing", field)
	}
}

// refers says that a code must be one of those known.
func (c *checker) refers(at place, field, what string, known map[string]bool, code string) {
	if len(known) > 0 && !known[code] { // an empty list is a file that could not be read
		c.fault(at, field, "%s: %q is no %s", field, code, what)
	}
}

func (c *checker) oneOf(at place, field, value string, allowed ...string) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	c.fault(at, field, "%s: %q is none of %s", field, value, strings.Join(allowed, ", "))
}

func (c *checker) basis(at place, basis []law.Basis) {
	if len(basis) == 0 {
		c.fault(at, "basis", "no legal basis")
	}
	for i, b := range basis {
		if len(c.laws) > 0 && !c.laws[b.Law] {
			c.fault(at, fmt.Sprintf("basis/%d/law", i), "%q is not in %s", b.Law, fileLaws)
		}
	}
}

// expression says that a predicate must parse, type-check and stay in the
// ranges of its facts. Without a vocabulary, whose own faults are told, nothing
// can be said of it.
func (c *checker) expression(at place, field, src string) {
	if c.words == nil {
		return
	}
	expr, diagnostics := c.words.Parse(src)
	if expr != nil {
		diagnostics = append(diagnostics, expr.OutOfRange()...)
	}
	for _, d := range diagnostics {
		c.fault(at, field, "%s: column %d: %s", field, d.Column, d.EN)
	}
}
