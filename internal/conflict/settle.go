package conflict

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/standard"
)

// Trial is one project and what its applicant can still choose: each fact of Vary
// among the values given, or anything lawful when none are. Facts that are
// neither answered nor varied stay unknown; what depends on them is not judged.
// Clauses narrows what is judged; all of them when empty.
type Trial struct {
	Facts   map[string]any
	Vary    map[string][]any
	Clauses []string
}

// Settlement says whether the applicant can meet every clause that applies. With
// Proved false the budget ran out.
type Settlement struct {
	Proved      bool
	Choice      map[string]any // values of Vary that meet everything; nil when there are none
	Cores       []Core         // what no choice meets; no clause is in two of them
	Resolutions []Resolution   // choice and design facts whose change would meet the clauses of the cores
}

// Core is a minimal set of clauses that no choice meets, and the departments that
// must talk when there are several.
type Core struct {
	Clauses, Departments []string
}

func coreOf(set ...*clause) Core {
	_, departments := involved(set)
	return Core{codes(set), unique(departments)}
}

// Settle looks for a choice that meets all clauses in force, whatever they are
// about, and for the clauses at fault when there is none.
func Settle(ctx context.Context, s *Subject, t Trial, o Options) (*Settlement, error) {
	p, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	base, problems := p.Vocabulary.Project(t.Facts)
	for _, key := range slices.Sorted(maps.Keys(t.Vary)) {
		if _, ok := p.Vocabulary.Index(key); !ok {
			problems = append(problems, fault.Problem{Path: "free." + clip(key), Code: standard.CodeUnknownFact, ZH: "没有这项事实：" + clip(key), EN: "there is no fact " + clip(key)})
			continue
		}
		for _, v := range t.Vary[key] {
			if _, wrong := p.Vocabulary.Project(map[string]any{key: v}); len(wrong) > 0 {
				wrong[0].Path = "free." + key
				problems = append(problems, wrong[0])
			}
		}
	}
	for i, code := range t.Clauses {
		if p.byCode[code] == nil {
			problems = append(problems, fault.Problem{Path: fmt.Sprintf("clauses[%d]", i), Code: "UNKNOWN_CLAUSE", ZH: "没有现行条款 " + clip(code), EN: "there is no clause " + clip(code) + " in force"})
		}
	}
	if len(problems) > 0 {
		return nil, fault.InvalidInput("conflict.Settle", problems...)
	}
	r := newRun(ctx, p, o)
	sp, e := p.space, newEncoder()
	f := make(frame, len(sp.dims))
	values := make([]int64, len(sp.dims))
	var dims []int
	stored := func(key string, answer any) int64 {
		at, _ := p.Vocabulary.Index(key)
		one, _ := p.Vocabulary.Project(map[string]any{key: answer})
		return p.stored(one, at)
	}
	for i := range p.Vocabulary.Len() {
		dim, key := p.facts.dims[i], p.Vocabulary.At(i).Key
		values[dim] = absent
		f[dim] = slot{known: sat.False}
		if base.Known(i) {
			values[dim] = p.stored(base, i)
			f[dim] = slot{known: sat.True, plus: values[dim]}
		}
		choices, vary := t.Vary[key]
		if !vary {
			continue
		}
		dims = append(dims, dim)
		f[dim] = sp.variable(&e, dim)
		e.Add(f[dim].known)
		v := f[dim].terms[0].Var
		var any []sat.Lit
		for _, c := range choices {
			value := stored(key, c)
			any = append(any, e.And(e.GE(v, value), e.LE(v, value)))
		}
		if len(any) > 0 {
			e.Add(any...)
		}
		if values[dim] != absent {
			e.Hint(v, values[dim])
		}
	}
	var judged []*clause
	var kept []sat.Lit
	for _, c := range p.clauses {
		if !c.binds || c.breach == nil || len(t.Clauses) > 0 && !slices.Contains(t.Clauses, c.Code) {
			continue
		}
		if fails := e.truth(junction(all, c.applies, junction(not, c.requires)), f).yes; fails != sat.False {
			judged, kept = append(judged, c), append(kept, fails.Not())
		}
	}
	out := &Settlement{Proved: true}
	left := slices.Clone(kept)
	var atFault []*clause
	for {
		status := r.solve(&e, left...)
		if status == sat.Unknown {
			out.Proved = false
			break
		}
		if status == sat.Sat {
			if len(out.Cores) == 0 {
				chosen := sp.values(&e, f)
				out.Choice = sp.facts(chosen, dims)
				met, wrong := base.With(out.Choice)
				for _, c := range judged {
					if len(wrong) > 0 || c.appliesTo(met) == standard.True && c.Requires.Eval(met) == standard.False {
						return nil, &fault.Error{Code: fault.Internal, Op: "conflict.Settle", ZH: "分析结果未通过复核", EN: "a result did not stand its check", Err: fmt.Errorf("conflict: the choice fails %s", c.Code)}
					}
				}
			}
			break
		}
		core := e.Core()
		core = slices.DeleteFunc(core, func(l sat.Lit) bool { return !slices.Contains(left, l) })
		slices.Sort(core)
		for k := 0; k < len(core); {
			rest := slices.Delete(slices.Clone(core), k, k+1)
			if r.solve(&e, rest...) == sat.Unsat {
				core = rest
				continue
			}
			k++
		}
		if len(core) == 0 {
			break // the values to choose from are no project at all
		}
		var set []*clause
		for i, l := range kept {
			switch {
			case len(core) == 1 && core[0] == l: // each of several alike fails by itself
				atFault = append(atFault, judged[i])
				out.Cores = append(out.Cores, coreOf(judged[i]))
			case len(core) > 1 && slices.Contains(core, l) && slices.Index(kept, l) == i:
				set = append(set, judged[i])
			}
		}
		if len(set) > 0 {
			atFault = append(atFault, set...)
			out.Cores = append(out.Cores, coreOf(set...))
		}
		left = slices.DeleteFunc(left, func(l sat.Lit) bool { return slices.Contains(core, l) })
	}
	slices.SortFunc(out.Cores, func(a, b Core) int { return slices.Compare(a.Clauses, b.Clauses) })
	if len(atFault) > 0 {
		for i := range values {
			if values[i] == absent {
				values[i] = sp.dims[i].hint
			}
		}
		out.Resolutions = r.resolutions(atFault, values)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return out, r.err
}

// stored gives the value of a project's fact in steps of its dimension.
func (p *prepared) stored(project *standard.Project, fact int) int64 {
	d := &p.space.dims[p.facts.dims[fact]]
	switch v := project.Value(fact).(type) {
	case standard.Decimal:
		return int64(v) / d.step
	case string:
		return int64(slices.Index(d.codes, v))
	case bool:
		if v {
			return 1
		}
	}
	return 0
}
