package drafting

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/viewer"
	"github.com/onedoor/onedoor/internal/workday"
)

// Action is a verb of the field: the name of its mutation, and the kind of the
// event that it leaves.
type Action string

// The actions on a draft.
const (
	ActDraft    Action = "draftStandard"
	ActSubmit   Action = "submitStandard"
	ActReview   Action = "reviewStandard"
	ActPublish  Action = "publishStandard"
	ActWithdraw Action = "withdrawStandard"
)

// The actions on a coordination; the last is the platform's own.
const (
	ActOpenCoordination Action = "openCoordination"
	ActPosition         Action = "statePosition"
	ActCallMeeting      Action = "callCoordinationMeeting"
	ActRecordMeeting    Action = "recordCoordinationMeeting"
	ActRule             Action = "ruleCoordination"
	ActDrop             Action = "dropCoordination"
	ActSettle           Action = "settleCoordination"
)

// Actions and CoordinationActions list them.
var (
	Actions             = []Action{ActDraft, ActSubmit, ActReview, ActPublish, ActWithdraw}
	CoordinationActions = []Action{ActPosition, ActCallMeeting, ActRecordMeeting, ActRule, ActDrop, ActSettle}
)

// Party is a role together with the actor's part in the thing.
type Party string

// The parties.
const (
	TheDrafter     Party = "DRAFTER"     // a reviewer of the standard's department, or of one with clauses in it; of a ruling's draft also the coordinating body
	TheQuality     Party = "QUALITY"     // quality guidance (质监指导)
	TheLegal       Party = "LEGAL"       // legality review (法制审核)
	TheCoordinator Party = "COORDINATOR" // the coordinating body
	TheAdmin       Party = "ADMIN"
	TheParty       Party = "PARTY" // a reviewer of a department that must talk
	ThePlatform    Party = "TIMER" // the platform itself
)

func (p Party) ofDraft(d *Draft, a casework.Actor) bool {
	if p != TheDrafter {
		return string(a.Role) == string(p)
	}
	switch a.Role {
	case viewer.Reviewer:
		return a.Department == d.Department || slices.ContainsFunc(d.Content.Clauses, func(k Entry[standard.Clause]) bool { return k.Value.Department == a.Department })
	case viewer.Coordinator:
		return d.Coordination != ""
	}
	return false
}

func (p Party) ofCoordination(c *Coordination, a casework.Actor) bool {
	if p == TheParty {
		return a.Role == viewer.Reviewer && c.concerns(a.Department)
	}
	return string(a.Role) == string(p)
}

// Guard is a named condition of a row beyond the state.
type Guard[T any] struct {
	Name  string
	Text  Text
	Deny  bool // failing it is DENIED: it is about the person, not the state
	Holds func(thing *T, a casework.Actor) bool
}

// Row is one row of a table of transitions: who may do what in a state, where it
// leads, under what condition, and on what legal basis.
type Row[T any, S ~string] struct {
	From   S
	Action Action
	To     S
	Who    []Party
	Guard  *Guard[T] // nil: none
	Basis  law.Basis
}

var (
	notDrafter = &Guard[Draft]{"fourEyes", Text{"未参与起草，且两项审查不是同一人", "has not drafted it, and the two reviews are two people's"}, true,
		func(d *Draft, a casework.Actor) bool {
			return !d.drafted(a.Subject) && (d.State != InLegal || d.reviewer(QualityReview) != a.Subject)
		}}
	noneStands = &Guard[Draft]{"noConflictStands", Text{"没有未裁定的冲突", "no conflict stands without a ruling"}, false,
		func(d *Draft, _ casework.Actor) bool { return d.Gate != nil && len(d.Gate.Refusals) == 0 }}
	someStands = &Guard[Draft]{"conflictStands", Text{"有未裁定的冲突", "a conflict stands without a ruling"}, false,
		func(d *Draft, _ casework.Actor) bool { return d.Gate != nil && len(d.Gate.Refusals) > 0 }}
)

// bothDraft joins two guards.
func bothDraft(a, b *Guard[Draft]) *Guard[Draft] {
	return &Guard[Draft]{a.Name + "&" + b.Name, Text{ZH: a.Text.ZH + "；" + b.Text.ZH, EN: a.Text.EN + "; " + b.Text.EN}, false,
		func(d *Draft, who casework.Actor) bool { return a.Holds(d, who) && b.Holds(d, who) }}
}

var (
	drafters   = []Party{TheDrafter}
	quality    = []Party{TheQuality}
	legal      = []Party{TheLegal}
	publishers = []Party{TheCoordinator, TheAdmin}

	separation  = law.Basis{Law: "行政许可法", Article: "第5条"}
	conditions  = law.Basis{Law: "行政许可法", Article: "第16条第4款"}
	publication = law.Basis{Law: "行政许可法", Article: "第30条"}
	preset      = law.Basis{Law: "联合审批方案（本区规则）"}
)

// Table is the one table of transitions of a draft. What is not in it is refused.
var Table = []Row[Draft, State]{
	{InDraft, ActDraft, InDraft, drafters, nil, preset},
	{InDraft, ActSubmit, InQuality, drafters, nil, preset},
	{InDraft, ActWithdraw, Withdrawn, drafters, nil, preset},

	{InQuality, ActReview, InLegal, quality, notDrafter, separation},
	{InQuality, ActReview, InDraft, quality, notDrafter, separation},
	{InQuality, ActWithdraw, Withdrawn, drafters, nil, preset},

	{InLegal, ActReview, Ready, legal, bothDraft(notDrafter, noneStands), conditions},
	{InLegal, ActReview, InCoordination, legal, bothDraft(notDrafter, someStands), conditions},
	{InLegal, ActReview, InDraft, legal, notDrafter, conditions},
	{InLegal, ActWithdraw, Withdrawn, drafters, nil, preset},

	{InCoordination, ActPublish, Published, publishers, bothDraft(notDrafter, noneStands), publication},
	{InCoordination, ActDraft, InDraft, drafters, nil, preset},
	{InCoordination, ActWithdraw, Withdrawn, drafters, nil, preset},

	{Ready, ActPublish, Published, publishers, bothDraft(notDrafter, noneStands), publication},
	{Ready, ActDraft, InDraft, drafters, nil, preset},
	{Ready, ActWithdraw, Withdrawn, drafters, nil, preset},
}

var (
	unmet = &Guard[Coordination]{"noMeetingOpen", Text{"没有已召集未记录的会议", "no meeting is called and not recorded"}, false,
		func(c *Coordination, _ casework.Actor) bool { return c.openMeeting() < 0 }}
	meetingOpen = &Guard[Coordination]{"meetingCalled", Text{"有已召集未记录的会议", "a meeting is called and not recorded"}, false,
		func(c *Coordination, _ casework.Actor) bool { return c.openMeeting() >= 0 }}
	heard = &Guard[Coordination]{"partiesHeard", Text{"各方均已陈述意见，或已开会", "every party has stated its position, or a meeting was held"}, false,
		func(c *Coordination, _ casework.Actor) bool { return c.heard() }}
)

// CoordinationTable is the one table of transitions of a coordination.
var CoordinationTable = []Row[Coordination, CoordinationState]{
	{CoordinationOpen, ActPosition, CoordinationOpen, []Party{TheParty}, nil, preset},
	{CoordinationOpen, ActCallMeeting, CoordinationOpen, []Party{TheCoordinator, TheParty}, unmet, preset},
	{CoordinationOpen, ActRecordMeeting, CoordinationOpen, []Party{TheCoordinator, TheParty}, meetingOpen, preset},
	{CoordinationOpen, ActRule, CoordinationRuled, []Party{TheCoordinator}, heard, preset},
	{CoordinationOpen, ActDrop, CoordinationDropped, []Party{TheCoordinator}, nil, preset},

	{CoordinationRuled, ActRule, CoordinationRuled, []Party{TheCoordinator}, nil, preset},
	{CoordinationRuled, ActSettle, CoordinationSettled, []Party{ThePlatform}, nil, preset},
}

// allowed lists the actions that an actor may do now, in the order of the table.
func allowed[T any, S ~string](table []Row[T, S], state S, thing *T, a casework.Actor, is func(Party) bool) []string {
	out := []string{}
	for _, r := range table {
		if r.From == state && slices.ContainsFunc(r.Who, is) && (r.Guard == nil || r.Guard.Holds(thing, a)) && !slices.Contains(out, string(r.Action)) {
			out = append(out, string(r.Action))
		}
	}
	return out
}

// find looks a row up; to narrows it where the command chooses between outcomes.
// Who is no party of the action in any state is DENIED, and so is who fails a
// guard about persons; a state or another guard that does not allow it is a
// CONFLICT with what is allowed instead.
func find[T any, S ~string](table []Row[T, S], state S, version int, thing *T, a casework.Actor, action Action, is func(Party) bool, to ...S) (Row[T, S], error) {
	var party bool
	var failed []*Guard[T]
	for _, r := range table {
		if r.Action != action || !slices.ContainsFunc(r.Who, is) {
			continue
		}
		party = true
		if r.From != state || len(to) > 0 && !slices.Contains(to, r.To) {
			continue
		}
		if r.Guard == nil || r.Guard.Holds(thing, a) {
			return r, nil
		}
		failed = append(failed, r.Guard)
	}
	op := "drafting." + string(action)
	if !party {
		return Row[T, S]{}, fault.New(fault.Denied, op, "您不能进行此操作", "you may not do this")
	}
	can := allowed(table, state, thing, a, is)
	list := strings.Join(can, ", ")
	if list == "" {
		list = "—"
	}
	f := fault.New(fault.Conflict, op, fmt.Sprintf("处于 %s，不能 %s；现可：%s", state, action, list), fmt.Sprintf("it is %s, which does not allow %s; allowed now: %s", state, action, list))
	f.State, f.Version, f.Allowed = string(state), version, can
	for _, g := range failed {
		if g.Deny {
			return Row[T, S]{}, fault.New(fault.Denied, op, "须由他人进行："+g.Text.ZH, "somebody else has to do it, who "+g.Text.EN)
		}
		f.Problems = append(f.Problems, fault.Problem{Path: "guard", Code: g.Name, ZH: "须满足：" + g.Text.ZH, EN: "needed: " + g.Text.EN})
	}
	return Row[T, S]{}, f
}

// Allowed lists the actions that an actor may do on a draft now.
func (d *Draft) Allowed(a casework.Actor) []string {
	return allowed(Table, d.State, d, a, func(p Party) bool { return p.ofDraft(d, a) })
}

// Allowed lists the actions that an actor may do on a coordination now.
func (c *Coordination) Allowed(a casework.Actor) []string {
	return allowed(CoordinationTable, c.State, c, a, func(p Party) bool { return p.ofCoordination(c, a) })
}

// begin checks version, party, state, guard and times. It changes nothing.
func (d *Draft) begin(by casework.By, action Action, to ...State) (Row[Draft, State], error) {
	if err := fresh(by, action, string(d.State), d.Version, d.Allowed(by.Actor), d.DraftedAt); err != nil {
		return Row[Draft, State]{}, err
	}
	is := func(p Party) bool { return p.ofDraft(d, by.Actor) }
	if (action == ActReview || action == ActPublish) && slices.ContainsFunc(Table, func(r Row[Draft, State]) bool {
		return r.Action == action && r.From == d.State && slices.ContainsFunc(r.Who, is)
	}) && !notDrafter.Holds(d, by.Actor) {
		return Row[Draft, State]{}, fault.New(fault.Denied, "drafting."+string(action), "须由他人进行："+notDrafter.Text.ZH, "somebody else has to do it, who "+notDrafter.Text.EN)
	}
	return find(Table, d.State, d.Version, d, by.Actor, action, is, to...)
}

func (c *Coordination) begin(by casework.By, action Action, to ...CoordinationState) (Row[Coordination, CoordinationState], error) {
	if err := fresh(by, action, string(c.State), c.Version, c.Allowed(by.Actor), c.OpenedAt); err != nil {
		return Row[Coordination, CoordinationState]{}, err
	}
	return find(CoordinationTable, c.State, c.Version, c, by.Actor, action, func(p Party) bool { return p.ofCoordination(c, by.Actor) }, to...)
}

// fresh checks the version that the client has seen, and the times.
func fresh(by casework.By, action Action, state string, version int, can []string, since time.Time) error {
	op := "drafting." + string(action)
	switch {
	case by.Version != 0 && by.Version != version:
		f := fault.New(fault.Stale, op, "已被他人更改", "somebody else has changed it")
		f.State, f.Version, f.Allowed = state, version, can
		f.Problems = []fault.Problem{{Path: "expectedVersion", Code: "STALE", ZH: fmt.Sprintf("当前版本为 %d", version), EN: fmt.Sprintf("the current version is %d", version)}}
		return f
	case by.RecordedAt.IsZero():
		return fault.InvalidInput(op, required("recordedAt"))
	case by.OccurredAt.After(by.RecordedAt):
		return fault.InvalidInput(op, problem("occurredAt", "FUTURE", "不能晚于记录时间", "is after the time of recording"))
	case !by.OccurredAt.IsZero() && by.OccurredAt.Before(since):
		return fault.InvalidInput(op, problem("occurredAt", "TOO_EARLY", "不能早于起草或立案时间", "is before it was begun"))
	}
	return nil
}

// happened makes the next event of a thing.
func happened(owner string, by casework.By, kind Action, recorded *time.Time, count *int, data map[string]any) casework.Event {
	at := by.OccurredAt
	if at.IsZero() {
		at = by.RecordedAt
	}
	now := by.RecordedAt.UTC()
	if now.Before(*recorded) { // clocks of instances differ a little
		now = *recorded
	}
	*recorded = now
	*count++
	return casework.Event{
		ID: ref.StandardEvent(owner, *count), Position: *count, Kind: string(kind), OccurredAt: at.UTC(), RecordedAt: now, Actor: by.Actor,
		Late: workday.DateOf(at).Before(workday.DateOf(by.RecordedAt)), Data: data,
	}
}

func problem(path, code, zh, en string) fault.Problem {
	return fault.Problem{Path: path, Code: code, ZH: zh, EN: en}
}

func required(path string) fault.Problem { return problem(path, "REQUIRED", "必填", "is required") }

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func invalid(action Action, problems ...fault.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return fault.InvalidInput("drafting."+string(action), problems...)
}
