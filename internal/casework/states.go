// Package casework is the life of a case (办件): one intake, copied to every
// department concerned, handled inside, closed in time. It holds the one table
// of transitions, the commands that apply it, and the algebra of the joint
// decision. It does no input or output and never asks what time it is.
package casework

// CaseState says where a case stands. It is the only state column of a case;
// everything else is an event or a value that follows from it.
type CaseState string

// The states of a case, as the public API names them. The paragraph of each
// constant is in StateText, from where docs/states.md takes it.
const (
	Draft         CaseState = "DRAFT"
	Submitted     CaseState = "SUBMITTED"
	Supplementing CaseState = "SUPPLEMENTING"
	Accepted      CaseState = "ACCEPTED"
	Refused       CaseState = "REFUSED"
	NotRequired   CaseState = "NOT_REQUIRED"
	InReview      CaseState = "IN_REVIEW"
	Granted       CaseState = "GRANTED"
	Denied        CaseState = "DENIED"
	Delivered     CaseState = "DELIVERED"
	Withdrawn     CaseState = "WITHDRAWN"
	Revoked       CaseState = "REVOKED"
)

// CaseStates lists the states in the order of the contract.
var CaseStates = []CaseState{Draft, Submitted, Supplementing, Accepted, Refused, NotRequired, InReview, Granted, Denied, Delivered, Withdrawn, Revoked}

// ReviewState says where one item's review in one department stands.
type ReviewState string

// The states of a review; see ReviewText.
const (
	Waiting  ReviewState = "WAITING"
	Open     ReviewState = "OPEN"
	Paused   ReviewState = "PAUSED"
	Answered ReviewState = "ANSWERED"
	Released ReviewState = "RELEASED"
)

// ReviewStates lists the states in the order of the contract.
var ReviewStates = []ReviewState{Waiting, Open, Paused, Answered, Released}

// Opinion is what a department answers.
type Opinion string

// The opinions of the public API. A department itself may give only the first
// three; DEEMED_CONSENT comes from silence or absence where the scheme's preset
// says so; RECUSED (回避) settles nothing and blocks the decision until somebody
// else answers. No command gives RECUSED yet.
const (
	Consent                Opinion = "CONSENT"
	Dissent                Opinion = "DISSENT"
	ConsentPendingSuperior Opinion = "CONSENT_PENDING_SUPERIOR"
	DeemedConsent          Opinion = "DEEMED_CONSENT"
	Recused                Opinion = "RECUSED"
)

// Text is a sentence in Chinese and English.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// StateText says for every state how a case enters and leaves it.
var StateText = map[CaseState]Text{
	Draft: {"草稿。由申请人、全程员或窗口开办而入，或由窗口退件而回；提交后成为 SUBMITTED，放弃则为 WITHDRAWN。首次提交前没有申办流水号；期限不起算。",
		"A draft. It is opened by the applicant, an agent or the window, or returned by the window; it leaves by being submitted or withdrawn. Before it is first submitted it has no number; no clock runs."},
	Submitted: {"已收件（RECEIVED）。提交或受理前补正后进入，有流水号和回执；由窗口受理、不予受理、不受理、退件或一次性要求补正，5 个工作日不告知的视为受理（行政许可法第32条）。",
		"Received. It enters when submitted or when a supplement asked before acceptance arrives; it has a number and a receipt. The window accepts, refuses, returns it or asks for one supplement; 5 working days of silence accept it (ALL 32)."},
	Supplementing: {"补正中。一份合并的补正通知发出时进入；补齐或逾期后，受理前的回到 SUBMITTED，受理后的回到 IN_REVIEW。逾期由提出的部门决定，不会自行办结。",
		"One consolidated supplement is open. When it is supplied or missed, the case goes back to SUBMITTED (before acceptance) or IN_REVIEW (after). A missed date goes back to who asked; nothing closes by itself."},
	Accepted: {"已受理且无须部门审查（即办件）。由受理或视为受理进入；由决定、增加部门或撤件离开。",
		"Accepted, and no department has to review it (an instant case). It enters by acceptance, real or deemed; it leaves by decision, by adding a department, or by withdrawal."},
	Refused: {"不予受理：不属于本机关职权范围（行政许可法第32条第2项）。终态，须说明理由。",
		"Refused: it is outside the organ's powers (ALL 32(2)). Final; reasons are required."},
	NotRequired: {"不受理：依法不需要取得行政许可（行政许可法第32条第1项）。终态，须说明理由。",
		"No licence is required by law (ALL 32(1)). Final; reasons are required."},
	InReview: {"审查中。受理（或视为受理）后抄告各部门时进入；无前置的审查即开，其余等前一结果。没有障碍时由主办部门决定，或补正、撤件离开。",
		"In review. It enters on acceptance, real or deemed, when the case is copied to its departments; reviews without unfinished preconditions are open, the others wait. The lead decides when nothing blocks; a supplement or a withdrawal leads out too."},
	Granted: {"准予。由主办部门决定进入；送达后成为 DELIVERED（10 日，行政许可法第44条），或被撤销、撤回。",
		"Granted by the lead. It leaves by delivery (10 days, ALL 44), by revocation or by recall."},
	Denied: {"不予许可，附理由和条款。由主办部门决定进入；书面决定送达后成为 DELIVERED（行政许可法第38条）。",
		"Denied with reasons. It enters by the lead's decision; it leaves when the written decision is delivered (ALL 38)."},
	Delivered: {"决定已送达。结果以决定为准；准予的只能由撤销或撤回离开。",
		"The decision is delivered; what it was stands in the decision. A grant can only leave by being revoked or recalled."},
	Withdrawn: {"撤件：申请人在决定前撤回申请。终态，未办结的审查全部解除。",
		"Withdrawn by the applicant before a decision. Final; unfinished reviews are released."},
	Revoked: {"准予的决定依法被撤销（行政许可法第69条），或因所依据的法律或客观情况变化被撤回（第8条第2款），办件记明是哪一种。终态，与撤件、退件不同。",
		"A grant was revoked by law (ALL 69), or recalled because the law or the circumstances changed (ALL 8(2)); the case says which. Final; it is neither withdrawal nor return."},
}

// ReviewText says for every state how a review enters and leaves it.
var ReviewText = map[ReviewState]Text{
	Waiting: {"等待前置。受理时前置事项未完成则进入；最后一个前置结果内部传来时成为 OPEN，期限自那时起算；前置被拒的，决定时解除。",
		"A precondition is not finished. It becomes OPEN when the last earlier result is passed inside, and its clock starts then; behind a refused item it is released by the decision."},
	Open: {"审查中，期限在走。由受理、前置完成、特别程序结束或补正进入；由意见、特别程序、补正要求、解除或默认同意离开。",
		"Under review, the clock runs. It enters by acceptance, the end of the preconditions, of a special procedure or of a supplement; it leaves by an opinion, a special procedure, a supplement, a release, or deemed consent."},
	Paused: {"停表。特别程序进行中（行政许可法第45条）或本部门要求的补正未到；原因结束时回到 OPEN，一次只有一个原因。",
		"The clock stands: a special procedure is under way (ALL 45), or the supplement that this department asked for is open. It goes back to OPEN when the one cause ends."},
	Answered: {"已答复。只有需转报的可以再答一次；不同意的可要求补正，补正结束（补齐或逾期）后重审；同意的不再重开。",
		"Answered. A consent pending a superior may be followed by the final answer; a dissent may ask for a supplement and is reviewed again when that is supplied or missed; a consent stays."},
	Released: {"已解除：部门附理由退出、撤件，或前置被拒后办件已决定。终态，不再计入。",
		"Released: the department was let go with a reason, the case was withdrawn, or it was decided behind a refused precondition. Final; it no longer counts."},
}
