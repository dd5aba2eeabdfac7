package standard

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/onedoor/onedoor/internal/fault"
)

// unanswered marks a fact that nobody has answered. No value is that small:
// every number lies within ±1e18 millionths.
const unanswered = math.MinInt64

// Project is the immutable set of answers of one project: one slot per fact
// of its vocabulary. Numbers are millionths, booleans 0 or 1, enum values
// their index.
type Project struct {
	vocabulary *Vocabulary
	values     []int64
}

// Project reads the answers. Values are what JSON gives (json.Number, int,
// int64, float64, Decimal, string, bool). Nothing is defaulted: a fact that is
// not there stays unanswered. With problems there is no project; they are
// sorted by path, "facts.<key>".
func (v *Vocabulary) Project(facts map[string]any) (*Project, []fault.Problem) {
	empty := &Project{vocabulary: v, values: make([]int64, len(v.facts))}
	for i := range empty.values {
		empty.values[i] = unanswered
	}
	return empty.With(facts)
}

// With gives a copy in which the given facts are answered anew. It pins, for
// example, the facts that a scheme implies.
func (p *Project) With(facts map[string]any) (*Project, []fault.Problem) {
	changed := &Project{vocabulary: p.vocabulary, values: slices.Clone(p.values)}
	for key, v := range facts {
		i, ok := p.vocabulary.index[key]
		if !ok {
			return nil, p.vocabulary.problems(facts)
		}
		value, problem := p.vocabulary.facts[i].read(v)
		if problem != nil {
			return nil, p.vocabulary.problems(facts)
		}
		changed.values[i] = value
	}
	return changed, nil
}

// problems finds everything that is wrong with the answers, sorted by path.
func (v *Vocabulary) problems(facts map[string]any) []fault.Problem {
	var problems []fault.Problem
	unknown := 0
	for _, key := range slices.Sorted(maps.Keys(facts)) {
		i, ok := v.index[key]
		if !ok {
			unknown++ // A search for the nearest name costs, so only the first faults get one.
			zh, en := v.unknownFact(key, unknown <= 20)
			problems = append(problems, fault.Problem{Path: "facts." + clip(key), Code: CodeUnknownFact, ZH: zh, EN: en})
			continue
		}
		if _, problem := v.facts[i].read(facts[key]); problem != nil {
			problem.Path = "facts." + key
			problems = append(problems, *problem)
		}
	}
	slices.SortStableFunc(problems, func(a, b fault.Problem) int { return cmp.Compare(a.Path, b.Path) })
	return problems
}

// read turns a JSON value into the stored form.
func (f *Fact) read(v any) (int64, *fault.Problem) {
	fail := func(code, zh, en string) (int64, *fault.Problem) {
		return 0, &fault.Problem{Code: code, ZH: f.Label + "：" + zh, EN: f.LabelEN + ": " + en}
	}
	switch f.Kind {
	case Bool:
		answer, ok := v.(bool)
		if !ok {
			return fail(CodeWrongType, "须为 true 或 false", "must be true or false")
		}
		return boolValue(answer), nil
	case Enum:
		code, ok := v.(string)
		if !ok {
			return fail(CodeWrongType, "须为文字", "must be a string")
		}
		i, ok := f.value(code)
		if !ok {
			return fail(CodeUnknownValue,
				fmt.Sprintf("没有取值 %q，可选：%s", clip(code), f.codes()),
				fmt.Sprintf("%q is none of %s", clip(code), f.codes()))
		}
		return int64(i), nil
	}
	d, isNumber, err := decimalOf(v)
	least, greatest := f.bounds()
	standing, hasDefault := f.defaultNumber()
	switch {
	case !isNumber:
		return fail(CodeWrongType, "须为数字", "must be a number")
	case f.Kind == Int && (errors.Is(err, ErrTooFine) || err == nil && !d.IsInteger()):
		return fail(CodeNotAnInteger, "须为整数", "must be an integer")
	case errors.Is(err, ErrTooFine):
		return fail(CodeTooFine, "小数不得超过六位", "must not be finer than 0.000001")
	case err != nil || (d < least || d > greatest) && !(hasDefault && d == standing):
		return fail(CodeOutOfRange,
			fmt.Sprintf("须在 %s 与 %s 之间", least, greatest),
			fmt.Sprintf("must lie between %s and %s", least, greatest))
	}
	return int64(d), nil
}

func boolValue(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// answer is the inverse of read.
func (f *Fact) answer(value int64) any {
	switch f.Kind {
	case Bool:
		return value == 1
	case Enum:
		return f.Values[value].Code
	}
	return Decimal(value)
}

// Vocabulary gives the vocabulary that the answers belong to.
func (p *Project) Vocabulary() *Vocabulary { return p.vocabulary }

// Known says whether the fact at an index is answered.
func (p *Project) Known(i int) bool { return p.values[i] != unanswered }

// Value gives the answer to the fact at an index: a Decimal, a string, a
// bool, or nil when it is unanswered.
func (p *Project) Value(i int) any {
	if !p.Known(i) {
		return nil
	}
	return p.vocabulary.facts[i].answer(p.values[i])
}

// Facts gives every answer in its canonical form. Project reads the same
// answers back from it.
func (p *Project) Facts() map[string]any {
	facts := make(map[string]any, len(p.values))
	for i := range p.values {
		if p.Known(i) {
			facts[p.vocabulary.facts[i].Key] = p.Value(i)
		}
	}
	return facts
}
