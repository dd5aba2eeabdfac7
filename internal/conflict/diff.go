package conflict

import (
	"context"
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/standard"
)

// Diff finds what a new version of the standards means: which projects are
// refused or allowed now by which clause, and which need an item more or less.
// A rewrite without effect is silent. The projects are those that both
// vocabularies can hold, with the facts of each beside them.
func Diff(ctx context.Context, before, after *Subject, o Options) (*Report, error) {
	space, facts := newSpace(ctx, append(before.everyExpr(), after.everyExpr()...), before.Vocabulary, after.Vocabulary)
	space.retire(after.Retired)
	old, now := before.translate(ctx, space, facts[0]), after.translate(ctx, space, facts[1])
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	space.relate(append(slices.Clone(old.invariants), now.invariants...))
	d := &diff{run: newRun(ctx, now, o), old: old, now: now}
	d.clauses()
	d.items()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if d.err != nil {
		return nil, d.err
	}
	report := &Report{Day: after.Day, Findings: d.out, More: d.more}
	if report.Findings == nil {
		report.Findings = []Finding{}
	}
	if err := report.seal(); err != nil {
		return nil, err
	}
	return report, nil
}

// diff is a comparison under way.
type diff struct {
	*run
	old, now *prepared
}

// same says that two versions of a condition are written alike.
func same(a, b *condition) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.key() == b.key()
}

func (d *diff) clauses() {
	all := map[string]bool{}
	for _, p := range []*prepared{d.old, d.now} {
		for _, c := range p.clauses {
			all[c.Code] = true
		}
	}
	codes := make([]string, 0, len(all))
	for code := range all {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		if d.ctx.Err() != nil {
			return
		}
		was, is := d.old.byCode[code], d.now.byCode[code]
		if d.o.Clause != "" && d.o.Clause != code {
			continue
		}
		if d.o.Item != "" && (was == nil || was.Item != d.o.Item) && (is == nil || is.Item != d.o.Item) {
			continue
		}
		oldBreach, newBreach := demandOf(was), demandOf(is)
		if !same(oldBreach, newBreach) {
			if newBreach != nil {
				d.breached(is, d.old, d.now, NewlyRefused,
					"以下条款使原可通过的项目不再通过：%s。例如项目：%s", "projects that were in order are refused now by %s. For example one with %s")
			}
			if oldBreach != nil {
				d.breached(was, d.now, d.old, NewlyAllowed,
					"以下条款的变化使原不能通过的项目可以通过：%s。例如项目：%s", "projects that breached the clause are in order now: %s. For example one with %s")
			}
		}
		if oldBreach == nil || newBreach == nil {
			d.applies(was, is)
		}
	}
}

// demandOf gives what breaches a clause; nil for one that is not there or that a
// person judges.
func demandOf(c *clause) *condition {
	if c == nil || !c.binds {
		return nil
	}
	return c.breach
}

// breached looks for a project that breaches a clause of one side and nothing of
// the other side.
func (d *diff) breached(c *clause, other, own *prepared, kind Kind, zhText, enText string) {
	found, status := d.implied(nil, other, c.breach, c.applies)
	zh, en := own.cite(c)
	if status == sat.Unknown && d.ctx.Err() == nil {
		d.report(Finding{
			Kind: kind, Severity: Warn, Clauses: []string{c.Code}, Items: []string{c.Item}, Departments: []string{c.Department},
			ZH: "在限定的计算量内未能判定条款变化的后果：" + zh, EN: "not decided within the budget what the change of the clause means: " + en,
		})
	}
	if status != sat.Sat || found.values == nil {
		return
	}
	mine, facts := d.answers(own, found.values)
	theirs, _ := d.answers(other, found.values)
	if mine == nil || theirs == nil {
		return
	}
	wrong := c.appliesTo(mine) != standard.True || c.Requires.Eval(mine) == standard.True
	for _, o := range other.clauses {
		wrong = wrong || o.binds && o.requires != nil && o.appliesTo(theirs) == standard.True && o.Requires.Eval(theirs) != standard.True
	}
	if wrong {
		d.wrong(kind, c.Code)
		return
	}
	zhFacts, enFacts := d.p.space.words(found.values, c.breach.dims)
	d.report(Finding{
		Kind: kind, Severity: Warn, Proved: true, Clauses: []string{c.Code}, Items: []string{c.Item}, Departments: []string{c.Department},
		Witness: facts, ZH: fmt.Sprintf(zhText, zh, zhFacts), EN: fmt.Sprintf(enText, en, enFacts),
	})
}

// answers makes the project of one side's vocabulary with everything that side's
// standards read. Facts that the other side only knows stay out.
func (d *diff) answers(p *prepared, values []int64) (*standard.Project, map[string]any) {
	facts := map[string]any{}
	for i := range p.Vocabulary.Len() {
		dim := &d.p.space.dims[p.facts.dims[i]]
		if v := values[p.facts.dims[i]]; v != absent && inside(dim.lawful, v) {
			facts[dim.fact.Key] = dim.answer(v)
		}
	}
	project, problems := p.Vocabulary.Project(facts)
	if len(problems) > 0 {
		d.wrong(Kind("WITNESS"), problems[0].Path)
		return nil, nil
	}
	return project, facts
}

// applies reports that a clause without a demand applies to more or fewer
// projects.
func (d *diff) applies(was, is *clause) {
	if was != nil && is != nil && same(was.applies, is.applies) {
		return
	}
	d.change(d.now, was == nil, is, was, NewlyApplies, "条款新近适用于这样的项目：%s。例如：%s", "the clause applies now: %s. For example to a project with %s")
	d.change(d.old, is == nil, was, is, AppliesNoMore, "条款不再适用于这样的项目：%s。例如：%s", "the clause applies no more: %s. For example to a project with %s")
}

func (d *diff) change(own *prepared, alone bool, c, other *clause, kind Kind, zhText, enText string) {
	if c == nil {
		return
	}
	conditions := []*condition{c.applies}
	if !alone {
		conditions = append(conditions, junction(notTrue, other.applies))
	}
	values, status := d.find(conditions...)
	if status != sat.Sat {
		return
	}
	mine, facts := d.answers(own, values)
	if mine == nil {
		return
	}
	if c.appliesTo(mine) != standard.True {
		d.wrong(kind, c.Code)
		return
	}
	zh, en := own.cite(c)
	zhFacts, enFacts := d.p.space.words(values, c.applies.dims)
	d.report(Finding{
		Kind: kind, Severity: Warn, Proved: true, Clauses: []string{c.Code}, Items: []string{c.Item}, Departments: []string{c.Department},
		Witness: facts, ZH: fmt.Sprintf(zhText, zh, zhFacts), EN: fmt.Sprintf(enText, en, enFacts),
	})
}

func (d *diff) items() {
	all := map[string]bool{}
	for _, p := range []*prepared{d.old, d.now} {
		for _, it := range p.Items {
			all[it.Code] = true
		}
	}
	codes := make([]string, 0, len(all))
	for code := range all {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	for _, code := range codes {
		was, is := d.old.needed[code], d.now.needed[code]
		if d.ctx.Err() != nil || d.o.Clause != "" || d.o.Item != "" && d.o.Item != code || was != nil && is != nil && same(was, is) {
			continue
		}
		d.need(code, is, was, d.now, d.old, NewlyNeeded, "这样的项目今后须办理“%s”：%s", "such a project needs %s now: %s")
		d.need(code, was, is, d.old, d.now, NotNeeded, "这样的项目今后不再须办理“%s”：%s", "such a project needs %s no more: %s")
	}
}

// need looks for a project that needs an item on one side only.
func (d *diff) need(code string, here, there *condition, own, other *prepared, kind Kind, zhText, enText string) {
	if here == nil {
		return
	}
	conditions := []*condition{here}
	if there != nil {
		conditions = append(conditions, junction(notTrue, there))
	}
	values, status := d.find(conditions...)
	zh, en := own.item(code)
	it := own.items[code]
	if status == sat.Unknown && d.ctx.Err() == nil {
		d.report(Finding{
			Kind: kind, Severity: Warn, Items: []string{code}, Departments: []string{it.Department},
			ZH: "在限定的计算量内未能判定事项是否须办理的变化：" + zh, EN: "not decided within the budget who needs the item: " + en,
		})
	}
	if status != sat.Sat {
		return
	}
	mine, facts := d.answers(own, values)
	theirs, _ := d.answers(other, values)
	if mine == nil || theirs == nil {
		return
	}
	if it.Needed.Eval(mine) != standard.True || there != nil && other.items[code].Needed.Eval(theirs) == standard.True {
		d.wrong(kind, code)
		return
	}
	region := d.region(values, conditions...)
	bounds := d.p.space.bounds(region)
	zhWhere, enWhere := words(bounds)
	d.report(Finding{
		Kind: kind, Severity: Warn, Proved: true, Items: []string{code}, Departments: []string{it.Department},
		Witness: facts, Region: bounds, Condition: celOf(bounds),
		ZH: fmt.Sprintf(zhText, zh, zhWhere), EN: fmt.Sprintf(enText, en, enWhere),
	})
}
