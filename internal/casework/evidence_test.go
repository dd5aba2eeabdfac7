package casework_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// shipped compiles the shipped catalogue, every standard in its version 3.
var shipped = sync.OnceValue(func() *guide.Catalogue {
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		panic(err)
	}
	src := guide.Source{Calendar: calendar}
	for _, e := range pack.Departments {
		src.Departments = append(src.Departments, e.Value)
	}
	for _, e := range pack.Regions {
		src.Regions = append(src.Regions, e.Value)
	}
	for _, e := range pack.Zones {
		src.Zones = append(src.Zones, e.Value)
	}
	for _, e := range pack.Facts {
		src.Facts = append(src.Facts, e.Value)
	}
	for _, e := range pack.Items {
		s := guide.ItemStandard{Version: 3, Item: e.Value}
		for _, c := range pack.Clauses {
			if c.Value.Item == e.Value.Code {
				s.Clauses = append(s.Clauses, c.Value)
			}
		}
		src.Items = append(src.Items, s)
	}
	for _, e := range pack.Schemes {
		src.Schemes = append(src.Schemes, guide.JointStandard{Version: 3, Scheme: e.Value})
	}
	for _, e := range pack.Rules {
		src.Rules = append(src.Rules, e.Value)
	}
	c, err := guide.Compile(src)
	if err != nil {
		panic(err)
	}
	return c
})

func guideFor(t *testing.T, in guide.Input) *guide.Guide {
	t.Helper()
	in.AsOf = workday.NewDate(2026, time.November, 23)
	g, err := shipped().Compute(in)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// shippedPreset is how the district decides jointly.
func shippedPreset(t *testing.T) casework.Preset {
	t.Helper()
	rule, ok := shipped().Rule(casework.PresetSection, "default")
	if !ok {
		t.Fatal("the district has no default preset")
	}
	p, err := casework.ReadPreset(rule)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sample gives the facts of one of the catalogue's sample projects; what it does
// not say is the default.
func sample(t *testing.T, id string) map[string]any {
	t.Helper()
	var samples struct {
		Samples []struct {
			ID    string
			Facts map[string]any
		}
	}
	var vocabulary struct {
		Facts []struct {
			ID      string
			Default any
		}
	}
	readPack("samples.yaml", &samples)
	readPack("facts.yaml", &vocabulary)
	for _, s := range samples.Samples {
		if s.ID == id {
			for _, f := range vocabulary.Facts {
				if _, said := s.Facts[f.ID]; !said && f.Default != nil {
					s.Facts[f.ID] = f.Default
				}
			}
			return s.Facts
		}
	}
	t.Fatalf("no sample %s", id)
	return nil
}

func needOf(t *testing.T, ev casework.Evidence, code string) casework.Need {
	t.Helper()
	i := slices.IndexFunc(ev.Needs, func(n casework.Need) bool { return n.Item == code })
	if i < 0 {
		t.Fatalf("%s is not needed", code)
	}
	return ev.Needs[i]
}

// A hot-pot restaurant of 180 m² by the shipped catalogue.
func TestGather(t *testing.T) {
	t.Parallel()
	g := guideFor(t, guide.Input{Scheme: "catering", Facts: sample(t, "S01")})
	p := shippedPreset(t)
	p.Advisory = []string{"urban"}
	ev := casework.Gather(g, "samr", p)

	var needs []string
	pins := []casework.Pin{{Code: "catering", Version: 3}}
	for _, n := range ev.Needs {
		needs = append(needs, n.Item+" "+n.Department)
		pins = append(pins, casework.Pin{Code: n.Item, Version: 3})
		if n.Lead != (n.Department == "samr") || n.Binding != (n.Department != "urban") || n.Version != 3 {
			t.Errorf("%+v", n)
		}
	}
	want := []string{"biz-reg samr", "drain-permit drain", "food-permit samr", "gas-connect gasco", "kitchen-waste urban", "site-check gab"}
	slices.Sort(needs)
	if diff := cmp.Diff(want, needs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(pins, ev.Standards); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{workdays(15), workdays(45), 15, "samr"}, []any{ev.Promised, ev.Statutory, ev.Extendable, ev.Lead}); diff != "" {
		t.Error(diff)
	}
	food := needOf(t, ev, "food-permit")
	if diff := cmp.Diff([]any{[]string{"biz-reg"}, workdays(5), 5, true}, []any{food.After, food.Limit, food.Extendable, food.SafetyOfLife}); diff != "" {
		t.Errorf("food-permit: %s", diff)
	}
	if !needOf(t, ev, "site-check").SafetyOfLife || needOf(t, ev, "kitchen-waste").SafetyOfLife {
		t.Error("the site check judges fire safety, kitchen waste does not")
	}

	everyClauseIsJudged(t, g, ev)

	var papers []string
	for _, m := range ev.Materials {
		if m.ID != "" || m.Given() != (m.Source != guide.FromApplicant) {
			t.Errorf("%+v", m)
		}
		papers = append(papers, m.Code)
	}
	if len(papers) != len(g.Materials) || len(papers) == 0 {
		t.Errorf("%d papers of %d", len(papers), len(g.Materials))
	}

	// A case can begin with it and is accepted under it.
	w := submitted(t, ev)
	w.must(w.Accept(w.by(window), ev, nil, calendar))
	if diff := cmp.Diff(pins, w.Standards); diff != "" || len(w.Reviews) != len(ev.Needs) {
		t.Errorf("%d reviews under %s", len(w.Reviews), diff)
	}
}

// everyClauseIsJudged in one review.
func everyClauseIsJudged(t *testing.T, g *guide.Guide, ev casework.Evidence) {
	t.Helper()
	judged := map[string]int{}
	for _, n := range ev.Needs {
		for _, f := range n.Findings {
			judged[f.Clause]++
			if f.Version != 3 || f.Item == "" || casework.FindingText[f.Code] == (casework.Text{}) {
				t.Errorf("%+v", f)
			}
		}
	}
	for _, c := range g.Clauses {
		if judged[c.Clause.Code] != 1 {
			t.Errorf("%s is judged %d times", c.Clause.Code, judged[c.Clause.Code])
		}
	}
}

// A construction project has no site check: what would be judged there, the lead
// judges.
func TestGatherWithoutSiteCheck(t *testing.T) {
	t.Parallel()
	facts := sample(t, "S01")
	delete(facts, "industry")
	g := guideFor(t, guide.Input{Scheme: "construction", Facts: facts})
	ev := casework.Gather(g, "dev", shippedPreset(t))
	everyClauseIsJudged(t, g, ev)
	for _, c := range g.Clauses {
		if c.JudgedIn != guide.SiteCheck {
			continue
		}
		if n := ev.Needs[slices.IndexFunc(ev.Needs, func(n casework.Need) bool {
			return slices.ContainsFunc(n.Findings, func(f casework.Finding) bool { return f.Clause == c.Clause.Code })
		})]; !n.Lead {
			t.Errorf("%s is judged by %s", c.Clause.Code, n.Department)
		}
	}
}

// An item of which it is open whether it is needed is no review; the facts on
// which that depends are named.
func TestGatherUndecided(t *testing.T) {
	t.Parallel()
	ev := casework.Gather(guideFor(t, guide.Input{Scheme: "catering", Facts: map[string]any{}}), "samr", casework.StrictPreset())
	if len(ev.Undecided) == 0 {
		t.Fatal("nothing is undecided")
	}
	for _, u := range ev.Undecided {
		if len(u.Missing) == 0 || slices.ContainsFunc(ev.Needs, func(n casework.Need) bool { return n.Item == u.Item }) {
			t.Errorf("%+v", u)
		}
	}
	for _, n := range ev.Needs {
		if slices.ContainsFunc(n.After, func(code string) bool {
			return !slices.ContainsFunc(ev.Needs, func(m casework.Need) bool { return m.Item == code })
		}) {
			t.Errorf("%s waits for %v", n.Item, n.After)
		}
	}
}

// An item that is applied for by name is needed, whatever its predicate says, and
// so are its papers.
func TestGatherOneItem(t *testing.T) {
	t.Parallel()
	ev := casework.Gather(guideFor(t, guide.Input{Item: "food-permit"}), "samr", shippedPreset(t))
	food := needOf(t, ev, "food-permit")
	if len(ev.Needs) != 1 || !food.Lead || !food.Binding || len(food.After) > 0 || len(food.Findings) == 0 || len(ev.Undecided) > 0 {
		t.Errorf("%+v", ev)
	}
	if diff := cmp.Diff([]casework.Pin{{Code: "food-permit", Version: 3}}, ev.Standards); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{workdays(5), workdays(10), 5}, []any{ev.Promised, ev.Statutory, ev.Extendable}); diff != "" {
		t.Error(diff)
	}
	it, _, _ := shipped().Item("food-permit", workday.NewDate(2026, time.November, 23))
	want := []string{}
	for _, m := range it.Materials {
		if !slices.Contains(want, m.Code()) {
			want = append(want, m.Code())
		}
	}
	got := []string{}
	for _, m := range ev.Materials {
		got = append(got, m.Code)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Error(diff)
	}
}

// Limits of one item: the law's own extension, or the 10 days of a licence
// (行政许可法 第42条); natural days; and no period in the law.
func TestLimitsOfAnItem(t *testing.T) {
	t.Parallel()
	five := 5
	for name, tc := range map[string]struct {
		kind string
		time item.Time
		want []any // promised, statutory, extendable, of the review
	}{
		"a licence":           {"许可", item.Time{Statutory: 20, Promised: 7, Unit: item.Workdays}, []any{workdays(7), workdays(20), 10, workdays(7)}},
		"its own extension":   {"许可", item.Time{Statutory: 20, Promised: 7, Unit: item.Workdays, Extension: &five}, []any{workdays(7), workdays(20), 5, workdays(7)}},
		"a filing":            {"备案", item.Time{Statutory: 20, Promised: 7, Unit: item.Workdays}, []any{workdays(7), workdays(20), 0, workdays(7)}},
		"natural days":        {"许可", item.Time{Statutory: 60, Promised: 30, Unit: item.CalendarDays}, []any{workday.Limit{Amount: 30, Unit: workday.UnitDay}, workday.Limit{Amount: 60, Unit: workday.UnitDay}, 0, workday.Limit{Amount: 30, Unit: workday.UnitDay}}},
		"no period in law":    {"备案", item.Time{Promised: 3, Unit: item.Workdays}, []any{workdays(3), workdays(3), 0, workdays(3)}},
		"nothing is promised": {"备案", item.Time{Statutory: 10, Unit: item.Workdays}, []any{workdays(0), workdays(10), 0, workdays(10)}},
	} {
		g := &guide.Guide{Item: "a", Items: []guide.ItemResult{{Item: &item.Item{Code: "a", Department: "x", Type: tc.kind, Time: tc.time}}}}
		ev := casework.Gather(g, "x", casework.StrictPreset())
		if diff := cmp.Diff(tc.want, []any{ev.Promised, ev.Statutory, ev.Extendable, ev.Needs[0].Limit}); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// What is open is never a failure.
func TestFindings(t *testing.T) {
	t.Parallel()
	reasons := []guide.Reason{{ZH: "距住宅至少 10 米，现为 4 米", EN: "at least 10 m, is 4"}, {ZH: "须有净化器", EN: "needs a purifier"}}
	clause := standard.Clause{Code: "C-1", Item: "fume", Category: "环保"}
	for name, tc := range map[string]struct {
		result guide.ClauseResult
		want   casework.Finding
	}{
		"met":                 {guide.ClauseResult{Applies: standard.True, Met: standard.True}, casework.Finding{Verdict: casework.Pass, Code: "MET"}},
		"unmet":               {guide.ClauseResult{Applies: standard.True, Met: standard.False, Reasons: reasons}, casework.Finding{Verdict: casework.Fail, Code: "UNMET", Remedy: casework.Text{ZH: "距住宅至少 10 米，现为 4 米；须有净化器", EN: "at least 10 m, is 4; needs a purifier"}}},
		"facts are missing":   {guide.ClauseResult{Applies: standard.True, Missing: []string{"seats"}}, casework.Finding{Verdict: casework.NeedsFacts, Code: "FACTS_MISSING", Missing: []string{"seats"}}},
		"applies perhaps":     {guide.ClauseResult{Missing: []string{"seats"}}, casework.Finding{Verdict: casework.NeedsFacts, Code: "APPLIES_OPEN", Missing: []string{"seats"}}},
		"perhaps, yet met":    {guide.ClauseResult{Met: standard.True}, casework.Finding{Verdict: casework.NeedsFacts, Code: "APPLIES_OPEN"}},
		"perhaps, and manual": {guide.ClauseResult{Manual: true}, casework.Finding{Verdict: casework.NeedsFacts, Code: "APPLIES_OPEN"}},
		"an officer judges":   {guide.ClauseResult{Applies: standard.True, Manual: true, Reasons: reasons}, casework.Finding{Verdict: casework.Human, Code: "OFFICER_JUDGES"}},
		"advice not followed": {guide.ClauseResult{Applies: standard.True, Reasons: reasons}, casework.Finding{Verdict: casework.Human, Code: "OFFICER_JUDGES"}},
	} {
		tc.result.Clause, tc.result.Version, tc.result.JudgedIn = &clause, 2, "site-check"
		tc.want.Clause, tc.want.Item, tc.want.Version = "C-1", "fume", 2
		g := &guide.Guide{Item: "site-check", Items: []guide.ItemResult{{Item: &item.Item{Code: "site-check", Department: "x"}}}, Clauses: []guide.ClauseResult{tc.result}}
		ev := casework.Gather(g, "x", casework.StrictPreset())
		if diff := cmp.Diff([]casework.Finding{tc.want}, ev.Needs[0].Findings); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestReadPreset(t *testing.T) {
	t.Parallel()
	if p := shippedPreset(t); !p.DeemedConsent || !slices.Contains(p.SafetyCategories, "消防") {
		t.Errorf("%+v", p)
	}
	rule := func(body any) law.Rule {
		return law.Rule{Section: casework.PresetSection, Code: "catering", Body: body}
	}
	want := casework.StrictPreset()
	want.Mode, want.AcceptWithin, want.MeetingNoticeDays = casework.MeetingMode, workdays(3), 2
	got, err := casework.ReadPreset(rule(map[string]any{"id": "catering", "mode": "MEETING", "meeting_notice_days": 2, "accept_within": map[string]any{"amount": 3}}))
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("what the rule does not name stays strict: %v %s", err, diff)
	}
	if got, err := casework.ReadPreset(rule(nil)); err != nil || cmp.Diff(casework.StrictPreset(), got) != "" {
		t.Errorf("a rule that says nothing: %v %+v", err, got)
	}
	for name, tc := range map[string]struct {
		body any
		want string
	}{
		"no mapping":          {[]any{"COPY"}, "BAD_PRESET"},
		"a wrong type":        {map[string]any{"deemed_consent": "ja"}, "BAD_PRESET"},
		"an unknown mode":     {map[string]any{"mode": "POST"}, "UNKNOWN"},
		"silence on safety":   {map[string]any{"deemed_consent": true}, "REQUIRED"},
		"absence on safety":   {map[string]any{"absence_is_consent": true, "safety_categories": []any{}}, "REQUIRED"},
		"an unknown unit":     {map[string]any{"deliver_within": map[string]any{"amount": 10, "unit": "workday"}}, "BAD_LIMIT"},
		"a limit of nothing":  {map[string]any{"accept_within": map[string]any{"amount": 0}}, "BAD_LIMIT"},
		"a limit of an age":   {map[string]any{"reasons_within": map[string]any{"amount": 10_000}}, "BAD_LIMIT"},
		"a limit of no amout": {map[string]any{"reasons_within": 10}, "BAD_PRESET"},
	} {
		_, err := casework.ReadPreset(rule(tc.body))
		wantCode(t, name, err, fault.Invalid, tc.want)
	}
}

// Who may see a case. Whoever may not is told that there is none.
func TestSees(t *testing.T) {
	t.Parallel()
	draft := open(t, evidence(generous(), restaurant())).Case
	received := submitted(t, evidence(generous(), restaurant())).Case
	w := inReview(t, generous())
	released := inReview(t, generous())
	released.must(released.ReleaseDepartment(released.by(lead), "rev_1_2", "不涉及"))
	noAgent := inReview(t, generous()).Case
	noAgent.Agent = ""
	cases := []*casework.Case{draft, received, w.Case, released.Case, noAgent}
	for _, c := range cases {
		c.Region = "cicheng-town"
	}
	town := viewer.Viewer{Subject: "x", Region: "cicheng-town"}
	district := viewer.Viewer{Subject: "x", Region: "jiangbei", Within: []string{"jiangbei", "cicheng-town"}}
	elsewhere := viewer.Viewer{Subject: "x", Region: "zhuangqiao"}
	as := func(v viewer.Viewer, role viewer.Role) viewer.Viewer { v.Role = role; return v }
	of := func(department string) viewer.Viewer {
		return viewer.Viewer{Subject: "x", Role: viewer.Reviewer, Department: department}
	}
	in := func(v viewer.Viewer, department string) viewer.Viewer {
		v.Role, v.Department = viewer.Reviewer, department
		return v
	}
	who := func(subject string, role viewer.Role) viewer.Viewer {
		return viewer.Viewer{Subject: subject, Role: role}
	}
	const yes, no = true, false
	for name, tc := range map[string]struct {
		v    viewer.Viewer
		want []bool // draft, received, in review, eco released, without an agent
	}{
		"anonymous":                  {viewer.Viewer{}, []bool{no, no, no, no, no}},
		"an agent without a name":    {who("", viewer.Agent), []bool{no, no, no, no, no}},
		"the applicant":              {who("zhang", viewer.Applicant), []bool{yes, yes, yes, yes, yes}},
		"another applicant":          {who("sun", viewer.Applicant), []bool{no, no, no, no, no}},
		"the applicant as an agent":  {who("zhang", viewer.Agent), []bool{no, no, no, no, no}},
		"the agent":                  {who("li", viewer.Agent), []bool{yes, yes, yes, yes, no}},
		"another agent":              {who("sun", viewer.Agent), []bool{no, no, no, no, no}},
		"the window":                 {as(town, viewer.Window), []bool{yes, yes, yes, yes, yes}},
		"the district's window":      {as(district, viewer.Window), []bool{yes, yes, yes, yes, yes}},
		"another town's window":      {as(elsewhere, viewer.Window), []bool{no, no, no, no, no}},
		"the lead":                   {of("samr"), []bool{no, yes, yes, yes, yes}},
		"a co-department":            {of("fire"), []bool{no, no, yes, yes, yes}},
		"a released one":             {of("eco"), []bool{no, no, yes, yes, yes}},
		"the lead in the town":       {in(town, "samr"), []bool{no, yes, yes, yes, yes}},
		"the lead in the district":   {in(district, "samr"), []bool{no, yes, yes, yes, yes}},
		"the lead elsewhere":         {in(elsewhere, "samr"), []bool{no, no, no, no, no}},
		"a co-department elsewhere":  {in(elsewhere, "fire"), []bool{no, no, no, no, no}},
		"a department not concerned": {of("culture"), []bool{no, no, no, no, no}},
		"the supervisor":             {as(district, viewer.Supervisor), []bool{no, yes, yes, yes, yes}},
		"another supervisor":         {as(elsewhere, viewer.Supervisor), []bool{no, no, no, no, no}},
		"the coordinator":            {as(town, viewer.Coordinator), []bool{no, yes, yes, yes, yes}},
		"an integrator":              {as(town, viewer.Integrator), []bool{no, yes, yes, yes, yes}},
		"an administrator":           {who("x", viewer.Admin), []bool{no, yes, yes, yes, yes}},
		"who reviews legality":       {who("x", viewer.Legal), []bool{no, no, no, no, no}},
		"who reviews quality":        {who("x", viewer.Quality), []bool{no, no, no, no, no}},
	} {
		got := []bool{}
		for _, c := range cases {
			got = append(got, c.Sees(tc.v))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	want := casework.Actor{Subject: "li", Role: casework.RoleAgent, OnBehalfOf: "zhang", Mandate: "WT-1"}
	if diff := cmp.Diff(want, w.ActorOf(who("li", viewer.Agent))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(casework.Actor{Subject: "sun", Role: casework.RoleAgent}, w.ActorOf(who("sun", viewer.Agent))); diff != "" {
		t.Error(diff)
	}
}
