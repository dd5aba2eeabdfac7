// Package drafting is the life of a standard before it is published (标准的起草、
// 审查、协调与发布): drafts and their reviews, the gate in front of publication,
// coordination where standards contradict each other, and what a draft would
// have done to closed cases. It does no input or output and never asks what time
// it is.
package drafting

// Text is a sentence in Chinese and English.
type Text struct{ ZH, EN string }

// State says where a draft stands.
type State string

// The states of a draft; the paragraph of each is in StateText.
const (
	InDraft        State = "DRAFT"
	InQuality      State = "QUALITY"
	InLegal        State = "LEGAL"
	InCoordination State = "COORDINATION"
	Ready          State = "READY"
	Published      State = "PUBLISHED"
	Withdrawn      State = "WITHDRAWN"
)

// States lists them in the order of a life.
var States = []State{InDraft, InQuality, InLegal, InCoordination, Ready, Published, Withdrawn}

// StateText says for every state how a draft enters and leaves it.
var StateText = map[State]Text{
	InDraft: {"起草。由事项的实施机关起草、由裁定产生，或被审查退回而入；由提交离开，或撤回。内容每次更改都按目录导入的同一规则校验。",
		"A draft. It enters by being drafted by the item's department or by a ruling, or is returned by a review; it leaves by submission or withdrawal. Each change is checked by the rules of an import."},
	InQuality: {"质量指导（质监指导）。提交后进入；由未参与起草的质量人员通过而进入合法性审查，或附理由退回起草。",
		"Quality guidance. It enters by submission; somebody of QUALITY who has not drafted it passes it on to the legality review or returns it with reasons."},
	InLegal: {"合法性审查。由质量指导通过后进入；审查超出法定条件、循环证明、重复证明。通过的，有未裁定的冲突则进入协调，否则待发布；不通过的附理由退回起草。",
		"Legality review. It enters from quality guidance; conditions beyond the law and circular or duplicate proofs are refused. Passed, it goes to coordination where conflicts stand, otherwise it is ready; refused, it goes back with reasons."},
	InCoordination: {"协调。合法性审查通过而有冲突未裁定时进入；由协调裁定并据此修订标准，冲突消除或裁定被接受后发布，或退回修改。",
		"Coordination. It enters when the legality review has passed and conflicts stand; it leaves by publication once they are gone or ruled on, or goes back to be changed."},
	Ready: {"待发布。合法性审查通过且无冲突时进入；由未参与起草的协调机构或管理员发布，或退回修改。发布时再次分析。",
		"Ready. It enters when the legality review has passed and no conflict stands; it leaves by publication, by the coordinating body or an ADMIN who has not drafted it, or goes back to be changed. It is analysed again then."},
	Published: {"已发布。终态：内容成为标准的新版本，旧版本自生效日的前一日终止；版本此后不再更改，被新版本取代（SUPERSEDED）或废止（REPEALED）由其有效期看出。",
		"Published. Final: the content is a new version of the standard, and the old one ends on the day before it comes into force. That version never changes; that it is superseded or repealed follows from its term."},
	Withdrawn: {"撤回。起草部门放弃。终态。", "Withdrawn by the department that drafted it. Final."},
}

// CoordinationState says where a coordination stands.
type CoordinationState string

// The states of a coordination; see CoordinationText.
const (
	CoordinationOpen    CoordinationState = "OPEN"
	CoordinationRuled   CoordinationState = "RULED"
	CoordinationSettled CoordinationState = "SETTLED"
	CoordinationDropped CoordinationState = "DROPPED"
)

// CoordinationStates lists them in the order of a life.
var CoordinationStates = []CoordinationState{CoordinationOpen, CoordinationRuled, CoordinationSettled, CoordinationDropped}

// CoordinationText says for every state how a coordination enters and leaves it.
var CoordinationText = map[CoordinationState]Text{
	CoordinationOpen: {"协调中。由分析发现的冲突立案；各方陈述意见、开会；由协调机构裁定或附理由撤销。",
		"Open. It is opened from a finding of the analysis; the parties state their positions and meet; the coordinating body rules, or drops it with reasons."},
	CoordinationRuled: {"已裁定。裁定注明依据和日期，并产生修订标准的草案；草案全部发布且冲突消除后了结。草案都撤回的，可重新裁定。",
		"Ruled. The ruling has its basis and day and has made the drafts that patch the standards; when all of them are published and the finding is gone it is settled. Where its drafts were withdrawn it can be ruled on anew."},
	CoordinationSettled: {"已了结。修订已发布，分析不再发现该冲突（选址类裁定：冲突仍在，但项目另行选址）。终态。",
		"Settled. The patches are published and the analysis no longer finds it (a ruling on siting: it still does, and the projects are sited elsewhere). Final."},
	CoordinationDropped: {"已撤销，附理由。终态。", "Dropped with reasons. Final."},
}
