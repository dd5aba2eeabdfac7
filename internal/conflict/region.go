package conflict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/standard"
)

// region widens a project to a region in which all conditions hold: bounds on
// single facts, as few as possible, each fact within its range.
func (r *run) region(values []int64, conditions ...*condition) []interval {
	sp := r.p.space
	e := r.fresh()
	whole := junction(all, conditions...)
	dims := sp.closure(whole.dims)
	f := sp.fresh(e, dims)
	sp.demand(e, f, dims)
	e.Add(e.truth(whole, f).yes.Not())
	type bound struct {
		dim int
		lit sat.Lit
	}
	var bounds []bound
	for _, dim := range dims {
		s := &f[dim]
		switch {
		case values[dim] == absent:
			bounds = append(bounds, bound{dim, s.known.Not()})
			continue
		case s.known != sat.True:
			bounds = append(bounds, bound{dim, s.known})
		}
		for _, l := range e.Cell(s.terms[0].Var, values[dim]) {
			bounds = append(bounds, bound{dim, l})
		}
	}
	assume := func(bs []bound) []sat.Lit {
		out := make([]sat.Lit, len(bs))
		for i, b := range bs {
			out[i] = b.lit
		}
		return out
	}
	if r.solve(e, assume(bounds)...) != sat.Unsat {
		return nil // out of budget: no region is claimed
	}
	prune := func() {
		core := e.Core()
		bounds = slices.DeleteFunc(bounds, func(b bound) bool { return !slices.Contains(core, b.lit) })
	}
	prune()
	for i := 0; i < len(bounds); {
		rest := slices.Delete(slices.Clone(bounds), i, i+1)
		if r.solve(e, assume(rest)...) == sat.Unsat {
			bounds = rest
			continue
		}
		i++
	}
	var out []interval
	for _, dim := range dims {
		d := &sp.dims[dim]
		lo, hi := d.lo(), d.hi()
		about, unanswered := false, false
		for _, b := range bounds {
			if b.dim != dim {
				continue
			}
			about = true
			s := &f[dim]
			if b.lit == s.known.Not() && s.known != sat.True {
				unanswered = true
				continue
			}
			if b.lit == s.known && s.known != sat.True {
				continue
			}
			low, high := e.Meaning(s.terms[0].Var, b.lit)
			lo, hi = max(lo, low), min(hi, high)
		}
		if about {
			out = append(out, interval{dim, lo, hi, unanswered})
		}
	}
	return out
}

// interval is what a region demands of one dimension.
type interval struct {
	dim        int
	lo, hi     int64
	unanswered bool
}

func (sp *space) bounds(region []interval) []Bound {
	var out []Bound
	for _, i := range region {
		out = append(out, sp.dims[i.dim].bound(i.lo, i.hi, i.unanswered))
	}
	return out
}

// bound words an interval of a fact.
func (d *dimension) bound(lo, hi int64, unanswered bool) Bound {
	b := Bound{Fact: d.fact.Key}
	name := "facts." + d.fact.Key
	zh, en := d.fact.Label, cmp.Or(d.fact.LabelEN, d.fact.Key)
	literal := func(v int64) string {
		text := standard.Decimal(v * d.step).String()
		if d.fact.Kind == standard.Number && !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	}
	switch {
	case unanswered:
		b.CEL, b.ZH, b.EN = "!has("+name+")", zh+" 未填写", en+" not answered"
	case d.optional && lo == d.lo() && hi == d.hi():
		b.CEL, b.ZH, b.EN = "has("+name+")", zh+" 已填写", en+" answered"
	case d.fact.Kind == standard.Bool:
		z, e := d.value(lo)
		b.CEL, b.ZH, b.EN = name, zh+" "+z, en+": "+e
		if lo == 0 {
			b.CEL = "!" + name
		}
	case d.fact.Kind == standard.Enum:
		var values, zhs, ens []string
		for v := lo; v <= hi; v++ {
			if inside(d.lawful, v) {
				z, e := d.value(v)
				values, zhs, ens = append(values, fmt.Sprintf("%q", d.codes[v])), append(zhs, z), append(ens, e)
			}
		}
		b.CEL = name + " in [" + strings.Join(values, ", ") + "]"
		if len(values) == 1 {
			b.CEL = name + " == " + values[0]
		}
		b.ZH, b.EN = zh+" "+strings.Join(zhs, "、"), en+": "+strings.Join(ens, ", ")
	case lo == hi:
		z, e := d.value(lo)
		b.CEL, b.ZH, b.EN = name+" == "+literal(lo), zh+" "+z, en+" "+e
	default:
		var cel, zhs, ens []string
		if lo > d.lo() {
			// "more than 500" reads better than "at least 500.000001".
			if d.step == 1 && d.fact.Kind == standard.Number && lo%grid != 0 && (lo-1)%10 == 0 {
				z, _ := d.value(lo - 1)
				cel, zhs, ens = append(cel, name+" > "+literal(lo-1)), append(zhs, "大于 "+z), append(ens, "more than "+z)
			} else {
				z, _ := d.value(lo)
				cel, zhs, ens = append(cel, name+" >= "+literal(lo)), append(zhs, "不少于 "+z), append(ens, "at least "+z)
			}
		}
		if hi < d.hi() {
			if d.step == 1 && d.fact.Kind == standard.Number && hi%grid != 0 && (hi+1)%10 == 0 {
				z, _ := d.value(hi + 1)
				cel, zhs, ens = append(cel, name+" < "+literal(hi+1)), append(zhs, "小于 "+z), append(ens, "less than "+z)
			} else {
				z, _ := d.value(hi)
				cel, zhs, ens = append(cel, name+" <= "+literal(hi)), append(zhs, "不超过 "+z), append(ens, "at most "+z)
			}
		}
		b.CEL = strings.Join(cel, " && ")
		b.ZH, b.EN = zh+" "+strings.Join(zhs, "且"), en+" "+strings.Join(ens, " and ")
	}
	return b
}

func celOf(region []Bound) string {
	var parts []string
	for _, b := range region {
		if b.CEL != "" {
			parts = append(parts, b.CEL)
		}
	}
	return strings.Join(parts, " && ")
}

func words(region []Bound) (zh, en string) {
	var zhs, ens []string
	for _, b := range region {
		zhs, ens = append(zhs, b.ZH), append(ens, b.EN)
	}
	return strings.Join(zhs, "，"), strings.Join(ens, ", ")
}
