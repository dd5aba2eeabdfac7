package standard

import (
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/law"
)

// ClauseKind says what a clause does.
type ClauseKind string

// The kinds of clause.
const (
	Condition   ClauseKind = "CONDITION"
	Prohibition ClauseKind = "PROHIBITION"
	Mitigation  ClauseKind = "MITIGATION"
	Obligation  ClauseKind = "OBLIGATION"
	Rule        ClauseKind = "RULE"   // classification or procedure: nothing for the applicant to meet
	Advice      ClauseKind = "ADVICE" // binds nobody
)

var clauseKinds = []ClauseKind{Condition, Prohibition, Mitigation, Obligation, Rule, Advice}

// UnmarshalText reads the name in either case; Compile judges it.
func (k *ClauseKind) UnmarshalText(text []byte) error {
	*k = ClauseKind(strings.ToUpper(string(text)))
	return nil
}

// MarshalYAML writes the pack's lower-case spelling.
func (k ClauseKind) MarshalYAML() (any, error) { return strings.ToLower(string(k)), nil }

// Effective is when a clause is in force: dates "2006-01-02", both inclusive,
// "" for open.
type Effective struct {
	From string `yaml:"from,omitempty" json:"from,omitempty"`
	To   string `yaml:"to,omitempty" json:"to,omitempty"`
}

// Clause is one condition of a department's standard, as a pack writes it. A
// nil Requires means that a person must judge.
type Clause struct {
	Code                string      `yaml:"id" json:"code"`
	Item                string      `yaml:"item" json:"item"`
	Department          string      `yaml:"department" json:"department"`
	Category            string      `yaml:"category" json:"category"`
	Kind                ClauseKind  `yaml:"kind" json:"kind"`
	Text                string      `yaml:"text" json:"text"`
	TextEN              string      `yaml:"text_en,omitempty" json:"text_en,omitempty"`
	AppliesWhen         string      `yaml:"applies_when" json:"applies_when"`
	Requires            *string     `yaml:"requires" json:"requires"`
	Manual              string      `yaml:"manual,omitempty" json:"manual,omitempty"`
	Evidence            []string    `yaml:"evidence" json:"evidence"`
	Promisable          bool        `yaml:"promisable" json:"promisable"`
	Basis               []law.Basis `yaml:"basis" json:"basis"`
	Level               string      `yaml:"level,omitempty" json:"level,omitempty"`
	Confidence          string      `yaml:"confidence,omitempty" json:"confidence,omitempty"`
	Effective           Effective   `yaml:"effective,omitempty" json:"effective,omitzero"`
	InterpretationGroup string      `yaml:"interpretation_group,omitempty" json:"interpretation_group,omitempty"`
	Verified            string      `yaml:"verified,omitempty" json:"verified,omitempty"`

	Rulings []law.Ruling `yaml:"rulings,omitempty" json:"rulings,omitempty"` // of coordinating bodies, the earliest first
}

// InForce says whether the clause is in force on a date "2006-01-02".
func (c Clause) InForce(date string) bool {
	return c.Effective.From <= date && (c.Effective.To == "" || date <= c.Effective.To)
}

// Compiled is a clause that can judge projects.
type Compiled struct {
	Clause
	Applies  *Expr
	Requires *Expr // nil: a person must judge
}

// Compile compiles both conditions of a clause. With diagnostics there is no
// compiled clause; their Field is "applies_when", "requires" or "kind".
func (v *Vocabulary) Compile(c Clause) (*Compiled, []Diagnostic) {
	compiled := &Compiled{Clause: c}
	var found []Diagnostic
	if !slices.Contains(clauseKinds, c.Kind) {
		found = append(found, Diagnostic{
			Field: "kind", Column: 1, Code: "UNKNOWN_KIND",
			ZH: "没有这种条款：" + clip(string(c.Kind)), EN: "there is no such kind of clause: " + clip(string(c.Kind)),
		})
	}
	parse := func(field, src string) *Expr {
		e, diagnostics := v.Parse(src)
		for _, d := range diagnostics {
			d.Field = field
			found = append(found, d)
		}
		return e
	}
	compiled.Applies = parse("applies_when", c.AppliesWhen)
	if c.Requires != nil {
		compiled.Requires = parse("requires", *c.Requires)
	}
	if len(found) > 0 {
		return nil, found
	}
	return compiled, nil
}

// Result is a clause's judgement of a project.
type Result struct {
	Applies Truth
	Met     Truth
	Manual  bool // the clause applies, and a person must judge whether it is met
}

// Evaluate judges a project. Met stays Unknown for a clause that does not
// apply, since nothing is required then. Evaluate does not allocate.
func (c *Compiled) Evaluate(p *Project) Result {
	r := Result{Applies: c.Applies.Eval(p)}
	switch {
	case r.Applies == False:
	case c.Requires != nil:
		r.Met = c.Requires.Eval(p)
	default:
		r.Manual = r.Applies == True
	}
	return r
}
