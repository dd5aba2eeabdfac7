package conflict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/standard"
)

// duplicates finds what an applicant is asked for twice: papers that another item
// of the same project gives, papers that several departments ask for, visits that
// several departments make, and rules that stand there in two readings.
func (r *run) duplicates(scope map[int]bool) {
	r.twoReadings(scope)
	touched := map[string]bool{}
	whole := r.o.Item == "" && r.o.Clause == "" && r.o.Scheme == ""
	for _, it := range r.p.Items {
		touched[it.Code] = whole || it.Code == r.o.Item
	}
	for _, sc := range r.p.Schemes {
		if sc.Code == r.o.Scheme {
			for _, e := range sc.Items {
				touched[e.Item] = true
			}
		}
	}
	if r.o.Clause != "" {
		return
	}
	r.papers(touched)
	r.visits(touched)
}

// twoReadings finds readings of one rule that are in force together and judge a
// project differently, or both apply where a person judges. A clause of the same
// item that applies alike and that a person judges too is taken for a reading,
// though its group is not named.
func (r *run) twoReadings(scope map[int]bool) {
	for _, a := range r.p.clauses {
		if a.InterpretationGroup == "" {
			continue
		}
		for _, b := range r.p.clauses {
			grouped := b.InterpretationGroup == a.InterpretationGroup
			alike := b.InterpretationGroup == "" && a.requires == nil && b.requires == nil && a.Item == b.Item && a.Kind == b.Kind && same(a.applies, b.applies)
			if a == b || !scope[a.index] && !scope[b.index] || !alike && !(grouped && b.index < a.index) {
				continue
			}
			if !r.twice(a, b) {
				return
			}
		}
	}
}

// twice reports two readings; it is false when the analysis is at fault.
func (r *run) twice(a, b *clause) bool {
	conditions := []*condition{a.applies, b.applies}
	if a.requires != nil && b.requires != nil {
		conditions = append(conditions, junction(anyOf,
			junction(all, a.requires, junction(notTrue, b.requires)),
			junction(all, b.requires, junction(notTrue, a.requires))))
	}
	values, status := r.find(conditions...)
	if status != sat.Sat {
		return true
	}
	dims := r.p.space.closure(junction(all, conditions...).dims)
	project, facts := r.project(values, dims)
	if project == nil {
		return false
	}
	if a.appliesTo(project) != standard.True || b.appliesTo(project) != standard.True {
		r.wrong(Duplicate, a.Code+" "+b.Code)
		return false
	}
	pair := []*clause{a, b}
	slices.SortFunc(pair, func(x, y *clause) int { return x.index - y.index })
	f := Finding{Kind: Duplicate, Severity: Warn, Proved: true, Clauses: codes(pair), Readings: codes(pair), Witness: facts}
	f.Items, f.Departments = involved(pair)
	zh, en := r.p.citeAll(pair)
	zhFacts, enFacts := r.p.space.words(values, dims)
	f.ZH = fmt.Sprintf("同一规定有两种口径并存，区里须选定其一：%s。例如项目：%s", zh, zhFacts)
	f.EN = fmt.Sprintf("two readings of one rule stand side by side until the district chooses: %s. For example a project with %s", en, enFacts)
	r.report(f)
	return true
}

// anywhere is the condition that every project fulfils.
var anywhere = &condition{shape: always}

// papers finds materials that the applicant must bring though another needed item
// gives them, or brings to more than one department.
func (r *run) papers(touched map[string]bool) {
	gives := map[string][]string{}
	for _, it := range r.p.Items {
		if it.Result.Name != "" {
			gives[it.Result.Name] = append(gives[it.Result.Name], it.Code)
		}
	}
	asks := map[string][]string{}
	names := map[string]string{}
	var order []string
	for _, it := range r.p.Items {
		for _, m := range it.Materials {
			if m.Source != item.Applicant {
				continue
			}
			for _, giver := range gives[m.Name] {
				if giver != it.Code && (touched[giver] || touched[it.Code]) {
					r.together([]string{giver, it.Code}, anywhere, m.Name,
						"申请人被要求提交“%s”，而它正是同一项目另一事项的结果，应内部流转：%s",
						"the applicant is asked for %s, which another item of the same project gives; it is passed inside: %s")
				}
			}
			code := m.Code()
			if asks[code] == nil {
				order = append(order, code)
				names[code] = m.Name
			}
			if !slices.Contains(asks[code], it.Code) {
				asks[code] = append(asks[code], it.Code)
			}
		}
	}
	slices.Sort(order)
	for _, code := range order {
		if r.ctx.Err() != nil {
			return
		}
		r.largest(asks[code], touched, anywhere, names[code],
			"“%s”由多个部门向申请人索要，应一次收取、共同使用：%s",
			"%s is asked of the applicant by several departments; it should be taken once and shared: %s")
	}
}

// siteWords are how the items of a pack speak of a visit to the site.
var siteWords = []string{"现场", "踏勘", "勘验", "site visit", "on site", "on-site"}

// visits finds items of several departments that each send people to the site.
func (r *run) visits(touched map[string]bool) {
	visiting := map[string]bool{}
	mark := func(code string, texts ...string) {
		for _, t := range texts {
			if slices.ContainsFunc(siteWords, func(w string) bool { return strings.Contains(t, w) }) {
				visiting[code] = true
			}
		}
	}
	for _, it := range r.p.Items {
		mark(it.Code, it.StopsClock...)
		mark(it.Code, it.Obligations...)
	}
	for _, c := range r.p.clauses {
		mark(c.Item, append(slices.Clone(c.Evidence), c.Manual)...)
	}
	for n, sc := range r.p.Schemes {
		var items []string
		for _, e := range sc.Items {
			if visiting[e.Item] && r.p.items[e.Item] != nil {
				items = append(items, e.Item)
			}
		}
		r.largest(items, touched, r.p.schemes[n], sc.Name,
			"“%s”中多个部门分别到现场，应联合踏勘一次：%s",
			"in %s several departments each visit the site; one joint visit should do: %s")
	}
}

// largest looks for a project that needs as many as possible of some items and
// reports it when they belong to more than one department.
func (r *run) largest(items []string, touched map[string]bool, within *condition, name, zh, en string) {
	if len(r.p.inCharge(items)) < 2 || !slices.ContainsFunc(items, func(i string) bool { return touched[i] }) {
		return
	}
	var best []string
	for start := range items {
		var set []string
		var needed []*condition
		for k := range items {
			code := items[(start+k)%len(items)]
			if r.meets(append(slices.Clone(needed), r.p.needed[code], within)...) {
				set, needed = append(set, code), append(needed, r.p.needed[code])
			}
		}
		if len(r.p.inCharge(set)) > len(r.p.inCharge(best)) || len(set) > len(best) && len(r.p.inCharge(set)) == len(r.p.inCharge(best)) {
			best = set
		}
	}
	if len(r.p.inCharge(best)) > 1 {
		r.together(unique(best), within, name, zh, en)
	}
}

// together reports items that one project needs together.
func (r *run) together(items []string, within *condition, name, zh, en string) {
	needed := []*condition{within}
	for _, code := range items {
		needed = append(needed, r.p.needed[code])
	}
	values, status := r.find(needed...)
	if status != sat.Sat {
		return
	}
	dims := r.p.space.closure(junction(all, needed...).dims)
	project, facts := r.project(values, dims)
	if project == nil {
		return
	}
	var zhs, ens []string
	for _, code := range items {
		it := r.p.items[code]
		if it.Needed.Eval(project) != standard.True {
			r.wrong(Duplicate, code)
			return
		}
		zhDept, enDept := r.p.department(it.Department)
		zhs, ens = append(zhs, it.Name+"（"+zhDept+"）"), append(ens, cmp.Or(it.NameEN, it.Name)+" ("+enDept+")")
	}
	r.report(Finding{
		Kind: Duplicate, Severity: Warn, Proved: true, Items: unique(items), Departments: r.p.inCharge(items), Witness: facts,
		ZH: fmt.Sprintf(zh, name, strings.Join(zhs, "、")), EN: fmt.Sprintf(en, name, strings.Join(ens, ", ")),
	})
}
