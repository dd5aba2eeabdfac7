package casework

import (
	"encoding/json"
	"slices"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// The verdicts of a finding.
const (
	Pass       = check.Pass
	Fail       = check.Fail
	NeedsFacts = check.NeedsFacts
	Human      = check.Human // an officer judges it
)

// Finding is what the machine says about one clause in a review: by the clause's
// own predicate, or by a check of a department's plugin (Source). It names the
// version of the standard that it was judged under. A failed clause is a
// finding, not an error: the department decides.
type Finding struct {
	Clause  string        `json:"clause"`
	Item    string        `json:"item"` // whose standard the clause is of
	Version int           `json:"version"`
	Verdict check.Verdict `json:"verdict"`
	Code    string        `json:"code"`
	Message Text          `json:"message,omitzero"` // of a plugin; otherwise FindingText
	Remedy  Text          `json:"remedy,omitzero"`  // what would meet an unmet clause
	Basis   []law.Basis   `json:"basis,omitempty"`  // of a plugin, beside the clause's own
	Missing []string      `json:"missing_facts,omitempty"`
	Papers  []string      `json:"missing_materials,omitempty"` // codes
	Check   string        `json:"check,omitempty"`
	Source  *check.Source `json:"source,omitempty"`
	Receipt string        `json:"receipt,omitempty"`
}

// FindingText says what each code of a finding means; the clause's own text
// follows.
var FindingText = map[string]Text{
	"MET":            {"符合", "met"},
	"UNMET":          {"不符合", "not met"},
	"APPLIES_OPEN":   {"是否适用尚缺要素", "facts are missing on whether it applies"},
	"FACTS_MISSING":  {"尚缺要素", "facts are missing"},
	"OFFICER_JUDGES": {"由审查人员判断", "an officer judges"},
	CheckNotRun:      {"部门核验暂未能进行，由审查人员判断", "the department's check could not be run; an officer judges"},
}

// PresetSection is the section of the district's rules that holds the presets:
// a rule named as the scheme, or `default`.
const PresetSection = "joint_decision"

// ReadPreset reads a preset from the district's rule; what the rule does not
// name stays strict.
func ReadPreset(rule law.Rule) (Preset, error) {
	p := StrictPreset()
	text, err := json.Marshal(rule.Body)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, fault.InvalidInput("casework.ReadPreset", problem(rule.Section+"."+rule.Code, "BAD_PRESET", "联合审批规则无法读取："+err.Error(), "the preset cannot be read: "+err.Error()))
	}
	path := rule.Section + "." + rule.Code
	var found []fault.Problem
	if p.Mode != CopyMode && p.Mode != MeetingMode {
		found = append(found, problem(path+".mode", "UNKNOWN", "须为 COPY 或 MEETING", "is COPY or MEETING"))
	}
	if (p.DeemedConsent || p.AbsenceIsConsent) && len(p.SafetyCategories) == 0 {
		found = append(found, problem(path+".safety_categories", "REQUIRED", "沉默或缺席视为同意的，须写明涉及生命安全的条款类别", "name the clause categories on safety of life, on which silence and absence are never consent"))
	}
	for _, l := range []struct {
		name string
		workday.Limit
	}{{"accept_within", p.AcceptWithin}, {"reasons_within", p.ReasonsWithin}, {"deliver_within", p.DeliverWithin}} {
		if !l.Unit.Valid() || l.Amount <= 0 || l.Amount > workday.MaxDays {
			found = append(found, problem(path+"."+l.name, "BAD_LIMIT", "须为正数和期限单位", "needs a positive amount and a unit"))
		}
	}
	if len(found) > 0 {
		return p, fault.InvalidInput("casework.ReadPreset", found...)
	}
	return p, nil
}

// Gather reads from a guide what a case is judged under: who reviews what, in
// which order, within which limits, with which findings, and which papers.
func Gather(g *guide.Guide, lead string, p Preset) Evidence {
	ev := Evidence{Lead: lead, Preset: p}
	needed := map[string]bool{}
	single := g.Scheme == nil // applied for by name: it is needed because it is asked for
	home, ofLead := "", false // the lead's first item, or the first of all
	for _, r := range g.Items {
		needed[r.Item.Code] = single || r.Needed == standard.True
		if is := r.Item.Department == lead; needed[r.Item.Code] && (home == "" || is && !ofLead) {
			home, ofLead = r.Item.Code, is
		}
	}
	clauses := map[string][]*guide.ClauseResult{} // by the item in which they are judged
	for i := range g.Clauses {
		c := &g.Clauses[i]
		in := c.JudgedIn
		if !needed[in] { // nobody else would judge it
			in = home
		}
		clauses[in] = append(clauses[in], c)
	}
	for _, r := range g.Items {
		switch {
		case needed[r.Item.Code]:
			ev.Needs = append(ev.Needs, need(r, lead, p, needed, clauses[r.Item.Code]))
			ev.Standards = append(ev.Standards, Pin{Code: r.Item.Code, Version: r.Version})
		case r.Needed == standard.Unknown:
			ev.Undecided = append(ev.Undecided, Undetermined{Item: r.Item.Code, Missing: missing(r)})
		}
	}
	for _, m := range g.Materials {
		ev.Materials = append(ev.Materials, Material{Code: m.Code, Name: m.Name, Source: m.Source, From: m.From, Tolerable: m.Tolerable})
	}
	if s := g.Scheme; s != nil {
		days := func(n int) workday.Limit { return workday.Limit{Amount: n, Unit: workday.UnitWorkday} }
		ev.Promised, ev.Statutory, ev.Extendable = days(s.Clock.Promised), days(s.Clock.Statutory), s.Clock.Extension
		ev.Standards = append([]Pin{{Code: s.Code, Version: s.Version}}, ev.Standards...)
		return ev
	}
	it := g.Items[0].Item
	ev.Materials = papersOf(it)
	ev.Promised, ev.Statutory, ev.Extendable = limitOf(it.Time, it.Time.Promised), limitOf(it.Time, it.Time.Statutory), extension(it)
	if it.Time.Statutory == 0 { // the law sets no period: the promise binds
		ev.Statutory = ev.Promised
	}
	return ev
}

func need(r guide.ItemResult, lead string, p Preset, needed map[string]bool, clauses []*guide.ClauseResult) Need {
	it := r.Item
	n := Need{
		Item: it.Code, Version: r.Version, Department: it.Department, Lead: it.Department == lead,
		Binding: !slices.Contains(p.Advisory, it.Department), Extendable: extension(it),
		Limit: limitOf(it.Time, it.Time.Promised), Findings: []Finding{},
	}
	if it.Time.Promised == 0 { // nothing promised: the law's limit binds, if it sets one
		n.Limit = limitOf(it.Time, it.Time.Statutory)
	}
	for _, code := range r.After {
		if needed[code] {
			n.After = append(n.After, code)
		}
	}
	for _, c := range clauses {
		n.SafetyOfLife = n.SafetyOfLife || slices.Contains(p.SafetyCategories, c.Clause.Category)
		n.Findings = append(n.Findings, finding(c))
	}
	return n
}

// papersOf lists the papers of an item that is applied for by name. It is needed
// because it is asked for, whatever its predicate says, and so are its papers.
func papersOf(it *item.Item) []Material {
	var out []Material
	for _, m := range it.Materials {
		paper := Material{Code: m.Code(), Name: m.Name, Source: guide.FromApplicant, Tolerable: m.Tolerable}
		if m.Source == item.Shared {
			paper.Source = guide.FromLicenseStore
		}
		k := slices.IndexFunc(out, func(o Material) bool { return o.Code == paper.Code })
		switch {
		case k < 0:
			out = append(out, paper)
		default:
			out[k].Tolerable = out[k].Tolerable && paper.Tolerable
			if paper.Source == guide.FromApplicant {
				out[k].Source = paper.Source
			}
		}
	}
	return out
}

// missing lists the facts on which an item's need depends.
func missing(r guide.ItemResult) []string {
	facts := []string{}
	for _, b := range r.Because {
		if b.Fact != "" && b.Actual == "" && !slices.Contains(facts, b.Fact) {
			facts = append(facts, b.Fact)
		}
	}
	return facts
}

func limitOf(t item.Time, amount int) workday.Limit {
	if t.Unit == item.CalendarDays {
		return workday.Limit{Amount: amount, Unit: workday.UnitDay}
	}
	return workday.Limit{Amount: amount, Unit: workday.UnitWorkday}
}

// extension is by how much an item's limit may be prolonged: what its own law
// says, or for a licence 10 working days (行政许可法 第42条第1款).
func extension(it *item.Item) int {
	switch {
	case it.Time.Extension != nil:
		return *it.Time.Extension
	case it.Kind() == item.License && it.Time.Unit != item.CalendarDays:
		return 10
	}
	return 0
}

// finding reads a clause's result: unmet is FAIL, what an officer must judge is
// HUMAN, and what is open is NEEDS_FACTS, never a failure.
func finding(c *guide.ClauseResult) Finding {
	f := Finding{Clause: c.Clause.Code, Item: c.Clause.Item, Version: c.Version, Missing: c.Missing}
	switch {
	case c.Applies == standard.Unknown:
		f.Verdict, f.Code = NeedsFacts, "APPLIES_OPEN"
	case c.Met == standard.True:
		f.Verdict, f.Code = Pass, "MET"
	case c.Met == standard.False:
		f.Verdict, f.Code = Fail, "UNMET"
		for i, r := range c.Reasons {
			if i > 0 {
				f.Remedy.ZH, f.Remedy.EN = f.Remedy.ZH+"；", f.Remedy.EN+"; "
			}
			f.Remedy.ZH, f.Remedy.EN = f.Remedy.ZH+r.ZH, f.Remedy.EN+r.EN
		}
	case len(c.Missing) > 0:
		f.Verdict, f.Code = NeedsFacts, "FACTS_MISSING"
	default:
		f.Verdict, f.Code = Human, "OFFICER_JUDGES"
	}
	return f
}
