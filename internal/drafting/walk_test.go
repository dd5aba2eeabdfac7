package drafting_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/conflict"
	"github.com/onedoor/onedoor/internal/drafting"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

var update = flag.Bool("update", false, "write docs/standards.md")

var (
	begin   = time.Date(2026, time.March, 2, 2, 0, 0, 0, time.UTC)
	today   = workday.DateOf(begin)
	drafter = casework.Actor{Subject: "zhang", Role: viewer.Reviewer, Department: "fire"}
	other   = casework.Actor{Subject: "wang", Role: viewer.Reviewer, Department: "eco"}
	quality = casework.Actor{Subject: "li", Role: viewer.Quality}
	legal   = casework.Actor{Subject: "zhao", Role: viewer.Legal}
	body    = casework.Actor{Subject: "qian", Role: viewer.Coordinator}
	admin   = casework.Actor{Subject: "sun", Role: viewer.Admin}
	timer   = casework.Actor{Subject: "onedoor", Role: casework.RoleTimer}
	people  = []casework.Actor{drafter, other, quality, legal, body, admin, timer, {Subject: "x", Role: viewer.Applicant}}
)

func by(a casework.Actor) casework.By { return casework.By{Actor: a, RecordedAt: begin} }

func content(text string) drafting.Content {
	return drafting.Content{
		Item: &drafting.Entry[item.Item]{Value: item.Item{Code: "fire-check", Name: "消防安全检查", Department: "fire"}},
		Clauses: []drafting.Entry[standard.Clause]{
			{Value: standard.Clause{Code: "C-1", Item: "fire-check", Department: "fire", Text: text}},
			{Value: standard.Clause{Code: "C-2", Item: "fire-check", Department: "eco", Text: "环保"}},
		},
	}
}

func proposal(reason string) drafting.Proposal {
	return drafting.Proposal{ID: "drf_1", Kind: drafting.ItemKind, Code: "fire-check", Base: 1, Before: content("旧"), Content: content("新"), Reason: reason}
}

func mustDraft(t *testing.T, steps ...func(d *drafting.Draft) error) *drafting.Draft {
	t.Helper()
	d, err := drafting.New(by(drafter), proposal("修订"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if err := step(d); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

var clash = conflict.Finding{Kind: conflict.Contradiction, Severity: conflict.Refuse, Proved: true, Clauses: []string{"C-1", "C-9"}, Departments: []string{"fire", "eco"}, ZH: "矛盾", EN: "they contradict"}

func submit(d *drafting.Draft) error { return d.Submit(by(drafter)) }
func passQuality(d *drafting.Draft) error {
	return d.Review(by(quality), drafting.ReviewInput{Kind: drafting.QualityReview, Outcome: drafting.Pass})
}
func passLegal(gate drafting.Gate) func(d *drafting.Draft) error {
	return func(d *drafting.Draft) error {
		return d.Review(by(legal), drafting.ReviewInput{Kind: drafting.LegalityReview, Outcome: drafting.Pass, Gate: &gate})
	}
}

var (
	untroubled = drafting.Gate{Analysis: "a"}
	stuck      = drafting.Gate{Analysis: "b", Refusals: []conflict.Finding{clash}}
)

// stages bring a draft into every state.
func stages(t *testing.T) map[string]*drafting.Draft {
	return map[string]*drafting.Draft{
		"DRAFT":        mustDraft(t),
		"QUALITY":      mustDraft(t, submit),
		"LEGAL":        mustDraft(t, submit, passQuality),
		"READY":        mustDraft(t, submit, passQuality, passLegal(untroubled)),
		"COORDINATION": mustDraft(t, submit, passQuality, passLegal(stuck)),
		"PUBLISHED":    mustDraft(t, submit, passQuality, passLegal(untroubled), func(d *drafting.Draft) error { return d.Publish(by(body), today, 2, untroubled) }),
		"WITHDRAWN":    mustDraft(t, func(d *drafting.Draft) error { return d.Withdraw(by(drafter), "不改了") }),
	}
}

// Every action of everybody in every state follows a row of the table, or is
// refused and changes nothing.
func TestWalk(t *testing.T) {
	t.Parallel()
	returned := []drafting.Objection{{Ground: drafting.Unclear, Text: "不清楚"}}
	attempts := map[drafting.Action]func(d *drafting.Draft, b casework.By) []error{}
	attempts[drafting.ActDraft] = func(d *drafting.Draft, b casework.By) []error {
		next := content("旧")
		next.Clauses[1].Value.Text = "改了"
		if b.Actor.Department == "fire" {
			next = content("再改")
		}
		return []error{d.Change(b, content("旧"), next, "再改")}
	}
	attempts[drafting.ActSubmit] = func(d *drafting.Draft, b casework.By) []error { return []error{d.Submit(b)} }
	attempts[drafting.ActWithdraw] = func(d *drafting.Draft, b casework.By) []error { return []error{d.Withdraw(b, "不改了")} }
	attempts[drafting.ActPublish] = func(d *drafting.Draft, b casework.By) []error { return []error{d.Publish(b, today, 2, untroubled)} }
	reviews := []drafting.ReviewInput{}
	for _, kind := range []drafting.ReviewKind{drafting.QualityReview, drafting.LegalityReview} {
		reviews = append(reviews, drafting.ReviewInput{Kind: kind, Outcome: drafting.Return, Objections: returned},
			drafting.ReviewInput{Kind: kind, Outcome: drafting.Pass, Gate: &untroubled}, drafting.ReviewInput{Kind: kind, Outcome: drafting.Pass, Gate: &stuck})
	}
	type step struct {
		From   drafting.State
		Action drafting.Action
		To     drafting.State
	}
	walked := map[step]bool{}
	try := func(stage string, action drafting.Action, who casework.Actor, do func(d *drafting.Draft) error) {
		d := stages(t)[stage]
		from, version, events := d.State, d.Version, d.EventCount
		before := frozen(t, d)
		allowed := d.Allowed(who)
		err := do(d)
		if err == nil {
			walked[step{from, action, d.State}] = true
			if d.Version != version+1 || d.EventCount != events+1 || d.Events[len(d.Events)-1].Kind != string(action) {
				t.Errorf("%s: %s by %s: version %d → %d, events %d → %d", stage, action, who.Role, version, d.Version, events, d.EventCount)
			}
			return
		}
		var f *fault.Error
		if !errors.As(err, &f) {
			t.Fatalf("%s: %s: %v is no fault", stage, action, err)
		}
		d.Gate = stages(t)[stage].Gate // what the analysis says is kept
		if diff := cmp.Diff(before, frozen(t, d)); diff != "" {
			t.Errorf("%s: %s by %s was refused and changed the draft: %s", stage, action, who.Role, diff)
		}
		if f.Code == fault.Conflict && !cmp.Equal(f.Allowed, allowed) {
			t.Errorf("%s: %s by %s: allowed %v, told %v", stage, action, who.Role, allowed, f.Allowed)
		}
	}
	for stage := range stages(t) {
		for _, who := range people {
			for action, attempt := range attempts {
				try(stage, action, who, func(d *drafting.Draft) error { return attempt(d, by(who))[0] })
			}
			for _, in := range reviews {
				try(stage, drafting.ActReview, who, func(d *drafting.Draft) error { return d.Review(by(who), in) })
			}
		}
	}
	for _, row := range drafting.Table {
		if !walked[step{row.From, row.Action, row.To}] {
			t.Errorf("no walk of %s %s → %s", row.From, row.Action, row.To)
		}
		delete(walked, step{row.From, row.Action, row.To})
	}
	for s := range walked {
		t.Errorf("%v is not in the table", s)
	}
}

func frozen(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Who drafts neither reviews nor publishes, and the two reviews are two people's,
// whatever roles their tokens carry.
func TestFourEyes(t *testing.T) {
	t.Parallel()
	as := func(subject string, role viewer.Role) casework.Actor {
		return casework.Actor{Subject: subject, Role: role}
	}
	for name, err := range map[string]error{
		"the drafter reviews quality": mustDraft(t, submit).Review(by(as("zhang", viewer.Quality)), drafting.ReviewInput{Kind: drafting.QualityReview, Outcome: drafting.Pass}),
		"the drafter reviews law":     mustDraft(t, submit, passQuality).Review(by(as("zhang", viewer.Legal)), drafting.ReviewInput{Kind: drafting.LegalityReview, Outcome: drafting.Pass, Gate: &untroubled}),
		"one person reviews twice":    mustDraft(t, submit, passQuality).Review(by(as("li", viewer.Legal)), drafting.ReviewInput{Kind: drafting.LegalityReview, Outcome: drafting.Pass, Gate: &untroubled}),
		"the drafter publishes":       mustDraft(t, submit, passQuality, passLegal(untroubled)).Publish(by(as("zhang", viewer.Admin)), today, 2, untroubled),
		"a stranger drafts":           second(drafting.New(by(casework.Actor{Subject: "x", Role: viewer.Reviewer, Department: "police"}), proposal("改"))),
		"an admin drafts":             second(drafting.New(by(admin), proposal("改"))),
	} {
		if fault.CodeOf(err) != fault.Denied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ *drafting.Draft, err error) error { return err }

// Refusals name everything that is wrong, each with its path.
func TestRefusals(t *testing.T) {
	t.Parallel()
	foreign := proposal("改")
	foreign.Content.Clauses = append(foreign.Content.Clauses, drafting.Entry[standard.Clause]{Value: standard.Clause{Code: "C-3", Department: "fire"}})
	forged := proposal("改")
	forged.Content = content("新")
	forged.Content.Clauses[0].Value.Rulings = []law.Ruling{{Number: "XT1", Text: "伪造"}}
	same := proposal("")
	same.Content = content("旧")
	ready := []func(*drafting.Draft) error{submit, passQuality, passLegal(untroubled)}
	legalReturn := func(o ...drafting.Objection) error {
		return mustDraft(t, submit, passQuality).Review(by(legal), drafting.ReviewInput{Kind: drafting.LegalityReview, Outcome: drafting.Return, Objections: o})
	}
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"another's content":     {second(drafting.New(by(other), foreign)), []string{"clauses[0] NOT_YOURS", "clauses[2] NOT_YOURS"}},
		"a forged ruling":       {second(drafting.New(by(drafter), forged)), []string{"clauses[0].rulings NOT_YOURS"}},
		"nothing new, no why":   {second(drafting.New(by(drafter), same)), []string{"reason REQUIRED", "content UNCHANGED"}},
		"a return without why":  {legalReturn(), []string{"objections REQUIRED"}},
		"beyond which law":      {legalReturn(drafting.Objection{Ground: drafting.BeyondTheLaw}), []string{"objections[0].text REQUIRED", "objections[0].clause REQUIRED"}},
		"an unknown clause":     {legalReturn(drafting.Objection{Ground: drafting.DuplicateProof, Clause: "C-7", Text: "重复"}), []string{"objections[0].clause UNKNOWN_CLAUSE"}},
		"the other review":      {mustDraft(t, submit).Review(by(quality), drafting.ReviewInput{Kind: drafting.LegalityReview, Outcome: drafting.Pass}), []string{"kind NOT_DUE"}},
		"in force yesterday":    {mustDraft(t, ready...).Publish(by(body), today.AddDays(-1), 2, untroubled), []string{"effectiveFrom IN_THE_PAST"}},
		"over a contradiction":  {mustDraft(t, ready...).Publish(by(body), today, 2, stuck), []string{"analysis." + drafting.FindingID(clash) + " CONTRADICTION"}},
		"another version":       {mustDraft(t).Submit(casework.By{Actor: drafter, RecordedAt: begin, Version: 7}), []string{"expectedVersion STALE"}},
		"from the future":       {mustDraft(t).Submit(casework.By{Actor: drafter, RecordedAt: begin, OccurredAt: begin.Add(time.Hour)}), []string{"occurredAt FUTURE"}},
		"withdrawn without why": {mustDraft(t).Withdraw(by(drafter), " "), []string{"reason REQUIRED"}},
	} {
		var f *fault.Error
		if !errors.As(c.err, &f) {
			t.Errorf("%s: %v", name, c.err)
			continue
		}
		got := []string{}
		for _, p := range f.Problems {
			got = append(got, p.Path+" "+p.Code)
			if p.ZH == "" || p.EN == "" {
				t.Errorf("%s: %s says nothing in one language", name, p.Path)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A change after the reviews has both anew: what they passed was another text.
func TestAChangedTextIsReviewedAnew(t *testing.T) {
	t.Parallel()
	d := mustDraft(t, submit, passQuality, passLegal(stuck))
	if err := d.Change(by(drafter), content("旧"), content("又一稿"), "化解冲突"); err != nil {
		t.Fatal(err)
	}
	if d.State != drafting.InDraft {
		t.Fatalf("it is %s", d.State)
	}
	if err := d.Publish(by(body), today, 2, untroubled); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("it was published without a review of its text: %v", err)
	}
}

func coordination(t *testing.T) *drafting.Coordination {
	t.Helper()
	c, err := drafting.OpenCoordination(by(drafter), drafting.Opening{ID: "crd_1", Number: "XT1", Finding: clash})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCoordinationHearsThePartiesAndRules(t *testing.T) {
	t.Parallel()
	ruling := drafting.Ruling{Kind: drafting.Yields, Clause: "C-1", To: "C-9", Text: "让位", Basis: []law.Basis{{Law: "消防法"}}}
	c := coordination(t)
	if diff := cmp.Diff([]any{"fire", []string{"fire", "eco"}, drafting.CoordinationOpen}, []any{c.Lead, c.Parties, c.State}); diff != "" {
		t.Error(diff)
	}
	if err := c.Rule(by(body), ruling); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("ruled before the parties were heard: %v", err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.StatePosition(by(drafter), "不能让", nil))
	if err := c.StatePosition(by(casework.Actor{Subject: "p", Role: viewer.Reviewer, Department: "police"}), "t", nil); fault.CodeOf(err) != fault.Denied {
		t.Errorf("a stranger spoke: %v", err)
	}
	if err := c.Rule(by(body), ruling); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("ruled while one party was silent: %v", err)
	}
	must(c.CallMeeting(by(body), today.AddDays(1)))
	if err := c.CallMeeting(by(body), today.AddDays(2)); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("two meetings are open: %v", err)
	}
	if err := c.RecordMeeting(by(body), []string{"fire", "police"}, ""); fault.CodeOf(err) != fault.Invalid {
		t.Errorf("a meeting without minutes: %v", err)
	}
	must(c.RecordMeeting(by(body), []string{"fire"}, "达成一致"))
	for kind, bad := range map[string]drafting.Ruling{
		"no basis":         {Kind: drafting.Yields, Clause: "C-1", To: "C-9", Text: "t"},
		"no clause":        {Kind: drafting.Exception, When: "true", Text: "t", Basis: ruling.Basis},
		"another clause":   {Kind: drafting.AlternativePath, Clause: "C-8", Demand: "true", Text: "t", Basis: ruling.Basis},
		"nothing at all":   {},
		"no zone":          {Kind: drafting.Siting, Scheme: "catering", Text: "t", Basis: ruling.Basis},
		"yields to itself": {Kind: drafting.Yields, Clause: "C-1", To: "C-1", Text: "t", Basis: ruling.Basis},
	} {
		if err := c.Rule(by(body), bad); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", kind, err)
		}
	}
	must(c.Rule(by(body), ruling))
	if c.State != drafting.CoordinationRuled || c.Ruling.Number != "XT1" || c.Ruling.Dated != today.String() || c.Ruling.By != "qian" {
		t.Errorf("the ruling is %+v", c.Ruling)
	}
	must(c.Settle(by(timer), "digest"))
	if err := c.Rule(by(body), ruling); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("ruled on what is settled: %v", err)
	}
	dropped := coordination(t)
	must(dropped.Drop(by(body), "误报"))
	var kinds []string
	for _, e := range slices.Concat(c.Events, dropped.Events) {
		kinds = append(kinds, e.Kind)
	}
	want := []string{"openCoordination", "statePosition", "callCoordinationMeeting", "recordCoordinationMeeting", "ruleCoordination", "settleCoordination", "openCoordination", "dropCoordination"}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestChangesAreInWords(t *testing.T) {
	t.Parallel()
	before := map[string]any{"items": []any{map[string]any{"id": "a", "name": "旧名", "materials": []any{map[string]any{"name": "留"}, map[string]any{"name": "甲"}}}}, "clauses": []any{
		map[string]any{"id": "C-1", "text": "留", "applies_when": "true"}, map[string]any{"id": "C-2", "text": "删"}}}
	after := map[string]any{"items": []any{map[string]any{"id": "a", "name": "新名", "materials": []any{map[string]any{"name": "留"}, map[string]any{"name": "乙"}, map[string]any{"name": "丙"}}}}, "clauses": []any{
		map[string]any{"id": "C-1", "text": "留", "applies_when": "false"}, map[string]any{"id": "C-3", "text": "增"}}}
	var got []string
	for _, c := range drafting.Changes(before, after) {
		got = append(got, c.Kind+" "+c.ZH+" | "+c.EN)
	}
	want := []string{
		"CHANGED 事项的申请材料：第2项由“名称 甲”改为“名称 乙”；新增“名称 丙” | the materials of the item: no. 2 changes from “name 甲” to “name 乙”; “name 丙” is new",
		"CHANGED 事项的名称由“旧名”改为“新名” | the name of the item changes from “旧名” to “新名”",
		"CHANGED 条款 C-1的适用条件由“true”改为“false” | the condition of application of clause C-1 changes from “true” to “false”",
		"REMOVED 删除条款 C-2：删 | clause C-2 is removed: 删",
		"ADDED 新增条款 C-3：增 | clause C-3 is added: 增",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// A scheme's zoning: what is said of each zone, by its zone.
	zone := func(code, verdict string) any { return map[string]any{"zone": code, "verdict": verdict} }
	scheme := func(zoning ...any) map[string]any {
		return map[string]any{"industries": []any{map[string]any{"id": "s", "zoning": zoning}}}
	}
	zoned := drafting.Changes(scheme(zone("core", "restricted"), zone("rural", "allowed"), zone("style", "allowed")), scheme(zone("rural", "allowed"), zone("core", "forbidden")))
	if len(zoned) != 1 || zoned[0].EN != "the zoning of the scheme: core changes from “verdict restricted, zone core” to “verdict forbidden, zone core”; “verdict allowed, zone style” is gone" {
		t.Errorf("zoning: %+v", zoned)
	}
	if same := drafting.Changes(before, before); len(same) != 0 {
		t.Errorf("nothing has changed: %v", same)
	}
}

// docs/standards.md says what the tables say.
func TestDocument(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# The life of a standard, and of a coordination\n\nGenerated from `internal/drafting` by `go test ./internal/drafting -update`. Do not edit.\n\n## Draft 草案\n\n")
	for _, s := range drafting.States {
		text := drafting.StateText[s]
		fmt.Fprintf(&b, "### %s\n\n%s\n\n%s\n\n", s, text.ZH, text.EN)
	}
	b.WriteString("## Coordination 协调\n\n")
	for _, s := range drafting.CoordinationStates {
		text := drafting.CoordinationText[s]
		fmt.Fprintf(&b, "### %s\n\n%s\n\n%s\n\n", s, text.ZH, text.EN)
	}
	b.WriteString("## Transitions 流转表\n\nWhat is not in these tables is refused with CONFLICT. 表中没有的一律拒绝。\n\n" + heading)
	for _, r := range drafting.Table {
		guard := ""
		if r.Guard != nil {
			guard = fmt.Sprintf("`%s` %s / %s", r.Guard.Name, r.Guard.Text.ZH, r.Guard.Text.EN)
		}
		line(&b, string(r.From), r.Action, string(r.To), r.Who, guard, r.Basis)
	}
	b.WriteString("\n" + heading)
	for _, r := range drafting.CoordinationTable {
		guard := ""
		if r.Guard != nil {
			guard = fmt.Sprintf("`%s` %s / %s", r.Guard.Name, r.Guard.Text.ZH, r.Guard.Text.EN)
		}
		line(&b, string(r.From), r.Action, string(r.To), r.Who, guard, r.Basis)
	}
	const path = "../../docs/standards.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(got)); diff != "" {
		t.Errorf("docs/standards.md is not what the tables say; run go test ./internal/drafting -update\n%s", diff)
	}
}

const heading = "| from 从 | action 操作 | to 到 | who 谁 | guard 条件 | basis 依据 |\n|---|---|---|---|---|---|\n"

func line(b *strings.Builder, from string, action drafting.Action, to string, who []drafting.Party, guard string, basis law.Basis) {
	var names []string
	for _, p := range who {
		names = append(names, string(p))
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", from, action, to, strings.Join(names, " "), guard, strings.TrimSpace(basis.Law+" "+basis.Article))
}
