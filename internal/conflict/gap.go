package conflict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
)

// mostRegions bounds the regions that are shown of one category in one scheme.
const mostRegions = 4

// gaps finds what the standards leave out: regions of a scheme without a clause
// of a category that the scheme knows, holes between thresholds of one rule, and
// results that are demanded though no item that the project needs gives them.
func (r *run) gaps(scope map[int]bool) {
	r.categories(scope)
	r.thresholds(scope)
	r.unobtainable(scope)
}

// categories looks at every category in every scheme.
func (r *run) categories(scope map[int]bool) {
	byCategory := map[string][]*clause{}
	var order []string
	for _, c := range r.p.clauses {
		if byCategory[c.Category] == nil {
			order = append(order, c.Category)
		}
		byCategory[c.Category] = append(byCategory[c.Category], c)
	}
	slices.Sort(order)
	type scene struct {
		scheme  *Scheme
		applies *condition
	}
	var scenes []scene
	for i := range r.p.Schemes {
		if r.o.Scheme == "" || r.p.Schemes[i].Code == r.o.Scheme {
			scenes = append(scenes, scene{&r.p.Schemes[i], r.p.schemes[i]})
		}
	}
	if len(r.p.Schemes) == 0 {
		scenes = []scene{{nil, &condition{shape: always}}}
	}
	for _, category := range order {
		clauses := byCategory[category]
		if !slices.ContainsFunc(clauses, func(c *clause) bool { return scope[c.index] }) {
			continue
		}
		for _, s := range scenes {
			if r.ctx.Err() != nil {
				return
			}
			r.uncovered(category, s.scheme, s.applies, clauses)
		}
	}
}

// uncovered finds the projects of a scheme to which no clause of a category
// applies.
func (r *run) uncovered(category string, sc *Scheme, applies *condition, clauses []*clause) {
	inScheme := []*condition{applies}
	known := false
	for _, c := range clauses {
		if r.ctx.Err() != nil {
			return
		}
		if !r.meets(applies, c.applies) {
			continue
		}
		known = known || sc == nil || slices.ContainsFunc(sc.Items, func(e scheme.Entry) bool { return e.Item == c.Item })
		if c.applies.shape == always {
			return
		}
		inScheme = append(inScheme, junction(notTrue, c.applies))
	}
	if !known {
		return // the category is foreign to the scheme
	}
	base := Finding{Kind: Gap, Severity: Warn, Category: category}
	zh, en := "", ""
	if sc != nil {
		base.Scheme = sc.Code
		zh, en = "“"+sc.Name+"”中，", "in "+cmp.Or(sc.NameEN, sc.Name)+", "
	}
	for _, c := range clauses {
		base.Departments = append(base.Departments, c.Department)
	}
	var seen []*condition
	for range mostRegions {
		values, status := r.find(append(slices.Clone(inScheme), seen...)...)
		switch status {
		case sat.Unsat:
			return
		case sat.Unknown:
			if r.ctx.Err() == nil {
				base.ZH = zh + "在限定的计算量内未能判定“" + category + "”类条款是否（还）有遗漏"
				base.EN = en + "not decided within the budget whether clauses of category " + category + " leave something out"
				r.report(base)
			}
			return
		}
		region := r.region(values, inScheme...)
		dims := r.p.space.closure(junction(all, inScheme...).dims)
		project, facts := r.project(values, dims)
		if project == nil {
			return
		}
		if sc != nil && sc.Applies.Eval(project) != standard.True || !r.confirmed(project) ||
			slices.ContainsFunc(clauses, func(c *clause) bool { return c.appliesTo(project) == standard.True }) {
			r.wrong(Gap, category)
			return
		}
		f := base
		f.Proved, f.Witness = true, facts
		f.Region = r.p.space.bounds(region)
		f.Condition = celOf(f.Region)
		zhWhere, enWhere := words(f.Region)
		f.ZH = fmt.Sprintf("%s“%s”类没有条款适用于这样的项目：%s", zh, category, cmp.Or(zhWhere, "全部"))
		f.EN = fmt.Sprintf("%sno clause of category %s applies to projects with %s", en, category, cmp.Or(enWhere, "anything"))
		r.report(f)
		if len(region) == 0 {
			return
		}
		seen = append(seen, junction(notTrue, lies(region)))
	}
}

// lies is the condition that a project lies in a region.
func lies(region []interval) *condition {
	var parts []*condition
	for _, i := range region {
		term := part(i.dim, 1)
		if i.unanswered {
			parts = append(parts, junction(not, &condition{shape: answered, terms: terms(term), dims: []int{i.dim}}))
			continue
		}
		parts = append(parts, &condition{shape: leaf, terms: terms(term), dims: []int{i.dim}, spans: []span{{i.lo, i.hi}}})
	}
	return junction(all, parts...)
}

// thresholds finds holes between clauses that are one rule in steps: they apply
// under the same conditions but for the interval of one number.
func (r *run) thresholds(scope map[int]bool) {
	type rung struct {
		clause *clause
		spans  []span
	}
	type ladder struct {
		dim   int
		rungs []rung
		rest  *condition
	}
	asked := r.p.byCode[r.o.Clause]
	ladders := map[string]*ladder{}
	var order []string
	for _, c := range r.p.clauses {
		if r.ctx.Err() != nil {
			return
		}
		if !c.binds && c.Kind != standard.Rule || asked != nil && (c.Category != asked.Category || c.Department != asked.Department) {
			continue
		}
		for _, dim := range c.applies.dims {
			kind := r.p.space.dims[dim].fact.Kind
			if kind != standard.Number && kind != standard.Int {
				continue
			}
			spans, rest, ok := rungOf(c.applies, dim)
			if !ok {
				continue
			}
			key := fmt.Sprint(c.Category, "\x00", c.Department, "\x00", dim, "\x00", rest.key())
			if ladders[key] == nil {
				ladders[key] = &ladder{dim: dim, rest: rest}
				order = append(order, key)
			}
			ladders[key].rungs = append(ladders[key].rungs, rung{c, spans})
		}
	}
	for _, key := range order {
		l := ladders[key]
		if len(l.rungs) < 2 || r.ctx.Err() != nil {
			continue
		}
		if !slices.ContainsFunc(l.rungs, func(g rung) bool { return scope[g.clause.index] }) {
			continue
		}
		var covered []span
		for _, g := range l.rungs {
			covered = append(covered, g.spans...)
		}
		covered = tidy(covered)
		for i := 1; i < len(covered); i++ {
			hole := span{covered[i-1].hi + 1, covered[i].lo - 1}
			conditions := []*condition{l.rest, {shape: leaf, terms: terms(part(l.dim, 1)), dims: []int{l.dim}, spans: []span{hole}}}
			var below, above []*clause
			for _, g := range l.rungs {
				for _, s := range g.spans {
					if s.hi == hole.lo-1 {
						below = append(below, g.clause)
					}
					if s.lo == hole.hi+1 {
						above = append(above, g.clause)
					}
				}
			}
			for _, c := range r.p.clauses {
				if c.Category == l.rungs[0].clause.Category && c.applies.reads(l.dim) {
					conditions = append(conditions, junction(notTrue, c.applies))
				}
			}
			values, status := r.find(conditions...)
			if status != sat.Sat {
				continue
			}
			neighbours := slices.Concat(below, above)
			slices.SortFunc(neighbours, func(a, b *clause) int { return a.index - b.index })
			neighbours = slices.Compact(neighbours)
			dims := r.p.space.closure(junction(all, conditions...).dims)
			project, facts := r.project(values, dims)
			if project == nil {
				return
			}
			if slices.ContainsFunc(neighbours, func(c *clause) bool { return c.appliesTo(project) == standard.True }) {
				r.wrong(Gap, neighbours[0].Code)
				return
			}
			f := Finding{Kind: Gap, Severity: Warn, Proved: true, Category: neighbours[0].Category, Clauses: codes(neighbours), Witness: facts}
			f.Items, f.Departments = involved(neighbours)
			f.Region = r.p.space.bounds(r.region(values, conditions...))
			f.Condition = celOf(f.Region)
			b := r.p.space.dims[l.dim].bound(hole.lo, hole.hi, false)
			zh, en := r.p.citeAll(neighbours)
			f.ZH = fmt.Sprintf("分档条款之间有空档：%s 时都不适用：%s", b.ZH, zh)
			f.EN = fmt.Sprintf("steps of one rule leave a hole: none applies with %s: %s", b.EN, en)
			r.report(f)
		}
	}
}

// rungOf splits a conjunction into the interval of one dimension and the rest. A
// condition that reads the dimension anywhere else is no step of a ladder.
func rungOf(c *condition, dim int) ([]span, *condition, bool) {
	kids := []*condition{c}
	if c.shape == all {
		kids = c.kids
	}
	spans := []span{{farLow, farHigh}}
	var rest []*condition
	for _, k := range kids {
		if !k.reads(dim) {
			rest = append(rest, k)
			continue
		}
		if k.shape != leaf || len(k.terms) != 1 {
			return nil, nil, false
		}
		spans = intersect(spans, k.spans)
	}
	return spans, junction(all, rest...), true
}

// key tells conditions of the same wording alike, whatever the order of a
// conjunction.
func (c *condition) key() string {
	switch c.shape {
	case leaf, answered:
		return fmt.Sprint(c.shape, c.terms, c.spans)
	}
	kids := make([]string, len(c.kids))
	for i, k := range c.kids {
		kids[i] = k.key()
	}
	if c.shape == all || c.shape == anyOf {
		slices.Sort(kids)
	}
	return fmt.Sprint(c.shape, "(", strings.Join(kids, ","), ")")
}

// unobtainable finds clauses that demand another item's result of projects that
// do not need that item, so that nobody gives it.
func (r *run) unobtainable(scope map[int]bool) {
	byFact := map[string][]Result{}
	var facts []string
	for _, res := range r.p.Results {
		if byFact[res.Fact] == nil {
			facts = append(facts, res.Fact)
		}
		byFact[res.Fact] = append(byFact[res.Fact], res)
	}
	slices.Sort(facts)
	for _, fact := range facts {
		at, ok := r.p.Vocabulary.Index(fact)
		if !ok {
			continue
		}
		dim := r.p.facts.dims[at]
		d := &r.p.space.dims[dim]
		for _, c := range r.p.clauses {
			if r.ctx.Err() != nil {
				return
			}
			if !scope[c.index] || !c.binds || c.requires == nil || !c.requires.reads(dim) || c.applies.reads(dim) {
				continue
			}
			conditions := []*condition{c.applies}
			own := false
			var givers []string
			for _, res := range byFact[fact] {
				own = own || res.Item == c.Item
				if needed := r.p.needed[res.Item]; needed != nil {
					conditions = append(conditions, junction(notTrue, needed))
					givers = append(givers, res.Item)
				}
			}
			for v := d.lo(); v <= d.hi(); v++ {
				answer := d.answer(v)
				if !slices.ContainsFunc(byFact[fact], func(res Result) bool { return res.Value == answer }) {
					conditions = append(conditions, junction(notTrue, c.requires.with(dim, v)))
				}
			}
			if own || len(givers) == 0 {
				continue
			}
			values, status := r.find(conditions...)
			if status != sat.Sat {
				continue
			}
			dims := r.p.space.closure(junction(all, conditions...).dims)
			project, witness := r.project(values, dims)
			if project == nil {
				return
			}
			if c.appliesTo(project) != standard.True || slices.ContainsFunc(givers, func(code string) bool { return r.p.items[code].Needed.Eval(project) == standard.True }) {
				r.wrong(Gap, c.Code)
				return
			}
			f := Finding{Kind: Gap, Severity: Warn, Proved: true, Category: c.Category, Clauses: []string{c.Code}, Witness: witness}
			f.Items = unique(append(slices.Clone(givers), c.Item))
			f.Departments = append(r.p.inCharge(givers), c.Department)
			f.Region = r.p.space.bounds(r.region(values, conditions...))
			f.Condition = celOf(f.Region)
			zh, en := r.p.cite(c)
			zhWhere, enWhere := words(f.Region)
			var zhs, ens []string
			for _, code := range unique(givers) {
				z, e := r.p.item(code)
				zhs, ens = append(zhs, z), append(ens, e)
			}
			f.ZH = fmt.Sprintf("条款要求的“%s”无人可出具：%s；这样的项目不需要办理%s：%s", d.fact.Label, zh, strings.Join(zhs, "、"), zhWhere)
			f.EN = fmt.Sprintf("nobody gives what the clause demands (%s): %s; such a project does not need %s: %s", cmp.Or(d.fact.LabelEN, fact), en, strings.Join(ens, ", "), enWhere)
			r.report(f)
		}
	}
}
