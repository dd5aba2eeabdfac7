// Package item says what an approval item (事项) is: who is in charge of it,
// on what law it stands, how long it may take, what it asks for and what it
// gives. It holds values and their spelling in a catalogue pack, no rules.
package item

import (
	"fmt"
	"io"
	"strconv"

	"github.com/onedoor/onedoor/internal/law"
)

// Kind sorts items by what the authority does (行政许可, 备案, 行政服务, 其他).
type Kind string

// The kinds of the public API.
const (
	License Kind = "LICENSE"
	Filing  Kind = "FILING"
	Service Kind = "SERVICE"
	Other   Kind = "OTHER"
)

// kinds maps the district's own word for an item to its kind. A word that is
// not here is OTHER: it is neither a licence nor a filing by law.
var kinds = map[string]Kind{
	"许可": License,
	"备案": Filing, "报告": Filing, "申报": Filing, "备查": Filing,
	"公共服务": Service,
}

// Values lists the kinds, for the database schema.
func (Kind) Values() []string {
	return []string{string(License), string(Filing), string(Service), string(Other)}
}

// MarshalGQL writes the kind as a GraphQL enum value.
func (k Kind) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(k))) }

// UnmarshalGQL reads a GraphQL enum value.
func (k *Kind) UnmarshalGQL(v any) error {
	s, _ := v.(string)
	for _, known := range k.Values() {
		if s == known {
			*k = Kind(s)
			return nil
		}
	}
	return fmt.Errorf("%v is not an ItemKind", v)
}

// Item is the content of one version of an approval item. Departments, items
// and facts are named by their codes.
type Item struct {
	Code          string         `yaml:"id" json:"code"`
	Name          string         `yaml:"name" json:"name"`
	NameEN        string         `yaml:"en,omitempty" json:"name_en,omitempty"`
	Department    string         `yaml:"department" json:"department"`
	Type          string         `yaml:"type" json:"type"` // the district's own word: 许可, 备案, 登记 …
	Level         string         `yaml:"level,omitempty" json:"level,omitempty"`
	Basis         []law.Basis    `yaml:"basis" json:"basis"`
	Time          Time           `yaml:"time" json:"time"`
	NeededWhen    string         `yaml:"needed_when" json:"needed_when"` // CEL over facts
	Preconditions []Precondition `yaml:"preconditions" json:"preconditions"`
	Materials     []Material     `yaml:"materials" json:"materials"`
	Obligations   []string       `yaml:"obligations" json:"obligations"`
	StopsClock    []string       `yaml:"stops_clock" json:"stops_clock"` // procedures that do not count (ALL 45)
	Result        Result         `yaml:"result" json:"result"`
	Fee           Fee            `yaml:"fee" json:"fee"`
	FilingDue     string         `yaml:"filing_due,omitempty" json:"filing_due,omitempty"` // the applicant's own limit
	Commitment    Commitment     `yaml:"commitment" json:"commitment"`
	Note          string         `yaml:"note,omitempty" json:"note,omitempty"`
	Confidence    string         `yaml:"confidence,omitempty" json:"confidence,omitempty"`
	Source        string         `yaml:"source,omitempty" json:"source,omitempty"`
	Verified      string         `yaml:"verified,omitempty" json:"verified,omitempty"`
}

// Kind gives the item's kind from the district's own word for it.
func (it Item) Kind() Kind {
	if k, ok := kinds[it.Type]; ok {
		return k
	}
	return Other
}

// TimeUnit says how an item's limits are counted.
type TimeUnit string

// The special law decides: most limits are working days (行政许可法 第82条), some
// are natural days (e.g. 环境影响评价法 第22条).
const (
	Workdays     TimeUnit = "workday"
	CalendarDays TimeUnit = "calendar"
)

// Time holds an item's limits in Unit: what the law allows, by how much it may
// be extended, and what the district promises. A statutory limit of 0 means
// that the law sets no period for the decision: complete is filed.
type Time struct {
	Statutory int      `yaml:"statutory" json:"statutory"`
	Unit      TimeUnit `yaml:"unit" json:"unit"`
	Extension *int     `yaml:"extension" json:"extension,omitempty"`
	Promised  int      `yaml:"promised" json:"promised"`
}

// Strength says whether an earlier result is required by law or logic (hard),
// or may be promised and handled in parallel (soft).
type Strength string

// The two strengths.
const (
	Hard Strength = "hard"
	Soft Strength = "soft"
)

// Precondition names an item whose result this one needs first.
type Precondition struct {
	Item     string   `yaml:"item" json:"item"`
	Strength Strength `yaml:"strength" json:"strength"`
	Note     string   `yaml:"note,omitempty" json:"note,omitempty"`
}

// Source says who brings a material, as the pack spells it.
type Source string

// The sources of a pack.
const (
	Applicant Source = "applicant" // the applicant hands it in
	Shared    Source = "shared"    // the platform fetches it from data sharing
	Agency    Source = "agency"    // an agency makes it
)

// Material is one paper that an item asks for. Its code is the pack's id, or
// its name where the pack gives none: papers of one name are one paper.
type Material struct {
	ID        string `yaml:"id,omitempty" json:"id,omitempty"`
	Name      string `yaml:"name" json:"name"`
	Source    Source `yaml:"source" json:"source"`
	Tolerable bool   `yaml:"tolerable" json:"tolerable"` // may come later (容缺)
}

// Code gives the stable name of the material.
func (m Material) Code() string {
	if m.ID != "" {
		return m.ID
	}
	return m.Name
}

// Result is what the applicant gets in the end.
type Result struct {
	Name          string `yaml:"name" json:"name"`
	ValidityYears *int   `yaml:"validity_years" json:"validity_years,omitempty"`
}

// Fee is what the item costs, in whole yuan (行政许可法 第58条: none unless a law
// says so). Note names charges that are not fees for the approval.
type Fee struct {
	Amount int    `yaml:"amount" json:"amount"`
	Note   string `yaml:"note,omitempty" json:"note,omitempty"`
}

// Commitment says whether the item can be had by notification and commitment
// (告知承诺) and within how many working days the promise is checked.
type Commitment struct {
	Mode                 string `yaml:"mode" json:"mode"` // full, partial or none
	VerifyWithinWorkdays *int   `yaml:"verify_within_workdays" json:"verify_within_workdays,omitempty"`
}
