package casework

import (
	"slices"

	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

// Mode is how the departments answer: each on its copy (抄告制) or together in a
// meeting (联审制). The lead chooses.
type Mode string

// The two modes. In MEETING mode a review meeting must be on record before a
// decision.
const (
	CopyMode    Mode = "COPY"
	MeetingMode Mode = "MEETING"
)

// Preset is how one scheme decides jointly. It is data of the scheme and is
// pinned into the case on acceptance.
type Preset struct {
	Mode              Mode          `json:"mode"`
	DeemedConsent     bool          `json:"deemed_consent"`      // silence past the limit is consent
	AbsenceIsConsent  bool          `json:"absence_is_consent"`  // absence from a called meeting or visit is consent
	MeetingNoticeDays int           `json:"meeting_notice_days"` // natural days between call and meeting, without which absence is no consent
	PartialGrant      bool          `json:"partial_grant"`       // the rest may be granted when an item is refused
	Advisory          []string      `json:"advisory,omitempty"`  // departments whose dissent the lead may overrule
	SafetyCategories  []string      `json:"safety_categories"`   // clause categories on safety of life
	AcceptWithin      workday.Limit `json:"accept_within"`
	ReasonsWithin     workday.Limit `json:"reasons_within"`
	DeliverWithin     workday.Limit `json:"deliver_within"`
}

// StrictPreset is the preset of a scheme that has said nothing: copy mode,
// neither silence nor absence is taken for consent, and a refused item does not
// refuse the others (行政许可法 第38条第1款). Acceptance takes 5 working
// days (行政许可法 第32条), delivery 10 (第44条), the reasons for overruling a
// dissent 10 (domain.md section 4).
func StrictPreset() Preset {
	return Preset{
		Mode:              CopyMode,
		PartialGrant:      true,
		MeetingNoticeDays: 1,
		AcceptWithin:      workday.Limit{Amount: 5, Unit: workday.UnitWorkday},
		ReasonsWithin:     workday.Limit{Amount: 10, Unit: workday.UnitWorkday},
		DeliverWithin:     workday.Limit{Amount: 10, Unit: workday.UnitWorkday},
	}
}

// SafetyOfLife says whether one of the clauses is on safety of life. The silence
// of a department that judges such a clause is never consent.
func (p Preset) SafetyOfLife(clauses []standard.Clause) bool {
	return slices.ContainsFunc(clauses, func(c standard.Clause) bool {
		return slices.Contains(p.SafetyCategories, c.Category)
	})
}

// Outcome is what may be decided on a case or an item.
type Outcome string

// The outcomes of the public API.
const (
	Grant Outcome = "GRANT"
	Deny  Outcome = "DENY"
)

// Verdict is what the opinions allow the lead to decide.
type Verdict struct {
	Unsettled  []string // ids of the reviews that must be answered first
	Grant      bool     // the case may be granted
	Deny       bool     // the case may be denied
	Grantable  []string // items that a grant would grant
	Refused    []string // items that a BINDING dissent refuses, and those behind them
	Overruling []string // ids of the ADVISORY dissents that a grant would overrule: reasons are owed
}

// Joint is the algebra of the joint decision (行政许可法 第26条第2款; domain.md
// section 4). It depends on nothing but the reviews and the preset:
//
//   - nothing may be decided while a review is unsettled;
//   - a BINDING dissent refuses its item, and the items that wait for it;
//   - an ADVISORY dissent leaves both ways open; a grant then owes reasons;
//   - what everybody consents to must be granted (行政许可法 第38条): without any
//     dissent there is no denial. A case without reviews is the lead's alone.
func Joint(reviews []Review, p Preset) Verdict {
	var v Verdict
	refused := refusedItems(reviews)
	var dissent, leadRefused, any bool
	for _, r := range reviews {
		if r.State == Released {
			continue
		}
		any = true
		dead := slices.Contains(refused, r.Item)
		switch {
		case dead && !slices.Contains(v.Refused, r.Item):
			v.Refused = append(v.Refused, r.Item)
		case !dead && !slices.Contains(v.Grantable, r.Item):
			v.Grantable = append(v.Grantable, r.Item)
		}
		leadRefused = leadRefused || dead && r.Lead
		if !settled(r) && (!dead || r.State != Waiting) {
			v.Unsettled = append(v.Unsettled, r.ID)
		}
		if r.State == Answered && r.Opinion == Dissent {
			dissent = true
			if !r.Binding && !dead {
				v.Overruling = append(v.Overruling, r.ID)
			}
		}
	}
	done := len(v.Unsettled) == 0
	whole := len(v.Refused) == 0 || p.PartialGrant && !leadRefused
	v.Grant = done && whole && (len(v.Grantable) > 0 || !any)
	v.Deny = done && (dissent || !any)
	return v
}

// settled says that a review has its final answer.
func settled(r Review) bool {
	return r.State == Released || r.State == Answered && (r.Opinion == Consent || r.Opinion == DeemedConsent || r.Opinion == Dissent)
}

// resultArrived says that every review of an item has given what later items
// wait for: a consent, or the opinion of an ADVISORY department, whatever it is.
func resultArrived(reviews []Review, item string) bool {
	for _, r := range reviews {
		if r.Item == item && (!settled(r) || r.State == Answered && r.Opinion == Dissent && r.Binding) {
			return false
		}
	}
	return true
}

// refusedItems lists the items with a BINDING dissent, and those that can never
// open because they wait for such an item.
func refusedItems(reviews []Review) []string {
	var refused []string
	for grown := true; grown; {
		grown = false
		for _, r := range reviews {
			if slices.Contains(refused, r.Item) {
				continue
			}
			own := r.State == Answered && r.Opinion == Dissent && r.Binding
			behind := r.State == Waiting && slices.ContainsFunc(r.After, func(code string) bool { return slices.Contains(refused, code) })
			if own || behind {
				refused = append(refused, r.Item)
				grown = true
			}
		}
	}
	return refused
}

// BlockerKind says what stands in the way.
type BlockerKind string

// The kinds of blocker.
const (
	BlockedByState      BlockerKind = "NOT_ACCEPTED"
	BlockedByReview     BlockerKind = "REVIEW"
	BlockedBySuperior   BlockerKind = "PENDING_SUPERIOR"
	BlockedByRecusal    BlockerKind = "RECUSED"
	BlockedBySupplement BlockerKind = "SUPPLEMENT"
	BlockedByProcedure  BlockerKind = "SPECIAL_PROCEDURE"
	BlockedByHold       BlockerKind = "HOLD"
	BlockedByMeeting    BlockerKind = "MEETING"
	BlockedByMaterial   BlockerKind = "MATERIAL"
	BlockedByStop       BlockerKind = "CLOCK_STOPPED"
)

// Blocker is one reason why the next milestone cannot be reached. ID names the
// review, supplement, procedure, hold or meeting.
type Blocker struct {
	Kind BlockerKind `json:"kind"`
	ID   string      `json:"id"`
	ZH   string      `json:"zh"`
	EN   string      `json:"en"`
}

// Blockers lists what keeps a case from its next milestone: the decision, or the
// delivery once it is decided. An ended case has none.
func Blockers(c *Case) []Blocker {
	var found []Blocker
	add := func(kind BlockerKind, id, zh, en string) {
		found = append(found, Blocker{kind, id, zh, en})
	}
	milestone := DecisionMilestone
	switch c.State {
	case Granted, Denied:
		milestone = DeliveryMilestone
	case Draft, Submitted:
		add(BlockedByState, "", "尚未受理", "the case is not accepted yet")
	case Supplementing:
		if !c.accepted() {
			add(BlockedByState, "", "尚未受理", "the case is not accepted yet")
		}
	case Accepted, InReview:
	default:
		return nil
	}
	for _, h := range c.Holds {
		if h.LiftedAt.IsZero() && h.Milestone == milestone {
			add(BlockedByHold, h.ID, "暂缓："+h.Reason, "on hold: "+h.Reason)
		}
	}
	if milestone == DeliveryMilestone {
		return found
	}
	for _, id := range Joint(c.Reviews, c.Preset).Unsettled {
		r := c.Reviews[c.review(id)]
		switch r.Opinion {
		case ConsentPendingSuperior:
			add(BlockedBySuperior, id, r.Department+" 需转报上级", r.Department+" waits for its superior")
		case Recused:
			add(BlockedByRecusal, id, r.Department+" 已回避，须另行指定", r.Department+" has recused itself; somebody else must answer")
		default:
			add(BlockedByReview, id, r.Department+" 对 "+r.Item+" 的审查未完成", r.Department+" has not answered on "+r.Item)
		}
	}
	for _, s := range c.Supplements {
		if s.Open() {
			add(BlockedBySupplement, s.ID, "补正未结束", "a supplement is open")
		}
	}
	for _, p := range c.Procedures {
		if p.EndedAt.IsZero() {
			add(BlockedByProcedure, p.ID, "特别程序未结束", "a special procedure is under way")
		}
	}
	for _, s := range c.Stops {
		if s.open() {
			add(BlockedByStop, s.ID, "已中止或中断："+s.Reason, "suspended or interrupted: "+s.Reason)
		}
	}
	for _, m := range c.Materials {
		if m.awaited() {
			add(BlockedByMaterial, m.ID, "容缺材料未补："+m.Name, "a tolerated material has not come: "+m.Name)
		}
	}
	held := false
	for _, m := range c.Meetings {
		held = held || m.Kind == ReviewMeeting && !m.HeldAt.IsZero()
		if m.open() {
			add(BlockedByMeeting, m.ID, "会议或踏勘尚未记录", "a meeting or visit is called and not recorded")
		}
	}
	if c.Preset.Mode == MeetingMode && !held && c.State == InReview {
		add(BlockedByMeeting, "", "联审制须先会审", "meeting mode needs a review meeting on record")
	}
	return found
}

// dissents lists the reviews that dissent: they are attached to the decision.
func dissents(reviews []Review) []string {
	var ids []string
	for _, r := range reviews {
		if r.State == Answered && r.Opinion == Dissent {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

// releasedItems lists the items that nobody reviews any more.
func releasedItems(reviews []Review) []string {
	var items []string
	for _, r := range reviews {
		reviewed := slices.ContainsFunc(reviews, func(o Review) bool { return o.Item == r.Item && o.State != Released })
		if !reviewed && !slices.Contains(items, r.Item) {
			items = append(items, r.Item)
		}
	}
	return items
}
