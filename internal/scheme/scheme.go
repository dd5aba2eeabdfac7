// Package scheme says how the items of one industry are handled together
// (联合审批方案): who leads, who assists, in which stages and in what order, and
// what the zoning says about the place.
package scheme

import "github.com/onedoor/onedoor/internal/item"

// ZoneFact is the fact that names the functional zone of a project; zoning
// verdicts are looked up by its value.
const ZoneFact = "zone"

// Scheme is the content of one version of a joint standard.
type Scheme struct {
	Code        string   `yaml:"id" json:"code"`
	Name        string   `yaml:"name" json:"name"`
	NameEN      string   `yaml:"en,omitempty" json:"name_en,omitempty"`
	AppliesWhen string   `yaml:"applies_when" json:"applies_when"` // CEL over facts
	Lead        string   `yaml:"lead" json:"lead"`                 // 主办
	Assisting   []string `yaml:"assisting" json:"assisting"`       // 协办
	Intake      []string `yaml:"intake" json:"intake"`
	Coordinator string   `yaml:"coordinator" json:"coordinator"`
	Clock       Clock    `yaml:"clock" json:"clock"`
	Stages      []Stage  `yaml:"stages" json:"stages"`
	Items       []Entry  `yaml:"items" json:"items"`
	Edges       []Edge   `yaml:"edges" json:"edges"`
	Zoning      []Zoning `yaml:"zoning" json:"zoning"`
	AskFirst    []string `yaml:"ask_first" json:"ask_first"` // facts, the first question first
	RegionScope string   `yaml:"region_scope,omitempty" json:"region_scope,omitempty"`
	Note        string   `yaml:"note,omitempty" json:"note,omitempty"`
}

// Clock holds the limits of joint handling in working days (行政许可法 第42条第2款).
type Clock struct {
	Statutory int    `yaml:"joint_statutory_workdays" json:"joint_statutory_workdays"`
	Extension int    `yaml:"joint_extension_workdays" json:"joint_extension_workdays"`
	Promised  int    `yaml:"joint_promised_workdays" json:"joint_promised_workdays"`
	Basis     string `yaml:"basis,omitempty" json:"basis,omitempty"`
}

// Stage is a step of the scheme; a stage may have a lead of its own.
type Stage struct {
	Code  string `yaml:"id" json:"code"`
	Name  string `yaml:"name" json:"name"`
	Order int    `yaml:"order" json:"order"`
	Lead  string `yaml:"lead,omitempty" json:"lead,omitempty"`
}

// Entry puts an item into a stage.
type Entry struct {
	Item  string `yaml:"item" json:"item"`
	Stage string `yaml:"stage" json:"stage"`
}

// Edge says that From comes before To: hard by law or logic, soft when it may
// be promised or run in parallel.
type Edge struct {
	From  string        `yaml:"from" json:"from"`
	To    string        `yaml:"to" json:"to"`
	Type  item.Strength `yaml:"type" json:"type"`
	Basis string        `yaml:"basis,omitempty" json:"basis,omitempty"`
	Note  string        `yaml:"note,omitempty" json:"note,omitempty"`
}

// Zoning is the scheme's verdict on one zone: allowed, restricted or
// forbidden, with the clauses behind it.
type Zoning struct {
	Zone    string   `yaml:"zone" json:"zone"`
	Verdict string   `yaml:"verdict" json:"verdict"`
	Reason  string   `yaml:"reason,omitempty" json:"reason,omitempty"`
	Clauses []string `yaml:"clauses" json:"clauses"`
}

// HardCycle gives a circle of items that wait for each other through hard
// edges, its first item repeated at the end, or nil.
func (s Scheme) HardCycle() []string {
	next := map[string][]string{}
	for _, e := range s.Edges {
		if e.Type == item.Hard {
			next[e.From] = append(next[e.From], e.To)
		}
	}
	const (
		open = 1
		done = 2
	)
	state := map[string]int{}
	var path []string
	var visit func(code string) []string
	visit = func(code string) []string {
		state[code] = open
		path = append(path, code)
		for _, to := range next[code] {
			switch state[to] {
			case open:
				for i, seen := range path {
					if seen == to {
						return append(append([]string{}, path[i:]...), to)
					}
				}
			case 0:
				if cycle := visit(to); cycle != nil {
					return cycle
				}
			}
		}
		path = path[:len(path)-1]
		state[code] = done
		return nil
	}
	for _, e := range s.Items {
		if state[e.Item] == 0 {
			if cycle := visit(e.Item); cycle != nil {
				return cycle
			}
		}
	}
	return nil
}
