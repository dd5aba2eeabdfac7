package standard

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/onedoor/onedoor/internal/fault"
)

// FactKind is the type of a fact's value.
type FactKind string

// The kinds of fact.
const (
	Number FactKind = "NUMBER"
	Int    FactKind = "INT"
	Bool   FactKind = "BOOL"
	Enum   FactKind = "ENUM"
)

// FactRole says who can change a fact.
type FactRole string

// The roles of a fact.
const (
	Given  FactRole = "GIVEN"  // fixed by the site, the law or the person
	Choice FactRole = "CHOICE" // the applicant's business choice
	Design FactRole = "DESIGN" // a measure or document that the applicant can add
)

// MarshalGQL writes the quoted name.
func (k FactKind) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(k))) }

// UnmarshalGQL reads the name.
func (k *FactKind) UnmarshalGQL(v any) error {
	return unmarshalName(k, v, Number, Int, Bool, Enum)
}

// MarshalYAML writes the pack's lower-case spelling.
func (k FactKind) MarshalYAML() (any, error) { return strings.ToLower(string(k)), nil }

// UnmarshalText reads the name in either case; NewVocabulary judges it.
func (k *FactKind) UnmarshalText(text []byte) error {
	*k = FactKind(strings.ToUpper(string(text)))
	return nil
}

// MarshalGQL writes the quoted name.
func (r FactRole) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(r))) }

// UnmarshalGQL reads the name.
func (r *FactRole) UnmarshalGQL(v any) error {
	return unmarshalName(r, v, Given, Choice, Design)
}

// MarshalYAML writes the pack's lower-case spelling.
func (r FactRole) MarshalYAML() (any, error) { return strings.ToLower(string(r)), nil }

// UnmarshalText reads the name in either case; NewVocabulary judges it.
func (r *FactRole) UnmarshalText(text []byte) error {
	*r = FactRole(strings.ToUpper(string(text)))
	return nil
}

func unmarshalName[T ~string](to *T, v any, known ...T) error {
	name, ok := v.(string)
	if !ok || !slices.Contains(known, T(name)) {
		return fmt.Errorf("standard: %q is none of %v", clip(fmt.Sprint(v)), known)
	}
	*to = T(name)
	return nil
}

// FactValue is one value of an ENUM fact.
type FactValue struct {
	Code    string `yaml:"id" json:"code"`
	Label   string `yaml:"zh" json:"label"`
	LabelEN string `yaml:"en,omitempty" json:"label_en,omitempty"`
}

// Fact is one typed question about a project. Default is for tests and forms:
// a judgement never assumes it.
type Fact struct {
	Key     string      `yaml:"id" json:"key"`
	Label   string      `yaml:"zh" json:"label"`
	LabelEN string      `yaml:"en,omitempty" json:"label_en,omitempty"`
	Kind    FactKind    `yaml:"type" json:"kind"`
	Group   string      `yaml:"group,omitempty" json:"group,omitempty"`
	Role    FactRole    `yaml:"control" json:"role"`
	Unit    string      `yaml:"unit,omitempty" json:"unit,omitempty"`
	Min     *Decimal    `yaml:"min,omitempty" json:"min,omitempty"`
	Max     *Decimal    `yaml:"max,omitempty" json:"max,omitempty"`
	Values  []FactValue `yaml:"values,omitempty" json:"values,omitempty"`
	Default any         `yaml:"default,omitempty" json:"default,omitempty"`
}

// Limits of a vocabulary. A number without bounds of its own lies within
// ±farthest, so that every expression can be bounded when it is compiled.
const (
	mostFacts  = 4096
	mostValues = 256

	farthest = 1_000_000_000_000 * one
)

// defaultNumber gives the default of a numeric fact. It is always a lawful
// answer, even outside of the range: packs write "no limit known" that way
// (plan_far_max: at most 30, 99 when there is no plan).
func (f *Fact) defaultNumber() (Decimal, bool) {
	if f.Default == nil || f.Kind != Number && f.Kind != Int {
		return 0, false
	}
	d, isNumber, err := decimalOf(f.Default)
	return d, isNumber && err == nil
}

// reach gives the least and the greatest value that a project can hold: the
// range, and the default.
func (f *Fact) reach() (least, greatest Decimal) {
	least, greatest = f.bounds()
	if d, ok := f.defaultNumber(); ok {
		least, greatest = min(least, d), max(greatest, d)
	}
	return least, greatest
}

// bounds gives the range in which an answer lies.
func (f *Fact) bounds() (least, greatest Decimal) {
	least, greatest = -farthest, farthest
	if f.Min != nil {
		least = *f.Min
	}
	if f.Max != nil {
		greatest = *f.Max
	}
	return least, greatest
}

// value gives the index of an enum value.
func (f *Fact) value(code string) (int, bool) {
	i := slices.IndexFunc(f.Values, func(v FactValue) bool { return v.Code == code })
	return i, i >= 0
}

// codes lists the allowed values of an enum.
func (f *Fact) codes() string {
	codes := make([]string, len(f.Values))
	for i, v := range f.Values {
		codes[i] = v.Code
	}
	return strings.Join(codes, ", ")
}

// Vocabulary is the immutable dictionary of facts. It is safe for use by many
// goroutines.
type Vocabulary struct {
	facts []Fact
	index map[string]int
	env   *cel.Env
}

var keyPattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// NewVocabulary checks the facts and keeps a copy of them. The error is a
// *fault.Error with one problem per fault; the path is the fact's key.
//
// The type of a default is checked, its range is not: a default may stand for
// "no limit was set", which no project can declare.
func NewVocabulary(facts []Fact) (*Vocabulary, error) {
	v := &Vocabulary{facts: slices.Clone(facts), index: make(map[string]int, len(facts))}
	var problems []fault.Problem
	if len(facts) > mostFacts {
		problems = append(problems, fault.Problem{
			Code: CodeTooLarge,
			ZH:   fmt.Sprintf("事实不得超过 %d 项", mostFacts),
			EN:   fmt.Sprintf("more than %d facts", mostFacts),
		})
		return nil, fault.InvalidInput("standard.NewVocabulary", problems...)
	}
	for i := range v.facts {
		f := &v.facts[i]
		f.Values = slices.Clone(f.Values)
		for _, p := range f.check() {
			p.Path = clip(f.Key)
			problems = append(problems, p)
		}
		if _, taken := v.index[f.Key]; taken {
			problems = append(problems, fault.Problem{
				Path: clip(f.Key), Code: "DUPLICATE", ZH: "事实重复", EN: "this fact is there twice",
			})
		}
		v.index[f.Key] = i
	}
	if len(problems) > 0 {
		return nil, fault.InvalidInput("standard.NewVocabulary", problems...)
	}
	env, err := newEnv(v)
	if err != nil {
		return nil, &fault.Error{Code: fault.Internal, Op: "standard.NewVocabulary", Err: err}
	}
	v.env = env
	return v, nil
}

// check finds the faults of one definition.
func (f *Fact) check() []fault.Problem {
	var problems []fault.Problem
	report := func(code, zh, en string) {
		problems = append(problems, fault.Problem{Code: code, ZH: zh, EN: en})
	}
	if !keyPattern.MatchString(f.Key) || len(f.Key) > 64 {
		report("BAD_KEY", "键须为小写字母开头的字母、数字、下划线", "a key is lower-case letters, digits and underscores")
	}
	if !slices.Contains([]FactKind{Number, Int, Bool, Enum}, f.Kind) {
		report("UNKNOWN_KIND", "类型须为 number、int、bool、enum 之一", "the type is none of number, int, bool, enum")
	}
	if !slices.Contains([]FactRole{Given, Choice, Design}, f.Role) {
		report("UNKNOWN_ROLE", "control 须为 given、choice、design 之一", "control is none of given, choice, design")
	}
	switch {
	case f.Kind == Enum && len(f.Values) == 0:
		report("NO_VALUES", "枚举须有取值", "an enum needs values")
	case f.Kind != Enum && len(f.Values) > 0:
		report("UNEXPECTED_VALUES", "只有枚举可有取值", "only an enum has values")
	case len(f.Values) > mostValues:
		report(CodeTooLarge, fmt.Sprintf("取值不得超过 %d 个", mostValues), fmt.Sprintf("more than %d values", mostValues))
	}
	seen := make(map[string]bool, len(f.Values))
	for _, value := range f.Values {
		if value.Code == "" || seen[value.Code] {
			report("DUPLICATE_VALUE", "取值重复或为空："+clip(value.Code), "a value is empty or there twice: "+clip(value.Code))
		}
		seen[value.Code] = true
	}
	least, greatest := f.reach()
	numeric := f.Kind == Number || f.Kind == Int
	switch {
	case !numeric && (f.Min != nil || f.Max != nil):
		report("UNEXPECTED_RANGE", "只有数值可有上下限", "only a number has a range")
	case f.Min != nil && f.Max != nil && *f.Min > *f.Max:
		report("MIN_ABOVE_MAX", "下限大于上限", "min is above max")
	case least < -farthest || greatest > farthest:
		report(CodeOutOfRange, "上下限不得超过一万亿", "min and max must lie within 1e12")
	}
	if f.Default != nil && len(problems) == 0 {
		if _, p := f.read(f.Default); p != nil {
			report("WRONG_DEFAULT", "默认值有误："+p.ZH, "the default is wrong: "+p.EN)
		}
	}
	return problems
}

// Len is the number of facts.
func (v *Vocabulary) Len() int { return len(v.facts) }

// At gives the fact at an index. It must not be changed.
func (v *Vocabulary) At(i int) *Fact { return &v.facts[i] }

// Index finds the index of a fact.
func (v *Vocabulary) Index(key string) (int, bool) {
	i, ok := v.index[key]
	return i, ok
}

// Fact finds a fact. It must not be changed.
func (v *Vocabulary) Fact(key string) (*Fact, bool) {
	i, ok := v.index[key]
	if !ok {
		return nil, false
	}
	return &v.facts[i], true
}

// Facts lists the facts in the order they were given.
func (v *Vocabulary) Facts() []Fact { return slices.Clone(v.facts) }

// nearest finds the known key that was probably meant, or "".
func (v *Vocabulary) nearest(key string) string {
	if len(key) > 64 {
		return ""
	}
	best, least := "", max(1, len(key)/4)+1
	for i := range v.facts {
		if d := distance(key, v.facts[i].Key, least); d < least {
			best, least = v.facts[i].Key, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two keys, or limit when it is more.
func distance(a, b string, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit)
}

// unknownFact words the fault and names the fact that was probably meant.
func (v *Vocabulary) unknownFact(key string, suggest bool) (zh, en string) {
	zh, en = "没有这项事实："+clip(key), "there is no fact "+clip(key)
	if suggest {
		if near := v.nearest(key); near != "" {
			zh, en = zh+"，是否指 "+near, en+", did you mean "+near
		}
	}
	return zh, en
}
