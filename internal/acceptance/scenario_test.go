package acceptance_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// packItem is an item as the pack says it.
type packItem struct {
	ID, Department, Type string
	Time                 struct {
		Statutory, Promised int
		Unit                string
		Extension           *int
	}
	Preconditions []struct{ Item string }
	Materials     []struct {
		Name, Source string
		Tolerable    bool
	}
}

// findItem finds the first item that stands alone, counts working days, and has
// what is asked for.
func findItem(t *testing.T, what string, fits func(i packItem) bool) packItem {
	t.Helper()
	var file struct{ Items []packItem }
	readYAML(t, "items.yaml", &file)
	for _, i := range file.Items {
		if len(i.Preconditions) == 0 && i.Time.Unit == "workday" && fits(i) {
			return i
		}
	}
	t.Fatalf("the pack has no item %s", what)
	return packItem{}
}

// licence20 is an ordinary licence: 20 working days by law and 10 more if need
// be (行政许可法 第42条), fewer promised.
func licence20(i packItem) bool {
	return i.Type == "许可" && i.Time.Statutory == 20 && i.Time.Promised > 0 && i.Time.Promised < 20 && (i.Time.Extension == nil || *i.Time.Extension == 10)
}

// sandbox is an instance whose clock the tests set, and the case that they look
// at.
type sandbox struct {
	instance
	number string
	person client
}

// on sets the clock to a moment of a day, in Shanghai.
func (s *sandbox) on(t *testing.T, day, clock string) int {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04 -0700", day+" "+clock+" +0800")
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		SetClock struct {
			Now    time.Time
			Worked int
		}
	}
	s.as(t, anybody).ask(t, `mutation($now: DateTime!) { setClock(input: {now: $now}) { now worked } }`, map[string]any{"now": at.UTC().Format(time.RFC3339)}, &data)
	if d := data.SetClock.Now.Sub(at); d < 0 || d > patience {
		t.Fatalf("the clock was set to %v and is at %v", at, data.SetClock.Now)
	}
	return data.SetClock.Worked
}

// submit opens a case and hands it in.
func (s *sandbox) submit(t *testing.T, opening map[string]any) shown {
	t.Helper()
	s.person = s.as(t, applicant(newKey()))
	s.number = s.person.do(t, "openCase", opening).Number
	c := s.person.do(t, "submitCase", map[string]any{"case": s.number})
	s.number = c.Number
	return c
}

// accept opens a case, hands it in and accepts it, all on the day.
func (s *sandbox) accept(t *testing.T, day string, opening map[string]any) shown {
	t.Helper()
	s.on(t, day, "10:00")
	s.submit(t, opening)
	s.as(t, clerk).do(t, "acceptCase", map[string]any{"case": s.number})
	return s.look(t)
}

// officer gives a command as an officer of a department.
func (s *sandbox) officer(t *testing.T, department, name string, input map[string]any) shown {
	t.Helper()
	return s.as(t, officer(department)).do(t, name, input)
}

// look shows the case, and checks on the way that both clocks say what the
// public arithmetic of working days says.
func (s *sandbox) look(t *testing.T) shown {
	t.Helper()
	c := s.as(t, clerk).show(t, s.number)
	s.checkClock(t, c, "promised", c.Promised)
	s.checkClock(t, c, "statutory", c.Statutory)
	for i, e := range c.Events.Edges {
		if e.Node.Position != i+1 {
			t.Errorf("event %d is at position %d", i+1, e.Node.Position)
		}
	}
	return c
}

func (s *sandbox) checkClock(t *testing.T, c shown, which string, k clockShown) {
	t.Helper()
	if c.AcceptedAt == nil || k.DueOn == nil {
		return
	}
	var today struct{ Guide struct{ AsOf string } }
	s.ask(t, `{ guide(input: {item: "biz-reg", facts: {}}) { asOf } }`, nil, &today)
	day := today.Guide.AsOf
	if c.DecidedAt != nil {
		day = dayOf(*c.DecidedAt)
	}
	pauses := k.Pauses
	if pauses == nil {
		pauses = []map[string]string{}
	}
	var told struct{ Deadline deadlineShown }
	s.ask(t, `query($in: DeadlineInput!) { deadline(input: $in) { `+deadlineFields+` } }`, map[string]any{"in": map[string]any{
		"start": dayOf(*c.AcceptedAt), "amount": k.Limit.Amount, "unit": k.Limit.Unit, "pauses": pauses}}, &told)
	if diff := cmp.Diff(told.Deadline, k.Explanation); diff != "" {
		t.Errorf("%s clock (-deadline() +explanation):\n%s", which, diff)
	}
	if *k.DueOn != k.Explanation.DueOn {
		t.Errorf("%s is due on %s, which is explained as %s", which, *k.DueOn, k.Explanation.DueOn)
	}
	left := 0
	for _, d := range k.Explanation.Days {
		if d.Counts && d.Date > day {
			left++
		}
	}
	overdue := *k.DueOn < day
	if k.RemainingDays == nil || !overdue && *k.RemainingDays != left || overdue && *k.RemainingDays >= 0 {
		t.Errorf("on %s, due on %s, %s days remain of the %s limit; %d days of the explanation are still to come", day, *k.DueOn, text(k.RemainingDays), which, left)
	}
}

var shanghai = time.FixedZone("CST", 8*3600)

func dayOf(at time.Time) string { return at.In(shanghai).Format(time.DateOnly) }

func text[T any](v *T) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(*v)
}

// due asks the public arithmetic for a day.
func (s *sandbox) due(t *testing.T, start string, amount int, pauses ...[2]string) string {
	t.Helper()
	all := []map[string]string{}
	for _, p := range pauses {
		all = append(all, map[string]string{"from": p[0], "to": p[1], "reason": "停"})
	}
	var r struct{ Deadline struct{ DueOn string } }
	s.ask(t, `query($in: DeadlineInput!) { deadline(input: $in) { dueOn } }`,
		map[string]any{"in": map[string]any{"start": start, "amount": amount, "unit": "WORKDAY", "pauses": all}}, &r)
	return r.Deadline.DueOn
}

func wantDue(t *testing.T, what string, k clockShown, want string) {
	t.Helper()
	if text(k.DueOn) != want {
		t.Errorf("%s: due on %s, want %s", what, text(k.DueOn), want)
	}
}

func wantState(t *testing.T, c shown, want string) {
	t.Helper()
	if c.State != want {
		t.Fatalf("%s is %s, want %s", c.Number, c.State, want)
	}
}

func single(item packItem) map[string]any {
	return map[string]any{"item": item.ID, "facts": map[string]any{}}
}

// joint is the first sample: a restaurant with several departments.
func joint(t *testing.T) map[string]any {
	t.Helper()
	s := samples(t)[0]
	return map[string]any{"scheme": s.Scheme, "facts": withDefaults(t, s.Facts)}
}

// TestScenarios plays the limits of the law in a sandbox, one after another, for
// they share its clock.
func TestScenarios(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		awaitSeeds(t, in)
		s := &sandbox{instance: in}
		for _, scenario := range []struct {
			name string
			play func(t *testing.T, s *sandbox)
		}{
			{"add_workdays", playAddWorkdays},
			{"vectors", playVectors},
			{"T3 silence accepts as of receipt", playSilence},
			{"T4 tolerated material", playTolerance},
			{"T4 tolerated material missed", playToleranceMissed},
			{"T8 delivery", playDelivery},
			{"T9 lifted early", playLiftedEarly},
			{"T11 sequence", playSequence},
			{"T12 promise and statute", playTwoClocks},
			{"T16 site visit", playSiteVisit},
			{"deemed consent", playDeemedConsent},
			{"supplement stops the clock", playSupplement},
		} {
			t.Run(scenario.name, func(t *testing.T) { scenario.play(t, s) })
		}
	}, "--sandbox")
}

type vectors struct {
	Vectors struct {
		Add []struct {
			Accepted string
			Workdays int
			Due      string
		} `yaml:"add_workdays"`
		Scenarios []struct {
			Name, Accepted, Due string
			ExtendedDue         string `yaml:"extended_due"`
			Statutory           int
			Pauses              []struct{ From, To, Reason string }
		}
	} `yaml:"test_vectors"`
}

// playAddWorkdays accepts on the day of each vector a case whose law gives as
// many days.
func playAddWorkdays(t *testing.T, s *sandbox) {
	var file vectors
	readYAML(t, "rules.yaml", &file)
	for _, v := range file.Vectors.Add {
		item := findItem(t, fmt.Sprintf("of %d days", v.Workdays), func(i packItem) bool { return i.Time.Statutory == v.Workdays || i.Time.Promised == v.Workdays })
		c := s.accept(t, v.Accepted, single(item))
		clock := c.Statutory
		if item.Time.Promised == v.Workdays {
			clock = c.Promised
		}
		wantDue(t, fmt.Sprintf("%s on %s", item.ID, v.Accepted), clock, v.Due)
	}
}

func playVectors(t *testing.T, s *sandbox) {
	var file vectors
	readYAML(t, "rules.yaml", &file)
	var licence packItem
	for _, v := range file.Vectors.Scenarios {
		opening, more := joint(t), 15
		if v.Statutory == 20 {
			licence = findItem(t, "that is an ordinary licence", licence20)
			opening, more = single(licence), 10
		}
		c := s.accept(t, v.Accepted, opening)
		wantState(t, c, "IN_REVIEW")
		for _, p := range v.Pauses {
			r := c.review(t, licence.ID)
			s.on(t, p.From, "10:00")
			days := s.countWorkdays(t, p.From, p.To)
			c = s.officer(t, licence.Department, "startSpecialProcedure", map[string]any{"review": r.ID, "kind": "HEARING", "days": days})
			if c = s.look(t); c.Statutory.Running || c.review(t, licence.ID).State != "PAUSED" {
				t.Errorf("%s: the clock runs during the hearing", v.Name)
			}
			wantDue(t, v.Name+", as told on its first day", c.Statutory, v.Due)
			s.on(t, p.To, "16:00")
			c = s.officer(t, licence.Department, "endSpecialProcedure", map[string]any{"procedure": c.SpecialProcedures[len(c.SpecialProcedures)-1].ID})
			if r := c.review(t, licence.ID); r.State != "OPEN" {
				t.Errorf("%s: the review is %s after the hearing", v.Name, r.State)
			}
		}
		wantDue(t, v.Name, s.look(t).Statutory, v.Due)
		if v.ExtendedDue == "" {
			continue
		}
		by := s.as(t, officer(c.Lead.Code))
		extension := map[string]any{"case": s.number, "days": more + 1, "approver": "局长", "reason": "情况复杂"}
		if r := by.refused(t, mutation(t, "extendLimit", extension, "case { id }"), "INVALID"); !r.has("days", "OVER_CAP") {
			t.Errorf("%s: %d days more: %+v", v.Name, more+1, *r.Extensions.Problems)
		}
		extension["days"] = more
		by.do(t, "extendLimit", extension)
		wantDue(t, v.Name+", extended", s.look(t).Statutory, v.ExtendedDue)
	}
}

// countWorkdays counts the working days of a span, both ends included.
func (s *sandbox) countWorkdays(t *testing.T, from, to string) int {
	t.Helper()
	before, err := time.Parse(time.DateOnly, from)
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n < 400; n++ {
		if s.due(t, before.AddDate(0, 0, -1).Format(time.DateOnly), n) >= to {
			return n
		}
	}
	t.Fatal("the span has no end")
	return 0
}

// playSilence: 5 working days of silence accept, as of the day of receipt
// (行政许可法 第32条).
func playSilence(t *testing.T, s *sandbox) {
	const received = "2026-02-12" // the Spring Festival lies in between
	item := findItem(t, "that is an ordinary licence", licence20)
	s.on(t, received, "10:00")
	c := s.submit(t, single(item))
	last := s.due(t, received, 5)
	var data struct {
		SubmitCase struct {
			Receipt struct{ Number, QueryCode, AcceptBy string }
		}
	}
	again := s.as(t, applicant(newKey()))
	draft := again.do(t, "openCase", single(item)).Number
	again.granted(t, mutation(t, "submitCase", map[string]any{"case": draft}, "receipt { number queryCode acceptBy }"), &data)
	if got := data.SubmitCase.Receipt.AcceptBy; got != last {
		t.Errorf("the receipt says %s, want %s", got, last)
	}
	s.on(t, last, "23:59")
	wantState(t, s.look(t), "SUBMITTED")
	next, _ := time.Parse(time.DateOnly, last)
	s.on(t, next.AddDate(0, 0, 1).Format(time.DateOnly), "00:01")
	for range 2 { // and once is enough
		c = s.look(t)
		wantState(t, c, "IN_REVIEW")
		if c.AcceptedAt == nil || !c.AcceptedAt.Equal(*c.ReceivedAt) || dayOf(*c.AcceptedAt) != received || c.count("deemAccepted") != 1 {
			t.Errorf("accepted as of %v, received at %v, %d times", c.AcceptedAt, c.ReceivedAt, c.count("deemAccepted"))
		}
		wantDue(t, "from the receipt", c.Statutory, s.due(t, received, 20))
		if r := c.review(t, item.ID); dayOf(*r.OpenedAt) <= last {
			t.Errorf("the department's own clock starts on %v, before the copy reached it", r.OpenedAt)
		}
		s.on(t, next.AddDate(0, 0, 1).Format(time.DateOnly), "12:00")
	}
	r := s.as(t, clerk).refused(t, mutation(t, "acceptCase", map[string]any{"case": s.number}, "case { id }"), "CONFLICT")
	if r.Extensions.State != "IN_REVIEW" {
		t.Errorf("accepting once more: %+v", r)
	}
}

// tolerant finds an item with a tolerable paper and one that is not.
func tolerant(t *testing.T) (item packItem, later, key string) {
	t.Helper()
	fits := func(tolerable bool) func(m struct {
		Name, Source string
		Tolerable    bool
	}) bool {
		return func(m struct {
			Name, Source string
			Tolerable    bool
		}) bool {
			return m.Source == "applicant" && m.Tolerable == tolerable
		}
	}
	item = findItem(t, "with a tolerable paper", func(i packItem) bool {
		return i.Type == "许可" && i.Time.Promised > 1 && slices.ContainsFunc(i.Materials, fits(true)) && slices.ContainsFunc(i.Materials, fits(false))
	})
	later = item.Materials[slices.IndexFunc(item.Materials, fits(true))].Name
	return item, later, item.Materials[slices.IndexFunc(item.Materials, fits(false))].Name
}

// playTolerance: a secondary material may come later, within the promised limit;
// a key material may not, and nothing is granted before it has come.
func playTolerance(t *testing.T, s *sandbox) {
	const day = "2026-03-02"
	item, later, key := tolerant(t)
	s.on(t, day, "10:00")
	s.submit(t, single(item))
	window := s.as(t, clerk)
	if r := window.refused(t, mutation(t, "acceptCase", map[string]any{"case": s.number, "tolerate": []string{key}}, "case { id }"), "INVALID"); !r.has("tolerate[0]", "KEY_MATERIAL") {
		t.Errorf("a key material: %+v", *r.Extensions.Problems)
	}
	window.do(t, "acceptCase", map[string]any{"case": s.number, "tolerate": []string{later}})
	c := s.look(t)
	if m := c.material(t, later); m.DueOn != s.due(t, day, item.Time.Promised) || m.OnPaper {
		t.Errorf("the tolerated material: %+v", m)
	}
	if m := c.material(t, key); !m.OnPaper {
		t.Errorf("the window has accepted without saying that it has %+v", m)
	}
	s.officer(t, item.Department, "giveOpinion", map[string]any{"review": c.review(t, item.ID).ID, "opinion": "CONSENT"})
	lead := s.as(t, officer(item.Department))
	grant := map[string]any{"case": s.number, "decision": "GRANT"}
	if r := lead.refused(t, mutation(t, "decideCase", grant, "case { id }"), "CONFLICT"); !r.has("blockers", "MATERIAL") {
		t.Errorf("a grant without the tolerated material: %+v", *r.Extensions.Problems)
	}
	s.person.granted(t, upload(t, map[string]any{"case": s.number, "material": later}, "later.pdf", pdf(later)), nil)
	wantState(t, lead.do(t, "decideCase", grant), "GRANTED")
}

// playToleranceMissed: a missed day closes nothing; it is noted once, and the
// paper may still come.
func playToleranceMissed(t *testing.T, s *sandbox) {
	const day = "2026-03-02"
	item, later, _ := tolerant(t)
	s.on(t, day, "10:00")
	s.submit(t, single(item))
	c := s.as(t, clerk).do(t, "acceptCase", map[string]any{"case": s.number, "tolerate": []string{later}})
	s.officer(t, item.Department, "giveOpinion", map[string]any{"review": c.review(t, item.ID).ID, "opinion": "CONSENT"})
	s.on(t, c.material(t, later).DueOn, "23:59")
	if c = s.look(t); c.material(t, later).MissedAt != nil {
		t.Error("it is missed on the day itself")
	}
	for _, day := range []string{"2026-03-20", "2026-03-23"} {
		s.on(t, day, "10:00")
		c = s.look(t)
		if c.State != "IN_REVIEW" || c.material(t, later).MissedAt == nil || c.count("missMaterial") != 1 || len(c.Blockers) != 1 || c.Blockers[0].Kind != "MATERIAL" {
			t.Errorf("after the day: %s, missed at %v %d times, blockers %v", c.State, c.material(t, later).MissedAt, c.count("missMaterial"), c.Blockers)
		}
	}
	s.person.granted(t, upload(t, map[string]any{"case": s.number, "material": later}, "later.pdf", pdf(later)), nil)
	wantState(t, s.officer(t, item.Department, "decideCase", map[string]any{"case": s.number, "decision": "GRANT"}), "GRANTED")
}

// playDelivery: 10 working days after the decision (行政许可法 第44条), over the
// holidays of the vector.
func playDelivery(t *testing.T, s *sandbox) {
	var file vectors
	readYAML(t, "rules.yaml", &file)
	for _, v := range file.Vectors.Add {
		if v.Workdays != 10 {
			continue
		}
		item := findItem(t, "that is an ordinary licence", licence20)
		c := s.accept(t, v.Accepted, single(item))
		s.officer(t, item.Department, "giveOpinion", map[string]any{"review": c.review(t, item.ID).ID, "opinion": "CONSENT"})
		c = s.officer(t, item.Department, "decideCase", map[string]any{"case": s.number, "decision": "GRANT"})
		if len(c.Duties) != 1 || c.Duties[0].Kind != "DELIVERY" || c.Duties[0].DueOn != v.Due || c.Duties[0].DoneAt != nil {
			t.Errorf("granted on %s: duties %+v, want delivery until %s", v.Accepted, c.Duties, v.Due)
		}
		if c = s.look(t); c.Statutory.Running || c.Promised.Running {
			t.Error("a clock runs after the decision")
		}
		s.on(t, v.Due, "10:00")
		s.as(t, clerk).do(t, "deliverResult", map[string]any{"case": s.number})
		if c = s.look(t); c.State != "DELIVERED" || len(c.Duties) != 1 || c.Duties[0].DoneAt == nil || dayOf(*c.Duties[0].DoneAt) != v.Due || c.count("dutyOwed") != 1 {
			t.Errorf("delivered: %s, duties %+v", c.State, c.Duties)
		}
		return
	}
	t.Fatal("the pack has no vector of 10 days")
}

// playLiftedEarly: a stop that ends early gives the days back.
func playLiftedEarly(t *testing.T, s *sandbox) {
	const accepted, from, to = "2026-03-02", "2026-03-09", "2026-03-13"
	item := findItem(t, "that is an ordinary licence", licence20)
	c := s.accept(t, accepted, single(item))
	s.on(t, from, "10:00")
	c = s.officer(t, item.Department, "startSpecialProcedure", map[string]any{"review": c.review(t, item.ID).ID, "kind": "EXPERT_REVIEW", "days": 15})
	long := s.look(t)
	wantDue(t, "as told", long.Statutory, s.due(t, accepted, 20, [2]string{from, "2026-03-27"}))
	s.on(t, to, "17:00")
	s.officer(t, item.Department, "endSpecialProcedure", map[string]any{"procedure": c.SpecialProcedures[0].ID})
	c = s.look(t)
	wantDue(t, "lifted early", c.Statutory, s.due(t, accepted, 20, [2]string{from, to}))
	wantDue(t, "lifted early, promised", c.Promised, s.due(t, accepted, item.Time.Promised, [2]string{from, to}))
	if r := c.review(t, item.ID); r.DueOn != s.due(t, accepted, item.Time.Promised, [2]string{from, to}) {
		t.Errorf("the review is due on %s", r.DueOn)
	}
	if *c.Statutory.DueOn >= *long.Statutory.DueOn {
		t.Error("no day was given back")
	}
}

// playSequence: where the law wants a sequence, the next department's clock
// starts when the earlier result arrives (浙江省保障“最多跑一次”改革规定 第5条).
func playSequence(t *testing.T, s *sandbox) {
	const accepted, answered = "2026-06-01", "2026-06-02"
	c := s.accept(t, accepted, joint(t))
	waiting := c.reviews()[slices.IndexFunc(c.reviews(), func(r reviewShown) bool { return r.State == "WAITING" })]
	if waiting.OpenedAt != nil || waiting.DueOn != "" {
		t.Errorf("a clock runs before the earlier result: %+v", waiting)
	}
	var after struct {
		Case struct {
			Reviews struct {
				Edges []struct {
					Node struct {
						ID    string
						After []string
					}
				}
			}
		}
	}
	s.as(t, clerk).ask(t, `query($n: String!) { case(number: $n) { reviews(first: 20) { edges { node { id after } } } } }`, map[string]any{"n": s.number}, &after)
	var before []string
	for _, e := range after.Case.Reviews.Edges {
		if e.Node.ID == waiting.ID {
			before = e.Node.After
		}
	}
	if len(before) == 0 {
		t.Fatalf("%+v waits for nothing", waiting)
	}
	early := s.as(t, officer(waiting.Department.Code)).refused(t,
		mutation(t, "giveOpinion", map[string]any{"review": waiting.ID, "opinion": "CONSENT"}, "case { id }"), "CONFLICT")
	if early.Extensions.State != "IN_REVIEW" {
		t.Errorf("an opinion before the earlier result: %+v", early)
	}
	s.on(t, answered, "15:00")
	for _, item := range before {
		r := c.review(t, item)
		s.officer(t, r.Department.Code, "giveOpinion", map[string]any{"review": r.ID, "opinion": "CONSENT"})
	}
	r := s.look(t).review(t, waiting.Item.Code)
	if r.State != "OPEN" || dayOf(*r.OpenedAt) != answered || r.DueOn != s.due(t, answered, r.Clock.Limit.Amount) {
		t.Errorf("after the earlier result: %s since %v until %s", r.State, r.OpenedAt, r.DueOn)
	}
	for _, o := range c.reviews() {
		if o.State == "OPEN" && (dayOf(*o.OpenedAt) != accepted || o.Clock != nil && o.DueOn != s.due(t, accepted, o.Clock.Limit.Amount)) {
			t.Errorf("side by side with the others: %+v", o)
		}
	}
}

// playTwoClocks: the promise and the statute are both kept
// (浙江省保障“最多跑一次”改革规定 第12条).
func playTwoClocks(t *testing.T, s *sandbox) {
	const accepted = "2026-06-01"
	c := s.accept(t, accepted, joint(t))
	if c.Promised.Limit.Amount >= c.Statutory.Limit.Amount {
		t.Fatalf("promised %d, statutory %d", c.Promised.Limit.Amount, c.Statutory.Limit.Amount)
	}
	wantDue(t, "promised", c.Promised, s.due(t, accepted, c.Promised.Limit.Amount))
	wantDue(t, "statutory", c.Statutory, s.due(t, accepted, c.Statutory.Limit.Amount))
	promise := *c.Promised.DueOn
	s.officer(t, c.Lead.Code, "extendLimit", map[string]any{"case": s.number, "days": 5, "approver": "区长", "reason": "情况复杂"})
	c = s.look(t)
	wantDue(t, "the promise after an extension by law", c.Promised, promise)
	day, _ := time.Parse(time.DateOnly, promise)
	s.on(t, day.AddDate(0, 0, 5).Format(time.DateOnly), "10:00")
	c = s.look(t)
	if *c.Promised.RemainingDays >= 0 || *c.Statutory.RemainingDays <= 0 || !c.Promised.Running || !c.Statutory.Running {
		t.Errorf("between the two: %d and %d days remain", *c.Promised.RemainingDays, *c.Statutory.RemainingDays)
	}
}

// playSiteVisit: a visit to the site is not in the list of 行政许可法 第45条: it
// does not stop the clock.
func playSiteVisit(t *testing.T, s *sandbox) {
	const accepted, visit = "2026-06-01", "2026-06-02"
	c := s.accept(t, accepted, joint(t))
	due := *c.Statutory.DueOn
	open := slices.DeleteFunc(c.reviews(), func(r reviewShown) bool { return r.State != "OPEN" })
	var departments []string
	for _, r := range open {
		departments = append(departments, r.Department.Code)
	}
	lead := s.as(t, officer(c.Lead.Code))
	var called struct {
		CallMeeting struct{ Meeting struct{ ID string } }
	}
	lead.granted(t, mutation(t, "callMeeting", map[string]any{"case": s.number, "kind": "SITE_VISIT", "departments": departments, "on": visit}, "meeting { id }"), &called)
	s.on(t, visit, "10:00")
	check := func(when string) {
		t.Helper()
		c = s.look(t)
		if !c.Statutory.Running || !c.Promised.Running || len(c.Statutory.Pauses) > 0 {
			t.Errorf("%s: running %v, pauses %v", when, c.Statutory.Running, c.Statutory.Pauses)
		}
		wantDue(t, when, c.Statutory, due)
	}
	check("on the day of the visit")
	lead.do(t, "recordMeeting", map[string]any{"meeting": called.CallMeeting.Meeting.ID, "present": departments})
	check("after the visit")
	s.as(t, officer(open[0].Department.Code)).refused(t,
		mutation(t, "startSpecialProcedure", map[string]any{"review": open[0].ID, "kind": "SITE_VISIT", "days": 3}, "case { id }"), "INVALID")
	check("after a visit was called a special procedure")
}

// playDeemedConsent: a co-department's silence past the limit is consent, once,
// and never on safety of life; the lead's own silence is none.
func playDeemedConsent(t *testing.T, s *sandbox) {
	const accepted = "2026-06-01"
	c := s.accept(t, accepted, joint(t))
	for _, r := range c.reviews() { // one day before its end each is reminded of
		if r.State == "OPEN" && r.DueOn == "" {
			t.Errorf("%s has no limit", r.Item.Code)
		}
	}
	for _, day := range []string{"2026-06-30", "2026-07-01"} {
		s.on(t, day, "10:00")
	}
	c = s.look(t)
	wantState(t, c, "IN_REVIEW")
	silent, never := 0, 0
	for _, r := range c.reviews() {
		switch {
		case r.SafetyOfLife, r.Lead:
			never++
			if r.Opinion != nil || r.State != "OPEN" && r.State != "WAITING" {
				t.Errorf("%s is the lead's or on safety of life and is %s %s after its silence", r.Item.Code, r.State, text(r.Opinion))
			}
		case r.State == "WAITING":
		default:
			silent++
			if text(r.Opinion) != "DEEMED_CONSENT" || dayOf(*r.AnsweredAt) <= r.DueOn {
				t.Errorf("%s was due on %s and is %s %s since %v", r.Item.Code, r.DueOn, r.State, text(r.Opinion), r.AnsweredAt)
			}
		}
	}
	if silent == 0 || never == 0 || c.count("deemConsent") != silent {
		t.Errorf("%d silent, %d on safety of life, %d deemed to consent", silent, never, c.count("deemConsent"))
	}
	var file struct {
		Joint []struct {
			Safety []string `yaml:"safety_categories"`
		} `yaml:"joint_decision"`
	}
	readYAML(t, "rules.yaml", &file)
	var clauses struct {
		Clauses []struct{ Item, Category string }
	}
	readYAML(t, "clauses.yaml", &clauses)
	for _, r := range c.reviews() { // what the pack has no such clause for is not on safety of life
		own := slices.ContainsFunc(clauses.Clauses, func(c struct{ Item, Category string }) bool {
			return c.Item == r.Item.Code && slices.Contains(file.Joint[0].Safety, c.Category)
		})
		if r.SafetyOfLife && !own && r.Item.Code != "site-check" { // which judges the clauses of others
			t.Errorf("%s is on safety of life without a clause that is", r.Item.Code)
		}
	}
}

// playSupplement: one request for all; it stops the clock until it is supplied.
func playSupplement(t *testing.T, s *sandbox) {
	const accepted, asked, supplied = "2026-03-02", "2026-03-04", "2026-03-10"
	item := findItem(t, "that is an ordinary licence", licence20)
	c := s.accept(t, accepted, single(item))
	s.on(t, asked, "10:00")
	c = s.officer(t, c.Lead.Code, "requestSupplement", map[string]any{"case": s.number, "dueOn": "2026-03-20",
		"asks": []any{map[string]any{"review": c.review(t, item.ID).ID, "text": "补正"}}})
	wantState(t, c, "SUPPLEMENTING")
	wantDue(t, "while it is open", s.look(t).Statutory, s.due(t, accepted, 20, [2]string{asked, "2026-03-20"}))
	s.on(t, supplied, "10:00")
	s.person.do(t, "supplyCase", map[string]any{"case": s.number})
	c = s.look(t)
	wantDue(t, "supplied", c.Statutory, s.due(t, accepted, 20, [2]string{asked, supplied}))
	if r := c.review(t, item.ID); c.State != "IN_REVIEW" || r.State != "OPEN" {
		t.Errorf("supplied: %s, review %s", c.State, r.State)
	}
}
