package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/creditcode"
	"github.com/onedoor/onedoor/plugins/internal/eform"
	"github.com/onedoor/onedoor/plugins/sdk"
)

const premisesProof = "C-REG-001"

var (
	applicationForm = eform.Form{Material: "登记申请书", Schema: "registration/1"}
	premisesForm    = eform.Form{Material: "住所（经营场所）文件或申报承诺书", Schema: "premises/1"}
)

// application is what is read of the application.
type application struct {
	eform.Head
	Name companyName `json:"name"`
}

// Wrong says what is wrong with the form.
func (f *application) Wrong() error { return f.Name.wrong() }

// premises is the proof of the premises. An owner who is a person is not asked who
// that is: the check needs no more.
type premises struct {
	eform.Head
	Kind  string `json:"kind"` // deed 权属证明, lease 租赁合同 or commitment 申报承诺书
	Owner *struct {
		CreditCode string `json:"credit_code"` // of an organisation; "" for a person
	} `json:"owner"`
	Lease *struct {
		Term eform.Period `json:"term"`
		Area eform.Number `json:"area"` // m²
	} `json:"lease"`
}

// Wrong says what is wrong with the form.
func (f *premises) Wrong() error {
	switch {
	case f.Kind != "deed" && f.Kind != "lease" && f.Kind != "commitment":
		return errors.New("kind: is none of deed, lease, commitment")
	case f.Kind != "commitment" && f.Owner == nil:
		return errors.New("owner: is missing")
	case (f.Kind == "lease") != (f.Lease != nil):
		return errors.New("lease: is missing, or stands beside another kind of proof")
	}
	if f.Lease != nil {
		if err := f.Lease.Term.Wrong(); err != nil {
			return fmt.Errorf("lease.term: %w", err)
		}
	}
	return nil
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
		Contents:      []string{applicationForm.Material, premisesForm.Material},
		Run:           runRegistration,
	}
}

func runRegistration(_ context.Context, c *sdk.Case) []sdk.Finding {
	if c.Choice("industry") == "construction" {
		return []sdk.Finding{sdk.Pass(premisesProof)}
	}
	var out []sdk.Finding
	if form, none := eform.Read[application](c, applicationForm, premisesProof); form != nil {
		out = append(out, form.Name.judge(premisesProof, c.Choice("subject_type"))...)
	} else {
		out = append(out, none...)
	}
	if form, none := eform.Read[premises](c, premisesForm, premisesProof); form != nil {
		out = append(out, form.judge(c)...)
	} else {
		out = append(out, none...)
	}
	if len(out) == 0 {
		return []sdk.Finding{sdk.Pass(premisesProof)}
	}
	return out
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
	switch term := f.Lease.Term; {
	case term.To.Before(c.Day()):
		add(sdk.Fail(premisesProof, "LEASE_OVER").Say("premises.lease_over", "to", term.To).Advise("premises.renew"), registerPapers)
	case term.From.After(c.Day()):
		add(sdk.Human(premisesProof, "LEASE_NOT_BEGUN").Say("premises.lease_later", "from", term.From), registerPapers)
	}
	if area, known := c.OptionalNumber("use_area"); known && f.Lease.Area.Less(area) {
		add(sdk.Human(premisesProof, "LEASE_SMALLER").
			Say("premises.lease_smaller", "lease", f.Lease.Area.Decimal, "stated", area), registerTruth)
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
