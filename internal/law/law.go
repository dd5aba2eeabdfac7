// Package law names the sources that rules stand on: laws and standards with
// how their text was checked, and the district's policy rules as data.
package law

// Basis is one source of law, e.g. 食品安全法 第35条.
type Basis struct {
	Law     string `yaml:"law" json:"law"`
	Article string `yaml:"article,omitempty" json:"article,omitempty"`
}

// Law is a law, regulation or technical standard that the catalogue cites.
// Status says how the citation was checked: text, web, knowledge or district.
type Law struct {
	Name   string   `yaml:"name" json:"name"`
	Status string   `yaml:"status" json:"status"`
	Where  []string `yaml:"where" json:"where"`
}

// Rule is one policy rule of the district: a time rule, the warning lamps, the
// rating scale, privacy masks. Body is the rule as the pack writes it; the room
// that applies a rule reads it from there.
type Rule struct {
	Section string `yaml:"-" json:"section"` // time_rules, lamps, evaluation, privacy …
	Code    string `yaml:"-" json:"code"`    // T1 …; the section's own name where it is one rule
	Body    any    `yaml:"-" json:"body"`
}

// Ruling is what a coordinating body has ruled on a clause or a precondition
// (裁定), as those carry it: a later decision cites it from there.
type Ruling struct {
	Number string  `yaml:"number" json:"number"`
	Kind   string  `yaml:"kind" json:"kind"`
	Dated  string  `yaml:"dated" json:"dated"` // a day, 2026-11-25
	Text   string  `yaml:"text" json:"text"`
	TextEN string  `yaml:"text_en,omitempty" json:"text_en,omitempty"`
	Basis  []Basis `yaml:"basis,omitempty" json:"basis,omitempty"`
}
