package casework

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/workday"
)

// Trust grades a material by who vouches for it (国办函〔2016〕108号).
type Trust string

// The grades.
const (
	TrustA Trust = "A" // from an agency
	TrustB Trust = "B" // verified by the window
	TrustC Trust = "C" // uploaded, the original still to be seen
	TrustD Trust = "D" // made by the applicant, with a commitment
)

// trusts says which grades a role may give; the first is its usual one.
var trusts = map[Role][]Trust{
	RoleApplicant: {TrustC, TrustD},
	RoleAgent:     {TrustC, TrustD},
	RoleWindow:    {TrustB, TrustC, TrustD},
	RoleReviewer:  {TrustA},
}

// File is an uploaded file as the store of files keeps it.
type File struct {
	Key    string // in the store of files
	Name   string
	Type   string // media type, found in the content
	Size   int64  // bytes
	SHA256 string // hex
}

// Files keeps uploaded files. A kept file never changes.
type Files interface {
	// Save keeps what it reads to the end, or nothing. A file that is too large,
	// empty or of a type that is not taken is INVALID.
	Save(ctx context.Context, name string, content io.Reader) (File, error)
	// Open gives the content of a kept file; the caller closes it, and ctx lasts
	// until then.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
}

// Material is one paper of the case: asked for by the guide, once.
type Material struct {
	ID         string
	Code       string
	Name       string
	Source     guide.MaterialSource
	From       []string // INTERNAL: codes of the items whose result it is
	Tolerable  bool     // SECONDARY (次要): may come later
	File       *File
	Trust      Trust
	AttachedBy string // INTERNAL: the department that gave it
	AttachedAt time.Time
	OnPaper    bool         // the window has it before it on paper
	DueOn      workday.Date // tolerated on acceptance: the day by which it must come
	MissedAt   time.Time    // the day went by
}

// Given says that the paper is there, or is none of the applicant's business.
func (m Material) Given() bool { return m.Source != guide.FromApplicant || m.File != nil || m.OnPaper }

// awaited says that a tolerated paper is still to come.
func (m Material) awaited() bool { return !m.DueOn.IsZero() && !m.Given() }

// missed says that a blocker is a tolerated paper whose day went by. That keeps
// nobody from a denial.
func (c *Case) missed(b Blocker) bool {
	return b.Kind == BlockedByMaterial && slices.ContainsFunc(c.Materials, func(m Material) bool { return m.ID == b.ID && !m.MissedAt.IsZero() })
}

// AttachInput adds a file to a material. Trust may be empty: the role's usual
// grade.
type AttachInput struct {
	Material string
	File     File
	Trust    Trust
}

// MayAttach says what is wrong with attaching to a material, before any byte of
// the file is read.
func (c *Case) MayAttach(by By, in AttachInput) error {
	_, err := c.mayAttach(by, in)
	return err
}

func (c *Case) mayAttach(by By, in AttachInput) (Transition, error) {
	t, err := c.begin(by, ActAttach, "")
	if err != nil {
		return t, err
	}
	k := c.material(in.Material)
	switch {
	case k < 0 && c.Notice != "":
		return t, invalid(ActAttach, problem("material", "OUTSIDE_NOTICE", "不在告知书 "+c.Notice+" 内", "is not in notice "+c.Notice))
	case k < 0:
		return t, invalid(ActAttach, problem("material", "NOT_ASKED", "本办件不要求此材料", "the case does not ask for it"))
	case c.Materials[k].Source == guide.FromInside:
		return t, invalid(ActAttach, problem("material", "INTERNAL_RESULT", "内部流转的结果无须提交", "an internal result is passed inside"))
	case c.accepted() && c.State != Supplementing && !c.Materials[k].awaited():
		return t, invalid(ActAttach, problem("material", "NOT_AWAITED", "受理后只补容缺材料", "after acceptance only tolerated materials come"))
	case in.Trust != "" && !slices.Contains(trusts[by.Actor.Role], in.Trust):
		return t, invalid(ActAttach, problem("trust", "NOT_YOURS", "不能评定此可信等级", "is not yours to give"))
	}
	return t, nil
}

// Attach adds a file to a material; a file that was there before is replaced,
// and its event still names it.
func (c *Case) Attach(by By, in AttachInput) error {
	t, err := c.mayAttach(by, in)
	if err != nil {
		return err
	}
	if in.Trust == "" {
		in.Trust = trusts[by.Actor.Role][0]
	}
	m := &c.Materials[c.material(in.Material)]
	file := in.File
	m.File, m.Trust, m.AttachedBy, m.AttachedAt = &file, in.Trust, by.Actor.Subject, by.occurred().UTC()
	c.askAgain(by)
	c.commit(by, t, map[string]any{"material": m.Code, "name": file.Name, "sha256": file.SHA256, "size": file.Size, "trust": m.Trust})
	return nil
}

// MissMaterial records that a tolerated material has not come by its day. It may
// still come; until then nothing is granted, and nothing closes by itself.
func (c *Case) MissMaterial(by By, code string) error {
	t, err := c.begin(by, ActMissMaterial, "")
	if err != nil {
		return err
	}
	k := c.material(code)
	if k < 0 || !c.Materials[k].awaited() || !c.Materials[k].MissedAt.IsZero() || !by.day().After(c.Materials[k].DueOn) {
		return c.conflict(by.Actor, t.Action, problem("material", "NOT_DUE", "没有逾期的容缺材料", "no tolerated material is overdue"))
	}
	c.Materials[k].MissedAt = by.occurred().UTC()
	c.commit(by, t, map[string]any{"material": code, "dueOn": c.Materials[k].DueOn.String()})
	return nil
}
