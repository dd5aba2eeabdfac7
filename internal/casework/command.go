package casework

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/workday"
)

// By is who gives a command and when. A zero OccurredAt means RecordedAt. A
// Version that is not 0 must be the case's own, else the command is STALE.
type By struct {
	Actor      Actor
	OccurredAt time.Time
	RecordedAt time.Time
	Version    int
}

func (b By) occurred() time.Time {
	if b.OccurredAt.IsZero() {
		return b.RecordedAt
	}
	return b.OccurredAt
}

func (b By) day() workday.Date { return workday.DateOf(b.occurred()) }

func invalid(action Action, problems ...fault.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return fault.InvalidInput("casework."+string(action), problems...)
}

func problem(path, code, zh, en string) fault.Problem {
	return fault.Problem{Path: path, Code: code, ZH: zh, EN: en}
}

func required(path string) fault.Problem { return problem(path, "REQUIRED", "必填", "is required") }

// blank says that a text says nothing.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// dissentProblems: a dissent gives its reasons, each with the clause that is not
// met (domain.md section 4).
func dissentProblems(reasons []Reason) []fault.Problem {
	found := reasonsProblems(reasons)
	for i, r := range reasons {
		if blank(r.Clause) {
			found = append(found, required(fmt.Sprintf("reasons[%d].clause", i)))
		}
		if blank(r.Text) {
			found = append(found, required(fmt.Sprintf("reasons[%d].text", i)))
		}
	}
	return found
}

// reasonsProblems: at least one reason, and each with a clause or a text
// (行政许可法 第38条第2款).
func reasonsProblems(reasons []Reason) []fault.Problem {
	if len(reasons) == 0 {
		return []fault.Problem{required("reasons")}
	}
	var found []fault.Problem
	for i, r := range reasons {
		if blank(r.Clause) && blank(r.Text) {
			found = append(found, problem(fmt.Sprintf("reasons[%d]", i), "REQUIRED", "须写明条款或理由", "needs a clause or a text"))
		}
	}
	return found
}

// begin checks version, party, state, guard and times. It changes nothing; nor
// does a command before it has checked its whole input.
func (c *Case) begin(by By, action Action, to CaseState) (Transition, error) {
	if by.Version != 0 && by.Version != c.Version {
		f := fault.New(fault.Stale, "casework."+string(action), "办件已被他人更改", "somebody else has changed the case")
		f.State, f.Version, f.Allowed = string(c.State), c.Version, Allowed(c, by.Actor)
		f.Problems = []fault.Problem{problem("expectedVersion", "STALE", fmt.Sprintf("当前版本为 %d", c.Version), fmt.Sprintf("the current version is %d", c.Version))}
		return Transition{}, f
	}
	t, err := c.find(by.Actor, action, to)
	if err != nil {
		return t, err
	}
	return t, c.times(by, action)
}

func (c *Case) times(by By, action Action) error {
	switch {
	case by.RecordedAt.IsZero():
		return invalid(action, required("recordedAt"))
	case by.occurred().After(by.RecordedAt):
		return invalid(action, problem("occurredAt", "FUTURE", "不能晚于记录时间", "is after the time of recording"))
	case by.OccurredAt.IsZero():
		return nil // the platform's own time; clocks of instances differ a little
	}
	for _, step := range []struct {
		at     time.Time
		zh, en string
	}{
		{c.DecidedAt, "不能早于决定时间", "is before the decision"},
		{c.AcceptedAt, "不能早于受理时间", "is before the acceptance"},
		{c.ReceivedAt, "不能早于收件时间", "is before the receipt"},
		{c.OpenedAt, "不能早于开办时间", "is before the case was opened"},
	} {
		if by.OccurredAt.Before(step.at) {
			return invalid(action, problem("occurredAt", "TOO_EARLY", step.zh, step.en))
		}
	}
	return nil
}

// commit makes the transition and appends its event.
func (c *Case) commit(by By, t Transition, data map[string]any) {
	c.State = t.To
	c.Version++
	switch t.To {
	case Granted, Denied:
		if t.Action == ActDecide {
			c.DecidedAt = by.RecordedAt.UTC() // a late entry stops no clock in the past
		}
	case Refused, NotRequired, Withdrawn, Revoked:
		c.EndedBy = t.Action
	}
	c.event(by, string(t.Action), data)
}

// event appends what happened. Clocks of instances differ a little: RecordedAt
// is never before that of the last event.
func (c *Case) event(by By, kind string, data map[string]any) {
	recorded := by.RecordedAt.UTC()
	if recorded.Before(c.RecordedAt) {
		recorded = c.RecordedAt
	}
	c.RecordedAt = recorded
	c.EventCount++
	c.Events = append(c.Events, Event{
		ID: ref.Part(ref.Event, c.ID, c.EventCount), Position: c.EventCount,
		Kind: kind, OccurredAt: by.occurred().UTC(), RecordedAt: recorded, Actor: by.Actor,
		Late: by.day().Before(workday.DateOf(by.RecordedAt)), Data: data,
	})
}

// Evidence is what the guide of one day says about the project, gathered before
// a command and pinned by it.
type Evidence struct {
	Lead       string
	Needs      []Need
	Undecided  []Undetermined
	Materials  []Material
	Standards  []Pin
	Preset     Preset
	Promised   workday.Limit // of the whole case
	Statutory  workday.Limit
	Extendable int
	Checks     []check.Run // of departments' plugins, to be run
	Question   check.Question
}

// pin takes the evidence into the case.
func (c *Case) pin(by By, ev Evidence) {
	c.Lead, c.Needs, c.Undecided, c.Standards, c.Preset = ev.Lead, slices.Clone(ev.Needs), slices.Clone(ev.Undecided), slices.Clone(ev.Standards), ev.Preset
	c.Promised, c.Statutory, c.Extendable = ev.Promised, ev.Statutory, ev.Extendable
	c.Checks = nil
	c.ask(by, ev.Checks)
	c.Materials = c.papers(ev.Materials)
	for i := range c.Materials {
		if c.Materials[i].ID == "" {
			c.PaperCount++
			c.Materials[i].ID = ref.Part(ref.Paper, c.ID, c.PaperCount)
		}
	}
}

// papers are the materials that are asked for, with what has come of them.
func (c *Case) papers(asked []Material) []Material {
	asked = slices.Clone(asked)
	for i, m := range asked {
		if k := c.material(m.Code); k >= 0 {
			asked[i] = c.Materials[k]
			asked[i].Source, asked[i].From, asked[i].Tolerable = m.Source, m.From, m.Tolerable
		}
	}
	for _, m := range c.Materials { // a paper that is here is not thrown away
		if m.File != nil && !slices.ContainsFunc(asked, func(n Material) bool { return n.Code == m.Code }) {
			asked = append(asked, m)
		}
	}
	return asked
}

// maxSubject bounds the name of a subject, in bytes.
const maxSubject = 500

// Opening is what a case begins with. ID is the identity that it will have.
type Opening struct {
	ID, Scheme, Item, Applicant, Agent, Mandate, Region, Notice string
	Facts                                                       map[string]any
	Evidence                                                    Evidence
}

// New opens a case as a DRAFT of version 1.
func New(by By, in Opening) (*Case, error) {
	c := &Case{
		ID: in.ID, State: Draft, Version: 1, Scheme: in.Scheme, Item: in.Item, Applicant: in.Applicant, Agent: in.Agent,
		Region: in.Region, Notice: in.Notice, Facts: maps.Clone(in.Facts), Dossier: Dossier{Mandate: in.Mandate},
	}
	if err := c.times(by, EventOpened); err != nil {
		return nil, err
	}
	found := needsProblems(in.Evidence.Needs)
	if (in.Scheme == "") == (in.Item == "") {
		found = append(found, problem("scheme", "ONE_OF", "方案和事项须且只能填一个", "give either a scheme or an item"))
	}
	if in.Evidence.Lead == "" {
		found = append(found, required("lead"))
	}
	if len(in.Applicant) > maxSubject {
		found = append(found, problem("applicant", "TOO_LONG", fmt.Sprintf("至多 %d 字节", maxSubject), fmt.Sprintf("has at most %d bytes", maxSubject)))
	}
	if blank(in.Applicant) {
		found = append(found, required("applicant"))
	}
	if by.Actor.Role == RoleAgent && blank(in.Mandate) {
		found = append(found, problem("mandate", "REQUIRED", "全程员须出示委托书", "an agent acts by a mandate"))
	}
	if len(found) > 0 {
		return nil, invalid(EventOpened, found...)
	}
	if !slices.ContainsFunc(applicants, func(p Party) bool { return p.is(c, by.Actor) }) {
		return nil, fault.New(fault.Denied, "casework.openCase", "您不能进行此操作", "you may not open this case")
	}
	c.pin(by, in.Evidence)
	c.OpenedAt = by.occurred().UTC()
	c.event(by, EventOpened, map[string]any{"applicant": c.Applicant, "scheme": c.Scheme, "item": c.Item, "notice": c.Notice, "mandate": c.Mandate})
	return c, nil
}

// needsProblems: every awaited item is there, and no items wait for each other
// (互为前置).
func needsProblems(needs []Need) []fault.Problem {
	var found []fault.Problem
	after := map[string][]string{}
	for i, n := range needs {
		if n.Item == "" || n.Department == "" {
			found = append(found, required(fmt.Sprintf("needs[%d]", i)))
		}
		if slices.ContainsFunc(needs[:i], func(m Need) bool { return m.Item == n.Item && m.Department == n.Department }) {
			found = append(found, problem(fmt.Sprintf("needs[%d]", i), "DUPLICATE", "同一部门同一事项重复", "the department reviews this item already"))
		}
		after[n.Item] = append(after[n.Item], n.After...)
	}
	for i, n := range needs {
		for _, code := range n.After {
			if _, ok := after[code]; !ok {
				found = append(found, problem(fmt.Sprintf("needs[%d].after", i), "UNKNOWN_ITEM", "前置事项不在本办件："+code, "the case has no item "+code))
			}
		}
	}
	// Take away what waits for nothing; what stays waits for itself.
	for taken := true; taken; {
		taken = false
		for code, waits := range after {
			if !slices.ContainsFunc(waits, func(w string) bool { _, there := after[w]; return there }) {
				delete(after, code)
				taken = true
			}
		}
	}
	if len(after) > 0 {
		found = append(found, problem("needs", "CYCLE", "事项互为前置", "items wait for each other"))
	}
	return found
}

// Change sets the facts, and what follows from them. After acceptance the needs
// stay (departments come and go by addDepartment and releaseDepartment), but
// what is not answered yet is judged anew.
func (c *Case) Change(by By, facts map[string]any, ev Evidence) error {
	t, err := c.begin(by, ActChange, "")
	if err != nil {
		return err
	}
	if c.accepted() {
		c.rejudge(by, ev)
		c.Undecided = slices.Clone(ev.Undecided)
		for _, n := range ev.Needs { // needed by the new facts, and reviewed by nobody
			if !slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Item == n.Item }) {
				c.Undecided = append(c.Undecided, Undetermined{Item: n.Item, Missing: []string{}})
			}
		}
	} else {
		if err := invalid(ActChange, needsProblems(ev.Needs)...); err != nil {
			return err
		}
		c.pin(by, ev)
	}
	before := c.Facts
	c.Facts = maps.Clone(facts)
	c.commit(by, t, map[string]any{"changed": changedFacts(before, c.Facts)})
	return nil
}

// changedFacts gives the keys whose answers differ, in order.
func changedFacts(before, after map[string]any) []string {
	changed := []string{}
	for k, v := range after {
		if w, ok := before[k]; !ok || fmt.Sprint(v) != fmt.Sprint(w) {
			changed = append(changed, k)
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			changed = append(changed, k)
		}
	}
	slices.Sort(changed)
	return changed
}

// rejudge puts new findings into the reviews that are not answered, and asks the
// plugins anew. What has been on safety of life stays so.
func (c *Case) rejudge(by By, ev Evidence) []string {
	judged, needs := []string{}, ev.Needs
	c.Checks = nil
	c.ask(by, ev.Checks)
	for i := range c.Reviews {
		r := &c.Reviews[i]
		if r.State == Answered || r.State == Released {
			continue
		}
		if k := slices.IndexFunc(needs, func(n Need) bool { return n.Item == r.Item && n.Department == r.Department }); k >= 0 {
			r.Findings, r.SafetyOfLife = needs[k].Findings, r.SafetyOfLife || needs[k].SafetyOfLife
			judged = append(judged, r.ID)
		}
	}
	return judged
}

// RerunChecks judges what is not answered anew, under the pinned standards.
func (c *Case) RerunChecks(by By, ev Evidence) error {
	t, err := c.begin(by, ActRerun, "")
	if err != nil {
		return err
	}
	c.commit(by, t, map[string]any{"reviews": c.rejudge(by, ev)})
	return nil
}

// Repin moves an accepted case to the versions that the evidence names and judges
// what is not answered under them. Papers stay as they were told: the notice is a
// contract. An item that is needed now, or no more, is named in the event; the
// lead adds or releases its department.
func (c *Case) Repin(by By, ev Evidence, reason string) error {
	t, err := c.begin(by, ActRepin, "")
	if err != nil {
		return err
	}
	if blank(reason) {
		return invalid(t.Action, required("reason"))
	}
	if slices.Equal(c.Standards, ev.Standards) {
		return invalid(t.Action, problem("case", "UNCHANGED", "办件适用的已是现行版本", "the case is judged under the versions of today already"))
	}
	before := c.Standards
	c.Standards, c.Undecided, c.JudgedOn = slices.Clone(ev.Standards), slices.Clone(ev.Undecided), workday.DateOf(by.RecordedAt)
	var needed, notNeeded []string
	for _, n := range ev.Needs {
		if !slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Item == n.Item }) {
			needed = append(needed, n.Item)
		}
	}
	for _, r := range c.Reviews {
		if !slices.ContainsFunc(ev.Needs, func(n Need) bool { return n.Item == r.Item }) {
			notNeeded = append(notNeeded, r.Item)
		}
	}
	c.commit(by, t, map[string]any{"reason": reason, "before": before, "after": c.Standards, "reviews": c.rejudge(by, ev), "needed": needed, "notNeeded": notNeeded})
	return nil
}

// Submit gives the case its number and query code, of which this event is the
// receipt. A case that was returned keeps those that it had.
func (c *Case) Submit(by By, number, queryCode string, ev Evidence) error {
	t, err := c.begin(by, ActSubmit, "")
	if err != nil {
		return err
	}
	found := needsProblems(ev.Needs)
	if number == "" {
		found = append(found, required("number"))
	}
	if err := invalid(ActSubmit, found...); err != nil {
		return err
	}
	if c.Number == "" {
		c.Number, c.QueryCode = number, queryCode
	}
	c.pin(by, ev)
	c.ReceivedAt = by.occurred().UTC()
	c.commit(by, t, map[string]any{"number": c.Number, "receivedAt": c.ReceivedAt})
	return nil
}

// Return sends an application back that was not meant to be filed as it is
// (退件). It is a draft again, with its number; nothing is refused.
func (c *Case) Return(by By, reasons []Reason) error {
	t, err := c.begin(by, ActReturn, "")
	if err != nil {
		return err
	}
	if err := invalid(t.Action, reasonsProblems(reasons)...); err != nil {
		return err
	}
	c.ReceivedAt, c.ToldAt = time.Time{}, time.Time{}
	c.commit(by, t, map[string]any{"reasons": reasons})
	return nil
}

// Withdraw takes the application back before a decision (撤件).
func (c *Case) Withdraw(by By, reason string) error {
	t, err := c.begin(by, ActWithdraw, "")
	if err != nil {
		return err
	}
	c.commit(by, t, map[string]any{"reason": reason})
	c.stop(by, "withdrawn")
	return nil
}

// RevokeAcceptance ends a case whose tolerated material did not come by its day
// (浙江省保障“最多跑一次”改革规定 第11条). Nothing is refused; it can be applied for
// anew.
func (c *Case) RevokeAcceptance(by By, reasons []Reason) error {
	t, err := c.begin(by, ActRevokeAcceptance, "")
	if err != nil {
		return err
	}
	if err := invalid(t.Action, reasonsProblems(reasons)...); err != nil {
		return err
	}
	c.commit(by, t, map[string]any{"reasons": reasons})
	c.stop(by, "acceptance revoked")
	return nil
}

// stop ends all that runs inside a case.
func (c *Case) stop(by By, cause string) {
	for i := range c.Procedures { // a late entry may be dated before their start
		if p := &c.Procedures[i]; p.EndedAt.IsZero() {
			p.EndedAt = later(by.occurred().UTC(), p.StartedAt)
		}
	}
	for i := range c.Supplements {
		if s := &c.Supplements[i]; s.Open() {
			s.DroppedAt = later(by.occurred().UTC(), s.AskedAt)
		}
	}
	c.releaseUnanswered(by, cause)
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (c *Case) releaseUnanswered(by By, cause string) {
	for i := range c.Reviews {
		if r := &c.Reviews[i]; r.State != Answered && r.State != Released {
			r.State, r.PausedAt = Released, time.Time{}
			c.event(by, EventReviewReleased, map[string]any{"review": r.ID, "cause": cause})
		}
	}
}

// Accept accepts the case and copies it to all concerned: reviews without
// unfinished preconditions open at once, the others wait. Tolerate names the
// SECONDARY materials that may come later (容缺受理), each within the promised
// limit; what else has no file the window has before it on paper, and says so by
// accepting.
func (c *Case) Accept(by By, ev Evidence, tolerate []string, cal *workday.Calendar) error {
	t, err := c.begin(by, ActAccept, c.acceptedTo(ev.Needs))
	if err != nil {
		return err
	}
	found := needsProblems(ev.Needs)
	papers := c.papers(ev.Materials)
	for i, code := range tolerate {
		path := fmt.Sprintf("tolerate[%d]", i)
		k := slices.IndexFunc(papers, func(m Material) bool { return m.Code == code })
		switch {
		case ev.Promised.Amount <= 0:
			found = append(found, problem(path, "NO_LIMIT", "没有承诺时限，不能容缺", "without a promised limit nothing can come later"))
		case k < 0:
			found = append(found, problem(path, "NOT_ASKED", "本办件不要求此材料", "the case does not ask for it"))
		case !papers[k].Tolerable:
			found = append(found, problem(path, "KEY_MATERIAL", "主审要件不能容缺", "a key material cannot come later"))
		case papers[k].Given():
			found = append(found, problem(path, "GIVEN", "材料已提交", "it is here already"))
		case slices.Contains(tolerate[:i], code):
			found = append(found, problem(path, "DUPLICATE", "重复", "is named twice"))
		}
	}
	if err := invalid(ActAccept, found...); err != nil {
		return err
	}
	var until workday.Date
	if len(tolerate) > 0 {
		if until, _, err = cal.DueOn(by.day(), ev.Promised); err != nil {
			return err
		}
	}
	c.pin(by, ev)
	paper := []string{}
	for i := range c.Materials {
		m := &c.Materials[i]
		switch {
		case slices.Contains(tolerate, m.Code):
			m.DueOn = until
		case !m.Given():
			m.OnPaper, m.Trust, m.AttachedBy, m.AttachedAt = true, TrustB, by.Actor.Subject, by.occurred().UTC()
			paper = append(paper, m.Code)
		}
	}
	c.accept(by, t, by.occurred(), map[string]any{"tolerated": tolerate, "onPaper": paper})
	return nil
}

// acceptedTo is the state that acceptance leads to.
func (c *Case) acceptedTo(needs []Need) CaseState {
	if len(needs) > 0 {
		return InReview
	}
	return Accepted
}

// DeemAccepted records that silence past the limit has accepted the case, as of
// the day of receipt and under what was pinned then (行政许可法 第32条第1款第4项).
func (c *Case) DeemAccepted(by By, cal *workday.Calendar) error {
	t, err := c.begin(by, ActDeemAccepted, c.acceptedTo(c.Needs))
	if err != nil {
		return err
	}
	if c.Preset.AcceptWithin.Amount <= 0 {
		return c.conflict(by.Actor, t.Action, problem("limit", "NO_LIMIT", "没有期限", "there is no limit"))
	}
	d, err := cal.Deadline(workday.DateOf(c.ReceivedAt), c.Preset.AcceptWithin, nil)
	if err != nil {
		return err
	}
	if err := c.past(by, t.Action, d.DueOn); err != nil {
		return err
	}
	c.accept(by, t, c.ReceivedAt, map[string]any{"cause": "SILENCE", "acceptBy": d.DueOn.String()})
	return nil
}

// past refuses a timer that comes before its limit has run out. A limit that
// ends in a year without a calendar has not.
func (c *Case) past(by By, action Action, due workday.Date) error {
	switch {
	case due.IsZero():
		return c.conflict(by.Actor, action, problem("dueOn", "NO_CALENDAR", "期限届满所在年份尚无日历", "there is no calendar for the year in which the limit ends"))
	case !by.day().After(due):
		return c.conflict(by.Actor, action, problem("dueOn", "NOT_DUE", "期限至 "+due.String(), "the limit runs until "+due.String()))
	}
	return nil
}

func (c *Case) accept(by By, t Transition, asOf time.Time, data map[string]any) {
	c.AcceptedAt = asOf.UTC()
	data["acceptedAt"], data["basis"], data["standards"] = c.AcceptedAt, t.Basis, c.Standards
	c.commit(by, t, data)
	for i, n := range c.Needs {
		c.addReview(by, n)
		c.Needs[i].Findings = nil // they are the review's now
	}
	c.openWaiting(by)
}

func (c *Case) addReview(by By, n Need) {
	c.Reviews = append(c.Reviews, Review{
		ID: ref.Part(ref.Review, c.ID, len(c.Reviews)+1), Item: n.Item, Version: n.Version, Department: n.Department, Lead: n.Lead,
		Binding: n.Binding || n.Lead, SafetyOfLife: n.SafetyOfLife, State: Waiting, After: slices.Clone(n.After), CopySentAt: by.RecordedAt.UTC(), Findings: n.Findings,
		Ledger: Ledger{Limit: n.Limit, Extendable: n.Extendable},
	})
	r := c.Reviews[len(c.Reviews)-1]
	c.event(by, EventReviewWaits, map[string]any{"review": r.ID, "item": r.Item, "department": r.Department, "after": r.After})
}

// openWaiting opens the reviews whose earlier results have all arrived. Their
// clocks start when the copy or the result reaches the department (浙江省保障
// “最多跑一次”改革规定 第5条): neither a late entry nor the days before a deemed
// acceptance cost it its time.
func (c *Case) openWaiting(by By) {
	by.OccurredAt = time.Time{}
	for i := range c.Reviews {
		r := &c.Reviews[i]
		if r.State == Waiting && !slices.ContainsFunc(r.After, func(code string) bool { return !resultArrived(c.Reviews, code) }) {
			r.State, r.OpenedAt = Open, by.RecordedAt.UTC()
			c.event(by, EventReviewOpened, map[string]any{"review": r.ID, "item": r.Item, "department": r.Department})
		}
	}
	c.passResults(by)
}

// passResults passes results inside: a paper that another item of the case gives
// is there as soon as that item is consented to. It is never asked of the
// applicant.
func (c *Case) passResults(by By) {
	for i := range c.Materials {
		m := &c.Materials[i]
		if m.Source != guide.FromInside || !m.AttachedAt.IsZero() {
			continue
		}
		for _, code := range m.From {
			k := slices.IndexFunc(c.Reviews, func(r Review) bool { return r.Item == code && r.consents() })
			if k >= 0 && resultArrived(c.Reviews, code) {
				m.AttachedAt, m.AttachedBy, m.Trust = by.RecordedAt.UTC(), c.Reviews[k].Department, TrustA
				c.event(by, EventResultPassed, map[string]any{"material": m.Code, "item": code, "department": m.AttachedBy})
				break
			}
		}
	}
}

// Refuse ends a case that is outside the organ's powers (REFUSED) or needs no
// licence (NOT_REQUIRED). Reasons are required (行政许可法 第32条).
func (c *Case) Refuse(by By, outcome CaseState, reasons []Reason) error {
	if outcome != Refused && outcome != NotRequired {
		return invalid(ActRefuse, problem("outcome", "UNKNOWN", "须为 REFUSED 或 NOT_REQUIRED", "is REFUSED or NOT_REQUIRED"))
	}
	t, err := c.begin(by, ActRefuse, outcome)
	if err != nil {
		return err
	}
	if err := invalid(ActRefuse, reasonsProblems(reasons)...); err != nil {
		return err
	}
	c.commit(by, t, map[string]any{"outcome": outcome, "reasons": reasons})
	return nil
}

// How far ahead people may bind a case; more is a typing error, or a way to stop
// a clock for ever.
const (
	maxSupplyDays    = 90  // natural days for a supplement
	maxProcedureDays = 180 // working days of a special procedure
	maxMeetingDays   = 60  // natural days to a meeting
)

// RequestSupplement asks for everything at once, for all departments. A material
// outside the notice is refused, and so is one that is passed inside.
func (c *Case) RequestSupplement(by By, asks []Ask, dueOn workday.Date) error {
	t, err := c.begin(by, ActAskSupplement, "")
	if err != nil {
		return err
	}
	var found []fault.Problem
	if len(asks) == 0 {
		found = append(found, required("asks"))
	}
	if !dueOn.After(workday.DateOf(by.RecordedAt)) {
		found = append(found, problem("dueOn", "TOO_EARLY", "须晚于当日", "must be after today"))
	}
	if most := workday.DateOf(by.RecordedAt).AddDays(maxSupplyDays); dueOn.After(most) {
		found = append(found, problem("dueOn", "TOO_LATE", "不得晚于 "+most.String(), "must not be after "+most.String()))
	}
	unnamed := []string{} // asks that name no material of the notice
	for i, a := range asks {
		path := fmt.Sprintf("asks[%d]", i)
		if blank(a.Text) && blank(a.Material) {
			found = append(found, required(path))
		}
		if k := c.review(a.Review); c.accepted() && (k < 0 || !c.Reviews[k].mayAsk()) {
			found = append(found, problem(path+".review", "MAY_NOT_ASK", "该审查不能要求补正", "this review may not ask"))
		}
		if !c.accepted() && a.Review != "" {
			found = append(found, problem(path+".review", "NOT_ACCEPTED", "受理前由窗口提出", "before acceptance the window asks"))
		}
		if blank(a.Material) {
			unnamed = append(unnamed, a.Text)
			continue
		}
		k := c.material(a.Material)
		switch {
		case k >= 0 && c.Materials[k].Source == guide.FromInside:
			found = append(found, problem(path+".material", "INTERNAL_RESULT", "内部流转的结果不得向申请人索要", "an internal result is never asked of the applicant"))
		case k < 0 && c.Notice != "":
			found = append(found, problem(path+".material", "OUTSIDE_NOTICE", "不在告知书 "+c.Notice+" 内", "is not in notice "+c.Notice))
		case k < 0:
			found = append(found, problem(path+".material", "NOT_ASKED", "本办件不要求此材料", "the case does not ask for it"))
		}
	}
	if err := invalid(ActAskSupplement, found...); err != nil {
		return err
	}
	s := Supplement{ID: ref.Part(ref.Supplement, c.ID, len(c.Supplements)+1), Asks: slices.Clone(asks), DueOn: dueOn, AskedAt: by.RecordedAt.UTC()}
	c.Supplements = append(c.Supplements, s)
	if !c.accepted() {
		c.ToldAt = s.AskedAt
	}
	for _, a := range asks {
		k := c.review(a.Review)
		if k < 0 || c.Reviews[k].State == Paused {
			continue
		}
		r := &c.Reviews[k]
		r.PausedAt = s.AskedAt
		if r.State == Answered {
			r.PausedAt = r.AnsweredAt
		}
		r.State = Paused
	}
	c.commit(by, t, map[string]any{"supplement": s.ID, "asks": s.Asks, "again": len(c.Supplements) > 1, "notice": c.Notice, "unnamed": unnamed})
	return nil
}

// Supply ends the supplement: before acceptance the case is received anew, after
// it only the departments that asked review again.
func (c *Case) Supply(by By) error {
	return c.endSupplement(by, ActSupply, func(s *Supplement, at time.Time) {
		s.SuppliedAt = at
		if !c.accepted() {
			c.ReceivedAt = at
		}
	})
}

// MissSupplement records that the date has passed. The case goes back to who
// asked, who decides; nothing closes by itself.
func (c *Case) MissSupplement(by By) error {
	t, err := c.begin(by, ActMissSupplement, "")
	if err != nil {
		return err
	}
	if err := c.past(by, t.Action, c.Supplements[len(c.Supplements)-1].DueOn); err != nil {
		return err
	}
	return c.endSupplement(by, ActMissSupplement, func(s *Supplement, at time.Time) { s.MissedAt = at })
}

func (c *Case) endSupplement(by By, action Action, end func(*Supplement, time.Time)) error {
	t, err := c.begin(by, action, "")
	if err != nil {
		return err
	}
	s := &c.Supplements[len(c.Supplements)-1]
	if !by.OccurredAt.IsZero() && by.OccurredAt.Before(s.AskedAt) {
		return invalid(action, problem("occurredAt", "TOO_EARLY", "不能早于补正通知", "is before the request"))
	}
	end(s, later(by.occurred().UTC(), s.AskedAt)) // clocks of instances differ a little
	c.askAgain(by)
	c.commit(by, t, map[string]any{"supplement": s.ID})
	by.OccurredAt = time.Time{} // it reaches the departments when it is recorded
	for _, a := range s.Asks {
		if k := c.review(a.Review); k >= 0 && c.Reviews[k].State == Paused {
			r := &c.Reviews[k]
			r.resume(by.RecordedAt, s.reason())
			r.AnsweredAt = time.Time{} // a dissent stands until the department has reviewed again
			c.event(by, EventReviewOpened, map[string]any{"review": r.ID, "supplement": s.ID})
		}
	}
	return nil
}

// resume opens a paused review; the days from its pause to now do not count, and
// its new day is reminded of anew.
func (r *Review) resume(at time.Time, reason string) {
	if !at.Before(r.PausedAt) { // clocks of instances differ a little
		r.Pauses = append(r.Pauses, workday.Pause{From: workday.DateOf(r.PausedAt), To: workday.DateOf(at), Reason: reason})
	}
	r.State, r.PausedAt, r.RemindedAt = Open, time.Time{}, time.Time{}
}

// own finds a review of the actor's department.
func (c *Case) own(by By, action Action, id string) (*Review, error) {
	k := c.review(id)
	if k < 0 {
		return nil, fault.New(fault.NotFound, "casework."+string(action), "没有这个审查", "there is no such review")
	}
	if r := &c.Reviews[k]; r.Department == by.Actor.Department {
		return r, nil
	}
	return nil, fault.New(fault.Denied, "casework."+string(action), "不是本部门的审查", "this is another department's review")
}

// inReviewState is the CONFLICT of an action that a review's state refuses.
func (c *Case) inReviewState(by By, action Action, r *Review) error {
	return c.conflict(by.Actor, action, problem("review."+r.ID, string(r.State), "该审查的状态", "the state of the review"))
}

// OpenCopyNotice records that the department has opened its copy (抄告).
func (c *Case) OpenCopyNotice(by By, id string) error {
	t, err := c.begin(by, ActOpenCopy, "")
	if err != nil {
		return err
	}
	r, err := c.own(by, t.Action, id)
	if err != nil {
		return err
	}
	if !r.copyUnopened() {
		return c.inReviewState(by, t.Action, r)
	}
	r.CopyOpenedAt = by.occurred().UTC()
	c.commit(by, t, map[string]any{"review": id})
	return nil
}

// GiveOpinion answers a review. A department may answer only CONSENT, DISSENT
// with reasons, or CONSENT_PENDING_SUPERIOR; everything else is INVALID.
func (c *Case) GiveOpinion(by By, id string, opinion Opinion, reasons []Reason) error {
	t, err := c.begin(by, ActOpinion, "")
	if err != nil {
		return err
	}
	r, err := c.own(by, t.Action, id)
	if err != nil {
		return err
	}
	if !r.mayAnswer() {
		return c.inReviewState(by, t.Action, r)
	}
	var found []fault.Problem
	switch opinion {
	case Dissent:
		found = dissentProblems(reasons)
	case Consent:
	case ConsentPendingSuperior:
		if r.Opinion == ConsentPendingSuperior {
			return c.inReviewState(by, t.Action, r)
		}
	default:
		found = append(found, problem("opinion", "NOT_TO_BE_GIVEN", "只能答复同意、不同意或需转报", "is CONSENT, DISSENT or CONSENT_PENDING_SUPERIOR"))
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	r.answer(opinion, reasons, by.occurred())
	c.commit(by, t, map[string]any{"review": id, "opinion": opinion, "reasons": reasons})
	c.openWaiting(by)
	return nil
}

func (r *Review) answer(opinion Opinion, reasons []Reason, at time.Time) {
	r.State, r.Opinion, r.Reasons, r.AnsweredAt = Answered, opinion, slices.Clone(reasons), at.UTC()
}

// DeemConsent records that a department's silence past its limit is consent,
// where the preset says so, and never on clauses on safety of life.
func (c *Case) DeemConsent(by By, id string, cal *workday.Calendar) error {
	t, err := c.begin(by, ActDeemConsent, "")
	if err != nil {
		return err
	}
	k := c.review(id)
	if k < 0 {
		return fault.New(fault.NotFound, "casework."+string(t.Action), "没有这个审查", "there is no such review")
	}
	r := &c.Reviews[k]
	if !c.deemable(r) {
		return c.inReviewState(by, t.Action, r)
	}
	if r.Limit.Amount <= 0 {
		return c.conflict(by.Actor, t.Action, problem("limit", "NO_LIMIT", "没有期限", "there is no limit"))
	}
	d, err := c.reviewDeadline(r, cal, by.day())
	if err != nil {
		return err
	}
	if err := c.past(by, t.Action, d.DueOn); err != nil {
		return err
	}
	r.answer(DeemedConsent, nil, by.occurred())
	c.commit(by, t, map[string]any{"review": id, "cause": "SILENCE", "department": r.Department})
	c.openWaiting(by)
	return nil
}

// ProcedureInput starts a special procedure. Days is the time needed, of which
// the applicant is told in writing (行政许可法 第45条).
type ProcedureInput struct {
	Review string
	Kind   ProcedureKind
	Days   int
	Basis  law.Basis
}

// StartSpecialProcedure pauses the review.
func (c *Case) StartSpecialProcedure(by By, in ProcedureInput) error {
	t, err := c.begin(by, ActStartProcedure, "")
	if err != nil {
		return err
	}
	r, err := c.own(by, t.Action, in.Review)
	if err != nil {
		return err
	}
	if r.State != Open {
		return c.inReviewState(by, t.Action, r)
	}
	var found []fault.Problem
	if !slices.Contains(procedureKinds, in.Kind) {
		found = append(found, problem("kind", "UNKNOWN", "不是特别程序；现场踏勘不停表", "is no special procedure; a site visit does not stop the clock"))
	}
	if in.Days <= 0 || in.Days > maxProcedureDays {
		found = append(found, problem("days", "OUT_OF_RANGE", "须写明所需时间", "the time needed must be told"))
	}
	if in.Basis == (law.Basis{}) {
		if in.Kind == Publicity {
			found = append(found, required("basis"))
		}
		in.Basis = t.Basis
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	p := SpecialProcedure{ID: ref.Part(ref.Procedure, c.ID, len(c.Procedures)+1), Review: r.ID, Kind: in.Kind, Days: in.Days, Basis: in.Basis, StartedAt: by.RecordedAt.UTC()}
	c.Procedures = append(c.Procedures, p)
	r.State, r.PausedAt = Paused, p.StartedAt
	c.commit(by, t, map[string]any{"procedure": p.ID, "review": r.ID, "kind": p.Kind, "days": p.Days, "basis": p.Basis})
	return nil
}

// EndSpecialProcedure lets the clock of its review go on.
func (c *Case) EndSpecialProcedure(by By, id string) error {
	t, err := c.begin(by, ActEndProcedure, "")
	if err != nil {
		return err
	}
	k := slices.IndexFunc(c.Procedures, func(p SpecialProcedure) bool { return p.ID == id })
	if k < 0 {
		return fault.New(fault.NotFound, "casework."+string(t.Action), "没有这个特别程序", "there is no such procedure")
	}
	p := &c.Procedures[k]
	r, err := c.own(by, t.Action, p.Review)
	if err != nil {
		return err
	}
	if !p.EndedAt.IsZero() {
		return c.inReviewState(by, t.Action, r)
	}
	if !by.OccurredAt.IsZero() && by.OccurredAt.Before(p.StartedAt) {
		return invalid(t.Action, problem("occurredAt", "TOO_EARLY", "不能早于开始", "is before the start"))
	}
	p.EndedAt = later(by.occurred().UTC(), p.StartedAt)
	r.resume(p.EndedAt, p.reason())
	c.commit(by, t, map[string]any{"procedure": id, "review": r.ID})
	return nil
}

// AddDepartment adds a review to a live case, with a reason.
func (c *Case) AddDepartment(by By, n Need, checks []check.Run, reason string) error {
	t, err := c.begin(by, ActAddDepartment, "")
	if err != nil {
		return err
	}
	var needs []Need
	for _, r := range c.Reviews {
		if r.State != Released {
			needs = append(needs, Need{Item: r.Item, Department: r.Department, After: r.After})
		}
	}
	for i := range needs { // what has been released is waited for no more
		needs[i].After = slices.DeleteFunc(slices.Clone(needs[i].After), func(code string) bool {
			return code != n.Item && !slices.ContainsFunc(needs, func(m Need) bool { return m.Item == code })
		})
	}
	found := needsProblems(append(needs, n))
	if blank(reason) {
		found = append(found, required("reason"))
	}
	if n.Lead {
		found = append(found, problem("lead", "NOT_LEAD", "增加的是协办部门", "an added department is no lead"))
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	c.commit(by, t, map[string]any{"item": n.Item, "department": n.Department, "reason": reason})
	c.addReview(by, n)
	c.ask(by, checks)
	c.openWaiting(by)
	return nil
}

// ReleaseDepartment lets a co-department go that has not answered, with a
// reason. A dissent cannot be released away.
func (c *Case) ReleaseDepartment(by By, id, reason string) error {
	t, err := c.begin(by, ActRelease, "")
	if err != nil {
		return err
	}
	k := c.review(id)
	if k < 0 {
		return fault.New(fault.NotFound, "casework."+string(t.Action), "没有这个审查", "there is no such review")
	}
	r := &c.Reviews[k]
	if !r.releasable() {
		return c.inReviewState(by, t.Action, r)
	}
	if r.SafetyOfLife && by.Actor.Role != RoleCoordinator {
		return fault.New(fault.Denied, "casework."+string(t.Action), "涉及生命安全的审查只能由协调机构解除", "a review on safety of life is released by the coordinating body alone")
	}
	if blank(reason) {
		return invalid(t.Action, required("reason"))
	}
	r.State = Released
	c.commit(by, t, map[string]any{"review": id, "reason": reason})
	c.openWaiting(by)
	return nil
}

// CallMeeting calls departments to one slot. A department that missed a site
// visit cannot have a second one.
func (c *Case) CallMeeting(by By, kind MeetingKind, departments []string, on workday.Date) error {
	t, err := c.begin(by, ActCallMeeting, "")
	if err != nil {
		return err
	}
	var found []fault.Problem
	if kind != ReviewMeeting && kind != CoordinationMeeting && kind != SiteVisit {
		found = append(found, problem("kind", "UNKNOWN", "未知的会议", "is no kind of meeting"))
	}
	if len(departments) == 0 {
		found = append(found, required("departments"))
	}
	if on.IsZero() || on.Before(by.day()) {
		found = append(found, problem("on", "TOO_EARLY", "不能早于当日", "is before today"))
	}
	if on.After(by.day().AddDays(maxMeetingDays)) {
		found = append(found, problem("on", "TOO_LATE", fmt.Sprintf("至多 %d 日后", maxMeetingDays), fmt.Sprintf("is at most %d days ahead", maxMeetingDays)))
	}
	for i, d := range departments {
		path := fmt.Sprintf("departments[%d]", i)
		if slices.Contains(departments[:i], d) {
			found = append(found, problem(path, "DUPLICATE", "重复", "is named twice"))
		}
		if !slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Department == d && r.State != Released }) {
			found = append(found, problem(path, "NOT_CONCERNED", "不是本办件的部门", "has no review in this case"))
		}
		if kind == SiteVisit && slices.ContainsFunc(c.Meetings, func(m Meeting) bool { return m.Kind == SiteVisit && slices.Contains(m.Absent, d) }) {
			found = append(found, problem(path, "SECOND_VISIT", "缺席联合踏勘后不得再次要求", "was absent from a visit and cannot have a second one"))
		}
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	m := Meeting{ID: ref.Part(ref.Meeting, c.ID, len(c.Meetings)+1), Kind: kind, Departments: slices.Clone(departments), On: on, CalledAt: by.RecordedAt.UTC()}
	c.Meetings = append(c.Meetings, m)
	c.commit(by, t, map[string]any{"meeting": m.ID, "kind": kind, "departments": m.Departments, "on": on.String()})
	return nil
}

// CancelMeeting takes a call back that will not come about.
func (c *Case) CancelMeeting(by By, id, reason string) error {
	t, err := c.begin(by, ActCancelMeeting, "")
	if err != nil {
		return err
	}
	k := slices.IndexFunc(c.Meetings, func(m Meeting) bool { return m.ID == id })
	if k < 0 {
		return fault.New(fault.NotFound, "casework."+string(t.Action), "没有这个会议", "there is no such meeting")
	}
	if !c.Meetings[k].open() {
		return c.conflict(by.Actor, t.Action, problem("meeting."+id, "HELD", "已记录或取消", "is on record or cancelled already"))
	}
	if blank(reason) {
		return invalid(t.Action, required("reason"))
	}
	c.Meetings[k].CancelledAt = by.RecordedAt.UTC()
	c.commit(by, t, map[string]any{"meeting": id, "reason": reason})
	return nil
}

// absenceIsConsent: where the preset says so, and the call left the notice that
// it asks for.
func (c *Case) absenceIsConsent(m *Meeting) bool {
	return c.Preset.AbsenceIsConsent && !c.stopped() && !m.On.Before(workday.DateOf(m.CalledAt).AddDays(c.Preset.MeetingNoticeDays))
}

// RecordMeeting records who came. Where the preset says so, the absent
// co-departments consent by default, except on clauses on safety of life, and
// where they have dissented before.
func (c *Case) RecordMeeting(by By, id string, present []string) error {
	t, err := c.begin(by, ActRecordMeeting, "")
	if err != nil {
		return err
	}
	k := slices.IndexFunc(c.Meetings, func(m Meeting) bool { return m.ID == id })
	if k < 0 {
		return fault.New(fault.NotFound, "casework."+string(t.Action), "没有这个会议", "there is no such meeting")
	}
	m := &c.Meetings[k]
	if !m.open() {
		return c.conflict(by.Actor, t.Action, problem("meeting."+id, "HELD", "已记录或取消", "is on record or cancelled already"))
	}
	if by.day().Before(m.On) {
		return invalid(t.Action, problem("occurredAt", "TOO_EARLY", "不能早于会议日期", "is before the meeting"))
	}
	var found []fault.Problem
	for i, d := range present {
		if !slices.Contains(m.Departments, d) {
			found = append(found, problem(fmt.Sprintf("present[%d]", i), "NOT_CALLED", "未被召集", "was not called"))
		}
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	m.HeldAt = by.occurred().UTC()
	for _, d := range m.Departments {
		if !slices.Contains(present, d) {
			m.Absent = append(m.Absent, d)
		}
	}
	c.commit(by, t, map[string]any{"meeting": id, "absent": m.Absent})
	for i := range c.Reviews {
		r := &c.Reviews[i]
		if c.absenceIsConsent(m) && r.Department != c.Lead && r.yields() && slices.Contains(m.Absent, r.Department) {
			r.answer(DeemedConsent, nil, by.occurred())
			c.event(by, EventDeemedConsent, map[string]any{"review": r.ID, "cause": "ABSENCE", "meeting": id, "department": r.Department})
		}
	}
	c.openWaiting(by)
	return nil
}

// ChooseMode chooses how the departments answer: each on its copy (抄告制) or
// together in a meeting (联审制).
func (c *Case) ChooseMode(by By, mode Mode) error {
	t, err := c.begin(by, ActChooseMode, "")
	if err != nil {
		return err
	}
	if mode != CopyMode && mode != MeetingMode {
		return invalid(t.Action, problem("mode", "UNKNOWN", "须为 COPY 或 MEETING", "is COPY or MEETING"))
	}
	c.Preset.Mode = mode
	c.commit(by, t, map[string]any{"mode": mode})
	return nil
}

// PlaceHold keeps the case from its next milestone.
func (c *Case) PlaceHold(by By, milestone Milestone, reason string) error {
	t, err := c.begin(by, ActPlaceHold, "")
	if err != nil {
		return err
	}
	var found []fault.Problem
	decided := c.State == Granted || c.State == Denied
	if milestone != DeliveryMilestone && (milestone != DecisionMilestone || decided) {
		found = append(found, problem("milestone", "PASSED", "该节点不能暂缓", "this milestone cannot be held"))
	}
	if blank(reason) {
		found = append(found, required("reason"))
	}
	if err := invalid(t.Action, found...); err != nil {
		return err
	}
	h := Hold{ID: ref.Part(ref.Hold, c.ID, len(c.Holds)+1), Milestone: milestone, Reason: reason, PlacedBy: by.Actor, PlacedAt: by.occurred().UTC()}
	c.Holds = append(c.Holds, h)
	c.commit(by, t, map[string]any{"hold": h.ID, "milestone": milestone, "reason": reason})
	return nil
}

// LiftHold ends a hold. Only who placed it, the same role of the same
// department, lifts it.
func (c *Case) LiftHold(by By, id string) error {
	t, err := c.begin(by, ActLiftHold, "")
	if err != nil {
		return err
	}
	k := slices.IndexFunc(c.Holds, func(h Hold) bool { return h.ID == id })
	if k < 0 {
		return fault.New(fault.NotFound, "casework."+string(t.Action), "没有这个暂缓", "there is no such hold")
	}
	h := &c.Holds[k]
	if !h.mayLift(by.Actor) {
		return fault.New(fault.Denied, "casework."+string(t.Action), "暂缓由设置者解除", "a hold is lifted by who placed it")
	}
	if !h.LiftedAt.IsZero() {
		return c.conflict(by.Actor, t.Action, problem("hold."+id, "LIFTED", "已解除", "is lifted already"))
	}
	h.LiftedAt = by.occurred().UTC()
	c.commit(by, t, map[string]any{"hold": id})
	return nil
}

// Decide makes the joint decision, when the algebra allows it. A denial needs
// reasons (行政许可法 第38条第2款). A grant over an ADVISORY dissent owes reasons.
func (c *Case) Decide(by By, outcome Outcome, reasons []Reason) error {
	to := map[Outcome]CaseState{Grant: Granted, Deny: Denied}[outcome]
	if to == "" {
		return invalid(ActDecide, problem("decision", "UNKNOWN", "须为 GRANT 或 DENY", "is GRANT or DENY"))
	}
	t, err := c.begin(by, ActDecide, to)
	if err != nil {
		return err
	}
	v := Joint(c.Reviews, c.Preset)
	d := &Decision{Outcome: outcome, Granted: v.Grantable, Refused: v.Refused, Reasons: slices.Clone(reasons), DecidedAt: by.RecordedAt.UTC()}
	var duties []Duty
	if outcome == Deny {
		if err := invalid(t.Action, reasonsProblems(reasons)...); err != nil {
			return err
		}
		d.Granted, d.Refused = nil, slices.Concat(v.Refused, v.Grantable)
	} else {
		d.Overruled = v.Overruling
		duties = append(duties, Duty{Kind: OwesDelivery, Since: by.day(), Within: c.Preset.DeliverWithin})
		if len(v.Overruling) > 0 {
			duties = append(duties, Duty{Kind: OwesReasons, Since: by.day(), Within: c.Preset.ReasonsWithin})
		}
	}
	d.Dissents, d.Released = dissents(c.Reviews), releasedItems(c.Reviews)
	c.Decision, c.Duties = d, duties
	c.commit(by, t, map[string]any{"decision": outcome, "granted": d.Granted, "refused": d.Refused, "overruled": d.Overruled, "dissents": d.Dissents, "released": d.Released, "reasons": reasons})
	for _, duty := range duties {
		c.event(by, EventDutyOwed, map[string]any{"duty": duty.Kind, "within": duty.Within})
	}
	c.releaseUnanswered(by, "behind a refused item")
	return nil
}

// GiveReasons pays the written reasons that the lead owes for overruling a
// dissent.
func (c *Case) GiveReasons(by By, reasons []Reason) error {
	t, err := c.begin(by, ActGiveReasons, "")
	if err != nil {
		return err
	}
	if err := invalid(t.Action, reasonsProblems(reasons)...); err != nil {
		return err
	}
	c.Duties[c.duty(OwesReasons)].DoneAt = by.occurred().UTC()
	c.commit(by, t, map[string]any{"reasons": reasons})
	return nil
}

// Deliver hands the decision over (行政许可法 第44条).
func (c *Case) Deliver(by By) error {
	t, err := c.begin(by, ActDeliver, "")
	if err != nil {
		return err
	}
	if k := c.duty(OwesDelivery); k >= 0 {
		c.Duties[k].DoneAt = by.occurred().UTC()
	}
	c.commit(by, t, nil)
	return nil
}

// Revoke takes back a grant that should never have been made (撤销, 行政许可法
// 第69条).
func (c *Case) Revoke(by By, reasons []Reason) error { return c.takeBack(by, ActRevoke, reasons) }

// Recall takes back a lawful grant because the law or the circumstances it stood
// on have changed (撤回, 行政许可法 第8条第2款); who relied on it is compensated.
func (c *Case) Recall(by By, reasons []Reason) error { return c.takeBack(by, ActRecall, reasons) }

func (c *Case) takeBack(by By, action Action, reasons []Reason) error {
	t, err := c.begin(by, action, "")
	if err != nil {
		return err
	}
	if err := invalid(t.Action, reasonsProblems(reasons)...); err != nil {
		return err
	}
	c.commit(by, t, map[string]any{"reasons": reasons})
	return nil
}
