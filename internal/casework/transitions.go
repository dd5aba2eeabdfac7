package casework

import (
	"slices"
	"strings"

	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/viewer"
)

// Action is a verb of the field. Actions of people are named as the mutations of
// the public API; every action is also the Kind of the event that it leaves.
type Action string

// The actions. The last seven are the platform's own, done by its timers.
const (
	ActChange         Action = "changeCase"
	ActSubmit         Action = "submitCase"
	ActWithdraw       Action = "withdrawCase"
	ActAccept         Action = "acceptCase"
	ActRefuse         Action = "refuseCase"
	ActAskSupplement  Action = "requestSupplement"
	ActSupply         Action = "supplyCase"
	ActOpenCopy       Action = "openCopyNotice"
	ActOpinion        Action = "giveOpinion"
	ActStartProcedure Action = "startSpecialProcedure"
	ActEndProcedure   Action = "endSpecialProcedure"
	ActAddDepartment  Action = "addDepartment"
	ActRelease        Action = "releaseDepartment"
	ActCallMeeting    Action = "callMeeting"
	ActRecordMeeting  Action = "recordMeeting"
	ActPlaceHold      Action = "placeHold"
	ActLiftHold       Action = "liftHold"
	ActDecide         Action = "decideCase"
	ActGiveReasons    Action = "giveReasons"
	ActDeliver        Action = "deliverResult"
	ActRevoke         Action = "revokeCase"
	ActRecall         Action = "recallCase"
	ActReturn         Action = "returnCase"
	ActAttach         Action = "attachMaterial"
	ActExtend         Action = "extendLimit"
	ActRerun          Action = "rerunChecks"
	ActChooseMode     Action = "chooseMode"
	ActCancelMeeting  Action = "cancelMeeting"
	ActStopClock      Action = "stopClock"
	ActResumeClock    Action = "resumeClock"

	ActRevokeAcceptance Action = "revokeAcceptance"
	ActRepin            Action = "repinCase"

	ActDeemAccepted   Action = "deemAccepted"
	ActDeemConsent    Action = "deemConsent"
	ActMissSupplement Action = "missSupplement"
	ActMissMaterial   Action = "missMaterial"
	ActRemind         Action = "remindDepartment"
	ActMoveDates      Action = "moveDates"
	ActRecordChecks   Action = "recordChecks"
)

// Actions lists them all.
var Actions = []Action{
	ActChange, ActSubmit, ActWithdraw, ActAccept, ActRefuse, ActAskSupplement, ActSupply, ActOpenCopy, ActOpinion,
	ActStartProcedure, ActEndProcedure, ActAddDepartment, ActRelease, ActCallMeeting, ActRecordMeeting, ActPlaceHold,
	ActLiftHold, ActDecide, ActGiveReasons, ActDeliver, ActRevoke, ActRecall, ActReturn, ActAttach, ActExtend, ActRerun,
	ActChooseMode, ActCancelMeeting, ActStopClock, ActResumeClock, ActRevokeAcceptance, ActRepin, ActDeemAccepted, ActDeemConsent, ActMissSupplement, ActMissMaterial, ActRemind, ActMoveDates,
	ActRecordChecks,
}

// Timers says that the platform itself does the action.
func (a Action) Timers() bool {
	switch a {
	case ActDeemAccepted, ActDeemConsent, ActMissSupplement, ActMissMaterial, ActRemind, ActMoveDates, ActRecordChecks:
		return true
	}
	return false
}

// Role is the role in which somebody acts.
type Role = viewer.Role

// The roles with a part in a case, and the platform's own timers, which no
// token can have.
const (
	RoleApplicant   = viewer.Applicant
	RoleAgent       = viewer.Agent
	RoleWindow      = viewer.Window
	RoleReviewer    = viewer.Reviewer
	RoleCoordinator = viewer.Coordinator
	RoleSupervisor  = viewer.Supervisor
	RoleTimer       = Role("TIMER")
)

// Actor is who acts. An agent acts on behalf of the applicant by a mandate.
type Actor struct {
	Subject    string `json:"subject"`
	Role       Role   `json:"role"`
	Department string `json:"department,omitempty"`
	OnBehalfOf string `json:"on_behalf_of,omitempty"`
	Mandate    string `json:"mandate,omitempty"`
}

// Party is a role together with the actor's part in the case.
type Party string

// The parties.
const (
	TheApplicant   Party = "APPLICANT"   // the applicant of this case
	TheAgent       Party = "AGENT"       // an agent acting for the applicant of this case
	TheWindow      Party = "WINDOW"      // the window (一门受理)
	TheDepartment  Party = "REVIEWER"    // a reviewer whose department has a review in this case
	TheLead        Party = "LEAD"        // a reviewer of the lead department (主办)
	TheCoordinator Party = "COORDINATOR" // the coordinating body
	TheSupervisor  Party = "SUPERVISOR"
	TheTimer       Party = "TIMER" // the platform itself
)

// is says whether an actor is a party to a case.
func (p Party) is(c *Case, a Actor) bool {
	switch p {
	case TheApplicant:
		return a.Role == RoleApplicant && a.Subject == c.Applicant
	case TheAgent:
		return a.Role == RoleAgent && a.Subject == c.Agent
	case TheDepartment:
		return a.Role == RoleReviewer && slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Department == a.Department })
	case TheLead:
		return a.Role == RoleReviewer && a.Department == c.Lead
	default:
		return string(a.Role) == string(p)
	}
}

// Guard is a named condition of a transition beyond the state.
type Guard struct {
	Name  string
	Text  Text
	Holds func(c *Case, a Actor) bool
}

// Transition is one row of the table: who may do what in a state, where it
// leads, under what condition, and on what legal basis.
type Transition struct {
	From   CaseState
	Action Action
	To     CaseState
	Who    []Party
	Guard  *Guard // nil: none
	Basis  law.Basis
}

var (
	needsReview   = &Guard{"needsReview", Text{"有事项须部门审查", "some item needs a review"}, func(c *Case, _ Actor) bool { return len(c.Needs) > 0 }}
	needsNoReview = &Guard{"needsNoReview", Text{"没有事项须部门审查", "no item needs a review"}, func(c *Case, _ Actor) bool { return len(c.Needs) == 0 }}
	silent        = &Guard{"windowSilent", Text{"收件后窗口未曾告知", "the window has said nothing since the receipt"}, func(c *Case, _ Actor) bool {
		return !slices.ContainsFunc(c.Supplements, func(s Supplement) bool { return s.MissedAt.After(c.ReceivedAt) })
	}}
	beforeAcceptance = &Guard{"beforeAcceptance", Text{"受理前", "the case is not accepted yet"}, func(c *Case, _ Actor) bool { return !c.accepted() }}
	afterAcceptance  = &Guard{"afterAcceptance", Text{"受理后", "the case is accepted"}, func(c *Case, _ Actor) bool { return c.accepted() }}
	notTold          = &Guard{"notToldBefore", Text{"尚未一次告知补正", "nothing has been asked for yet"}, func(c *Case, _ Actor) bool { return c.ToldAt.IsZero() }}
	reviewAsks       = &Guard{"reviewMayAsk", Text{"有审查可以要求补正", "some review may ask for a supplement"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Reviews, Review.mayAsk)
	}}
	copyUnopened = &Guard{"copyUnopened", Text{"本部门有未打开的抄告", "the department has a copy notice that is not opened"}, func(c *Case, a Actor) bool {
		return slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Department == a.Department && r.copyUnopened() })
	}}
	mayAnswer = &Guard{"reviewMayAnswer", Text{"本部门有可答复的审查", "the department has a review to answer"}, func(c *Case, a Actor) bool {
		return slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Department == a.Department && r.mayAnswer() })
	}}
	reviewOpen = &Guard{"reviewOpen", Text{"本部门有审查中的事项", "the department has an open review"}, func(c *Case, a Actor) bool {
		return slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Department == a.Department && r.State == Open })
	}}
	procedureOpen = &Guard{"procedureOpen", Text{"本部门有特别程序在进行", "the department has a special procedure under way"}, func(c *Case, a Actor) bool {
		return slices.ContainsFunc(c.Procedures, func(p SpecialProcedure) bool {
			return p.EndedAt.IsZero() && c.Reviews[c.review(p.Review)].Department == a.Department
		})
	}}
	releasable = &Guard{"reviewReleasable", Text{"有未答复的协办审查（涉及生命安全的只能由协调机构解除）", "some co-department has not answered; one on safety of life is released by the coordinating body alone"}, func(c *Case, a Actor) bool {
		return slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.releasable() && (!r.SafetyOfLife || a.Role == RoleCoordinator) })
	}}
	anyOpen = &Guard{"someReviewOpen", Text{"有审查中的事项", "some review is open"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.State == Open })
	}}
	meetingCalled = &Guard{"meetingCalled", Text{"有已召集未记录的会议或踏勘", "a meeting or visit is called and not recorded"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Meetings, Meeting.open)
	}}
	deemable = &Guard{"silenceIsConsent", Text{"本方案以沉默为同意，且有不涉及生命安全的审查未答复", "the preset takes silence for consent, and an open review is not on safety of life"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Reviews, func(r Review) bool { return c.deemable(&r) })
	}}
	held = &Guard{"holdPlaced", Text{"有本角色设置的暂缓", "a hold placed in this role is in force"}, func(c *Case, a Actor) bool {
		return slices.ContainsFunc(c.Holds, func(h Hold) bool { return h.LiftedAt.IsZero() && h.mayLift(a) })
	}}
	mayGrant = &Guard{"mayGrant", Text{"没有障碍，且各部门意见允许准予", "nothing blocks, and the opinions allow a grant"}, func(c *Case, _ Actor) bool {
		return len(Blockers(c)) == 0 && Joint(c.Reviews, c.Preset).Grant
	}}
	mayDeny = &Guard{"mayDeny", Text{"除逾期未补的容缺材料外没有障碍，且有不同意见", "nothing blocks but a tolerated material that was missed, and there is a dissent"}, func(c *Case, _ Actor) bool {
		return !slices.ContainsFunc(Blockers(c), func(b Blocker) bool { return !c.missed(b) }) && Joint(c.Reviews, c.Preset).Deny
	}}
	isStopped      = &Guard{"clockStopped", Text{"办件已中止或中断", "the case is suspended or interrupted"}, func(c *Case, _ Actor) bool { return c.stopped() }}
	isRunning      = &Guard{"clockNotStopped", Text{"办件未中止或中断", "the case is not suspended or interrupted"}, func(c *Case, _ Actor) bool { return !c.stopped() }}
	materialMissed = &Guard{"materialMissed", Text{"有容缺材料逾期未补", "a tolerated material did not come by its day"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Materials, func(m Material) bool { return m.awaited() && !m.MissedAt.IsZero() })
	}}
	maybeOverdue = &Guard{"materialNotMissedYet", Text{"有容缺材料待补且未记逾期", "a tolerated material is still to come and not recorded as missed"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Materials, func(m Material) bool { return m.awaited() && m.MissedAt.IsZero() })
	}}
	awaitsMaterial = &Guard{"materialAwaited", Text{"有容缺材料待补", "a tolerated material is still to come"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Materials, Material.awaited)
	}}
	unreminded = &Guard{"reviewUnreminded", Text{"有未提醒过的审查在走期限", "a review whose limit runs has not been reminded of"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Reviews, Review.remindable)
	}}
	mayExtend = &Guard{"limitRuns", Text{"主办部门，或本部门有未答复的审查", "the lead, or a department with a review that it has not answered"}, func(c *Case, a Actor) bool {
		return TheLead.is(c, a) || slices.ContainsFunc(c.Reviews, func(r Review) bool { return r.Department == a.Department && r.running() })
	}}
	hasReview = &Guard{"reviewUnanswered", Text{"有未答复的审查", "some review is not answered"}, func(c *Case, _ Actor) bool {
		return slices.ContainsFunc(c.Reviews, Review.running)
	}}
	checksPending = &Guard{"checksPending", Text{"有部门核验尚未完成", "a check of a department is still to be run"}, func(c *Case, _ Actor) bool { return !c.ChecksAt().IsZero() }}
	unblocked     = &Guard{"unblocked", Text{"没有障碍", "nothing blocks"}, func(c *Case, _ Actor) bool { return len(Blockers(c)) == 0 }}
	reasonsOwed   = &Guard{"reasonsOwed", Text{"尚欠书面理由", "written reasons are owed"}, func(c *Case, _ Actor) bool { return c.duty(OwesReasons) >= 0 }}
	wasGranted    = &Guard{"wasGranted", Text{"决定为准予", "the decision was a grant"}, func(c *Case, _ Actor) bool { return c.Decision != nil && c.Decision.Outcome == Grant }}
)

var (
	applicants       = []Party{TheApplicant, TheAgent, TheWindow}
	ownApplication   = []Party{TheApplicant, TheAgent}
	window           = []Party{TheWindow}
	department       = []Party{TheDepartment}
	lead             = []Party{TheLead}
	departmentOrLead = []Party{TheDepartment, TheLead}
	leadOrBody       = []Party{TheLead, TheCoordinator}
	holders          = []Party{TheLead, TheCoordinator, TheSupervisor}
	timer            = []Party{TheTimer}
)

func licensing(article string) law.Basis { return law.Basis{Law: "行政许可法", Article: article} }

// preset is the basis of what no law fixes: the joint decision rules that a
// scheme adopts.
var preset = law.Basis{Law: "联合审批方案（本区规则）"}

// Table is the one table of transitions. What is not in it is refused.
var Table = []Transition{
	{Draft, ActChange, Draft, applicants, nil, licensing("第29条")},
	{Draft, ActAttach, Draft, applicants, nil, licensing("第31条")},
	{Draft, ActSubmit, Submitted, applicants, nil, licensing("第29条")},
	{Draft, ActWithdraw, Withdrawn, ownApplication, nil, licensing("第29条")},

	{Submitted, ActAccept, InReview, window, nil, licensing("第32条")},
	{Submitted, ActAccept, Accepted, window, nil, licensing("第32条")},
	{Submitted, ActRefuse, Refused, window, nil, licensing("第32条第1款第2项")},
	{Submitted, ActRefuse, NotRequired, window, nil, licensing("第32条第1款第1项")},
	{Submitted, ActAskSupplement, Supplementing, window, notTold, licensing("第32条第1款第4项")},
	{Submitted, ActReturn, Draft, window, nil, preset},
	{Submitted, ActMoveDates, Submitted, timer, nil, licensing("第82条")},
	{Submitted, ActRecordChecks, Submitted, timer, checksPending, licensing("第34条")},
	{Submitted, ActWithdraw, Withdrawn, ownApplication, nil, licensing("第29条")},
	{Submitted, ActDeemAccepted, InReview, timer, both(silent, needsReview), licensing("第32条第1款第4项")},
	{Submitted, ActDeemAccepted, Accepted, timer, both(silent, needsNoReview), licensing("第32条第1款第4项")},

	{Supplementing, ActChange, Supplementing, applicants, nil, licensing("第31条")},
	{Supplementing, ActAttach, Supplementing, applicants, nil, licensing("第31条")},
	{Supplementing, ActSupply, Submitted, applicants, beforeAcceptance, licensing("第32条第1款第5项")},
	{Supplementing, ActSupply, InReview, applicants, afterAcceptance, preset},
	{Supplementing, ActMissSupplement, Submitted, timer, beforeAcceptance, preset},
	{Supplementing, ActMissSupplement, InReview, timer, afterAcceptance, preset},
	{Supplementing, ActWithdraw, Withdrawn, ownApplication, nil, licensing("第29条")},
	{Supplementing, ActMissMaterial, Supplementing, timer, maybeOverdue, preset},
	{Supplementing, ActMoveDates, Supplementing, timer, nil, licensing("第82条")},
	{Supplementing, ActRecordChecks, Supplementing, timer, checksPending, licensing("第34条")},
	{Supplementing, ActRemind, Supplementing, timer, unreminded, preset},
	{Supplementing, ActExtend, Supplementing, departmentOrLead, both(afterAcceptance, mayExtend), licensing("第42条")},
	{Supplementing, ActRerun, Supplementing, departmentOrLead, hasReview, licensing("第34条")},
	{Supplementing, ActRepin, Supplementing, leadOrBody, afterAcceptance, preset},
	{Supplementing, ActOpenCopy, Supplementing, department, copyUnopened, licensing("第26条第2款")},
	{Supplementing, ActOpinion, Supplementing, department, mayAnswer, licensing("第34条")},
	{Supplementing, ActStartProcedure, Supplementing, department, reviewOpen, licensing("第45条")},
	{Supplementing, ActEndProcedure, Supplementing, department, procedureOpen, licensing("第45条")},
	{Supplementing, ActDeemConsent, Supplementing, timer, deemable, preset},
	{Supplementing, ActResumeClock, Supplementing, lead, isStopped, preset},
	{Supplementing, ActCancelMeeting, Supplementing, leadOrBody, meetingCalled, preset},
	{Supplementing, ActRecordMeeting, Supplementing, leadOrBody, meetingCalled, licensing("第26条第2款")},
	{Supplementing, ActPlaceHold, Supplementing, holders, afterAcceptance, licensing("第60条")},
	{Supplementing, ActLiftHold, Supplementing, holders, held, licensing("第60条")},

	{Accepted, ActAddDepartment, InReview, leadOrBody, nil, licensing("第26条第2款")},
	{Accepted, ActRepin, Accepted, leadOrBody, nil, preset},
	{Accepted, ActStopClock, Accepted, lead, isRunning, preset},
	{Accepted, ActResumeClock, Accepted, lead, isStopped, preset},
	{Accepted, ActRevokeAcceptance, Withdrawn, window, materialMissed, law.Basis{Law: "浙江省保障“最多跑一次”改革规定", Article: "第11条"}},
	{Accepted, ActExtend, Accepted, lead, nil, licensing("第42条")},
	{Accepted, ActAttach, Accepted, applicants, awaitsMaterial, preset},
	{Accepted, ActMissMaterial, Accepted, timer, maybeOverdue, preset},
	{Accepted, ActMoveDates, Accepted, timer, nil, licensing("第82条")},
	{Accepted, ActPlaceHold, Accepted, holders, nil, licensing("第60条")},
	{Accepted, ActLiftHold, Accepted, holders, held, licensing("第60条")},
	{Accepted, ActDecide, Granted, lead, mayGrant, licensing("第34条第2款")},
	{Accepted, ActDecide, Denied, lead, mayDeny, licensing("第38条第2款")},
	{Accepted, ActWithdraw, Withdrawn, ownApplication, nil, licensing("第29条")},

	{InReview, ActStopClock, InReview, lead, isRunning, preset},
	{InReview, ActResumeClock, InReview, lead, isStopped, preset},
	{InReview, ActRevokeAcceptance, Withdrawn, window, materialMissed, law.Basis{Law: "浙江省保障“最多跑一次”改革规定", Article: "第11条"}},
	{InReview, ActAttach, InReview, applicants, awaitsMaterial, preset},
	{InReview, ActMissMaterial, InReview, timer, maybeOverdue, preset},
	{InReview, ActMoveDates, InReview, timer, nil, licensing("第82条")},
	{InReview, ActRecordChecks, InReview, timer, checksPending, licensing("第34条")},
	{InReview, ActRemind, InReview, timer, unreminded, preset},
	{InReview, ActExtend, InReview, departmentOrLead, mayExtend, licensing("第42条")},
	{InReview, ActRerun, InReview, departmentOrLead, hasReview, licensing("第34条")},
	{InReview, ActRepin, InReview, leadOrBody, nil, preset},
	{InReview, ActChooseMode, InReview, lead, nil, preset},
	{InReview, ActOpenCopy, InReview, department, copyUnopened, licensing("第26条第2款")},
	{InReview, ActOpinion, InReview, department, mayAnswer, licensing("第34条")},
	{InReview, ActStartProcedure, InReview, department, reviewOpen, licensing("第45条")},
	{InReview, ActEndProcedure, InReview, department, procedureOpen, licensing("第45条")},
	{InReview, ActAskSupplement, Supplementing, lead, reviewAsks, preset},
	{InReview, ActAddDepartment, InReview, leadOrBody, nil, licensing("第26条第2款")},
	{InReview, ActRelease, InReview, leadOrBody, releasable, licensing("第26条第2款")},
	{InReview, ActCallMeeting, InReview, leadOrBody, anyOpen, licensing("第26条第2款")},
	{InReview, ActCancelMeeting, InReview, leadOrBody, meetingCalled, preset},
	{InReview, ActRecordMeeting, InReview, leadOrBody, meetingCalled, licensing("第26条第2款")},
	{InReview, ActDeemConsent, InReview, timer, deemable, preset},
	{InReview, ActPlaceHold, InReview, holders, nil, licensing("第60条")},
	{InReview, ActLiftHold, InReview, holders, held, licensing("第60条")},
	{InReview, ActDecide, Granted, lead, mayGrant, licensing("第38条第1款")},
	{InReview, ActDecide, Denied, lead, mayDeny, licensing("第38条第2款")},
	{InReview, ActWithdraw, Withdrawn, ownApplication, nil, licensing("第29条")},

	{Granted, ActDeliver, Delivered, []Party{TheLead, TheWindow}, unblocked, licensing("第44条")},
	{Granted, ActGiveReasons, Granted, lead, reasonsOwed, preset},
	{Granted, ActPlaceHold, Granted, holders, nil, licensing("第60条")},
	{Granted, ActLiftHold, Granted, holders, held, licensing("第60条")},
	{Granted, ActRevoke, Revoked, lead, nil, licensing("第69条")},
	{Granted, ActRecall, Revoked, lead, nil, licensing("第8条第2款")},

	{Denied, ActDeliver, Delivered, []Party{TheLead, TheWindow}, unblocked, licensing("第38条第2款")},
	{Denied, ActPlaceHold, Denied, holders, nil, licensing("第60条")},
	{Denied, ActLiftHold, Denied, holders, held, licensing("第60条")},

	{Delivered, ActGiveReasons, Delivered, lead, reasonsOwed, preset},
	{Delivered, ActRevoke, Revoked, lead, wasGranted, licensing("第69条")},
	{Delivered, ActRecall, Revoked, lead, wasGranted, licensing("第8条第2款")},
}

// both joins two guards.
func both(a, b *Guard) *Guard {
	return &Guard{a.Name + "&" + b.Name, Text{a.Text.ZH + "；" + b.Text.ZH, a.Text.EN + "; " + b.Text.EN},
		func(c *Case, who Actor) bool { return a.Holds(c, who) && b.Holds(c, who) }}
}

// party says whether the actor is one of those who may use the row.
func (t Transition) party(c *Case, a Actor) bool {
	return slices.ContainsFunc(t.Who, func(p Party) bool { return p.is(c, a) })
}

// Allowed lists the actions that the actor may do now, in the order of the
// table. It takes the whole actor, not the role alone, because what a reviewer
// may do depends on its department's reviews.
func Allowed(c *Case, a Actor) []string {
	allowed := []string{}
	for _, t := range Table {
		if t.From == c.State && t.party(c, a) && (t.Guard == nil || t.Guard.Holds(c, a)) && !slices.Contains(allowed, string(t.Action)) {
			allowed = append(allowed, string(t.Action))
		}
	}
	return allowed
}

// find looks up the row for an action; to narrows it where the command itself
// chooses between outcomes. An actor who is no party of the action in any state
// is DENIED; a state or guard that does not allow it is a CONFLICT.
func (c *Case) find(a Actor, action Action, to CaseState) (Transition, error) {
	var party bool
	var failed []*Guard
	for _, t := range Table {
		if t.Action != action || !t.party(c, a) {
			continue
		}
		party = true
		if t.From != c.State || to != "" && t.To != to {
			continue
		}
		if t.Guard == nil || t.Guard.Holds(c, a) {
			return t, nil
		}
		failed = append(failed, t.Guard)
	}
	if !party {
		return Transition{}, fault.New(fault.Denied, "casework."+string(action), "您不能进行此操作", "you may not do this on this case")
	}
	var why []fault.Problem
	for _, g := range failed {
		why = append(why, fault.Problem{Path: "guard", Code: g.Name, ZH: "须满足：" + g.Text.ZH, EN: "needed: " + g.Text.EN})
	}
	if len(failed) > 0 && (action == ActDecide || action == ActDeliver) {
		for _, b := range Blockers(c) {
			why = append(why, fault.Problem{Path: "blockers", Code: string(b.Kind), ZH: b.ZH, EN: b.EN})
		}
	}
	return Transition{}, c.conflict(a, action, why...)
}

// conflict is the fault of a refused transition: the state, the action (its
// operation) and what is allowed instead; its problems say why.
func (c *Case) conflict(a Actor, action Action, why ...fault.Problem) *fault.Error {
	allowed := Allowed(c, a)
	list := strings.Join(allowed, ", ")
	if list == "" {
		list = "—"
	}
	f := fault.New(fault.Conflict, "casework."+string(action),
		"办件处于 "+string(c.State)+"，不能 "+string(action)+"；现可："+list,
		"the case is "+string(c.State)+", which does not allow "+string(action)+"; allowed now: "+list)
	f.State, f.Version, f.Allowed, f.Problems = string(c.State), c.Version, allowed, why
	return f
}
