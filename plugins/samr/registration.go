package main

import (
	"context"
	"errors"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/creditcode"
	"github.com/onedoor/onedoor/plugins/internal/term"
	"github.com/onedoor/onedoor/plugins/sdk"
)

const premisesProof = "C-REG-001"

const (
	applicationPaper   = "登记申请书"
	applicationSection = "samr.registration/1"
	premisesPaper      = "住所（经营场所）文件或申报承诺书"
	premisesSection    = "samr.premises/1"
)

// application is the section samr.registration/1 of the application.
type application struct {
	Name companyName `json:"name"`
}

// premises is the section samr.premises/1 of the proof of the premises. An owner who is a person is not asked who
// that is: the check needs no more.
type premises struct {
	Kind  string `json:"kind"` // deed 权属证明, lease 租赁合同 or commitment 申报承诺书
	Owner *struct {
		CreditCode string `json:"credit_code"` // of an organisation; "" for a person
	} `json:"owner"`
	Lease *struct {
		Term term.Term   `json:"term"`
		Area sdk.Decimal `json:"area"` // m²
	} `json:"lease"`
}

// problem says the first thing that the form does not say as its schema asks.
func (f *premises) problem() string {
	switch {
	case f.Kind != "deed" && f.Kind != "lease" && f.Kind != "commitment":
		return "kind: deed, lease or commitment"
	case f.Kind != "commitment" && f.Owner == nil:
		return "owner: needed for a deed or a lease"
	case (f.Kind == "lease") != (f.Lease != nil):
		return "lease: needed for a lease, and for nothing else"
	}
	if f.Lease != nil {
		if problem := f.Lease.Term.Problem(); problem != "" {
			return "lease.term." + problem
		}
		if f.Lease.Area.Sign() <= 0 {
			return "lease.area: above 0"
		}
	}
	return ""
}

// registration judges the papers of a registration by what stands in them: the
// owner's credit code, the lease's term and area, and the proposed name. The pack has
// no clause for names, so they are judged with the papers (市场主体登记管理条例 第16条
// asks for the application that names it).
func registration() sdk.Check {
	return sdk.Check{
		ID: "registration", Clauses: []string{premisesProof},
		Facts:         []string{"industry", "subject_type"},
		OptionalFacts: []string{"has_property_proof", "address_commitment", "use_area"},
		Contents:      []string{applicationPaper, premisesPaper},
		Run:           runRegistration,
	}
}

func runRegistration(_ context.Context, c *sdk.Case) []sdk.Finding {
	if c.Choice("industry") == "construction" {
		return []sdk.Finding{sdk.NotApplicable(premisesProof)}
	}
	out := append(judgeApplication(c), judgePremises(c)...)
	if len(out) == 0 {
		return []sdk.Finding{sdk.Pass(premisesProof)}
	}
	return out
}

func judgeApplication(c *sdk.Case) []sdk.Finding {
	var f application
	if fault := c.Form(applicationPaper, applicationSection, &f); fault != nil {
		return fault.Findings(premisesProof)
	}
	f.Name.widen()
	if problem := f.Name.problem(); problem != "" {
		return sdk.InvalidForm(applicationPaper, applicationSection+": "+problem).Findings(premisesProof)
	}
	return f.Name.judge(premisesProof, c.Choice("subject_type"))
}

func judgePremises(c *sdk.Case) []sdk.Finding {
	var f premises
	if fault := c.Form(premisesPaper, premisesSection, &f); fault != nil {
		return fault.Findings(premisesProof)
	}
	if problem := f.problem(); problem != "" {
		return sdk.InvalidForm(premisesPaper, premisesSection+": "+problem).Findings(premisesProof)
	}
	return f.judge(c)
}

func (f *premises) judge(c *sdk.Case) []sdk.Finding {
	var out []sdk.Finding
	add := func(finding sdk.Finding, law ...citation.Citation) { out = append(out, citation.Back(finding, law...)) }
	fact := "has_property_proof"
	if f.Kind == "commitment" {
		fact = "address_commitment"
	}
	if stated, known := c.OptionalBool(fact); known && !stated {
		add(sdk.Human(premisesProof, "PROOF_DISAGREES").Say("premises.disagrees"), registerTruth)
	}
	if f.Owner != nil && f.Owner.CreditCode != "" {
		code, err := creditcode.Parse(f.Owner.CreditCode)
		switch {
		case err != nil:
			add(sdk.Fail(premisesProof, "OWNER_CODE_WRONG").
				Say(codeMessage(err)).Advise("code.correct"), registerTruth, creditCodes)
		case !code.OrganisationFits():
			add(sdk.Human(premisesProof, "OWNER_CODE_DOUBTFUL").Say("code.organisation"), creditCodes)
		}
	}
	if f.Lease == nil {
		return out
	}
	switch lease := f.Lease.Term; {
	case lease.To.Before(c.Day()):
		add(sdk.Fail(premisesProof, "LEASE_OVER").Say("premises.lease_over", "to", lease.To).Advise("premises.renew"), registerPapers)
	case lease.From.After(c.Day()):
		add(sdk.Human(premisesProof, "LEASE_NOT_BEGUN").Say("premises.lease_later", "from", lease.From), registerPapers)
	}
	if area, known := c.OptionalNumber("use_area"); known && f.Lease.Area.Less(area) {
		add(sdk.Human(premisesProof, "LEASE_SMALLER").
			Say("premises.lease_smaller", "lease", f.Lease.Area, "stated", area), registerTruth)
	}
	return out
}

// codeMessage is why a credit code is wrong, without the code.
func codeMessage(err error) string {
	switch {
	case errors.Is(err, creditcode.ErrLength):
		return "code.length"
	case errors.Is(err, creditcode.ErrCheck):
		return "code.check"
	}
	return "code.characters"
}
