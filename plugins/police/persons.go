package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/onedoor/onedoor/plugins/internal/citation"
	"github.com/onedoor/onedoor/plugins/internal/term"
	"github.com/onedoor/onedoor/plugins/sdk"
)

const personsSection = "police.persons/1"

// persons is the section police.persons/1 of the papers with which people prove who
// they are. It holds identity numbers, and no finding repeats one: a person is named
// by the place in the list.
type persons struct {
	Persons   []person   `json:"persons"`
	Residence *residence `json:"residence"` // of the operator, for scrap metal
}

type person struct {
	Role string `json:"role"`
	ID   string `json:"id_number"`
}

// residence is a registration of residence.
type residence struct {
	Kind   string     `json:"kind"`   // permanent 常住 or temporary 暂住
	Region string     `json:"region"` // six digits (GB/T 2260)
	Term   *term.Term `json:"term"`   // of a temporary one
}

var roles = []string{"legal_representative", "operator", "security", "staff"}

const mostPersons = 1000

// readPersons reads the section.
func readPersons(c *sdk.Case, material string) (*persons, *sdk.FormFault) {
	var f persons
	if fault := c.Form(material, personsSection, &f); fault != nil {
		return nil, fault
	}
	if problem := f.problem(); problem != "" {
		return nil, sdk.InvalidForm(material, personsSection+": "+problem)
	}
	return &f, nil
}

// problem says the first thing that the form does not say as its schema asks.
func (f *persons) problem() string {
	if len(f.Persons) == 0 || len(f.Persons) > mostPersons {
		return fmt.Sprintf("persons: 1 to %d", mostPersons)
	}
	for i, p := range f.Persons {
		if !slices.Contains(roles, p.Role) {
			return fmt.Sprintf("persons[%d].role: legal_representative, operator, security or staff", i)
		}
	}
	if r := f.Residence; r != nil {
		if r.Kind != "permanent" && r.Kind != "temporary" || len(r.Region) != 6 {
			return "residence: permanent or temporary, with a region of six digits"
		}
		if r.Kind == "temporary" && (r.Term == nil || r.Term.Problem() != "") {
			return "residence.term: needed for a temporary one"
		}
	}
	return ""
}

// numbers gives a finding for each person whose number is wrong.
func (f *persons) numbers(c *sdk.Case, clause string) []sdk.Finding {
	var out []sdk.Finding
	for i, p := range f.Persons {
		reason := ""
		switch _, err := parseIdentity(p.ID, c.Day()); err {
		case errIDForm:
			reason = "form"
		case errIDRegion:
			reason = "region"
		case errIDBirthday:
			reason = "birthday"
		case errIDCheck:
			reason = "check"
		}
		if reason != "" && len(out) < mostFindings {
			out = append(out, citation.Back(sdk.Fail(clause, "ID_NUMBER_WRONG").
				Say("identity."+reason, "place", i+1).Advise("identity.correct", "place", i+1), identityNumber))
		}
	}
	return out
}

// mostFindings keeps an answer within the contract: who has so many numbers wrong
// has handed in the wrong list.
const mostFindings = 20

const hotelGuarded = "C-HTL-003"

const hotelPaper = "法定代表人和从业人员身份证明"

// hotelPersons judges that a hotel has designated people for its security by who
// they are, where the catalogue's predicate takes the applicant's word. The law sets
// no number of them by rooms (旅馆业治安管理办法 第5条), so neither does this.
func hotelPersons() sdk.Check {
	return sdk.Check{
		ID: "hotel-persons", Clauses: []string{hotelGuarded},
		Facts: []string{"industry"}, OptionalFacts: []string{"has_guard"}, Contents: []string{hotelPaper},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			if c.Choice("industry") != "hotel" {
				return []sdk.Finding{sdk.NotApplicable(hotelGuarded)}
			}
			if has, known := c.OptionalBool("has_guard"); known && !has {
				return []sdk.Finding{citation.Back(sdk.Fail(hotelGuarded, "NO_SECURITY_PERSON").
					Say("persons.no_security").Advise("persons.designate"), hotelGuards)}
			}
			form, fault := readPersons(c, hotelPaper)
			if fault != nil {
				return fault.Findings(hotelGuarded)
			}
			out := form.numbers(c, hotelGuarded)
			designated, minors := 0, 0
			for _, p := range form.Persons {
				if p.Role != "security" {
					continue
				}
				designated++
				if id, err := parseIdentity(p.ID, c.Day()); err == nil && !id.adult(c.Day()) {
					minors++
				}
			}
			switch {
			case designated == 0:
				out = append(out, citation.Back(sdk.Fail(hotelGuarded, "NO_SECURITY_PERSON").
					Say("persons.no_security").Advise("persons.designate"), hotelGuards))
			case minors > 0: // no law on hotels names an age: an officer weighs it
				out = append(out, citation.Back(sdk.Human(hotelGuarded, "SECURITY_PERSON_UNDER_18").
					Say("persons.minor", "count", minors), hotelGuards))
			}
			if len(out) == 0 {
				return []sdk.Finding{sdk.Pass(hotelGuarded)}
			}
			return out
		},
	}
}

const scrapResident = "C-REC-007"

// jiangbei is the region's code (GB/T 2260) of the district that the pack is of.
const jiangbei = "330205"

const scrapPaper = "身份证明"

// scrapPersons judges the registration of residence of an individual who buys scrap
// metal. The region in the identity number is that of the first registration and
// proves nothing about today's.
func scrapPersons() sdk.Check {
	return sdk.Check{
		ID: "scrap-persons", Clauses: []string{scrapResident},
		Facts: []string{"scrap_metal", "subject_type"}, OptionalFacts: []string{"local_residence"},
		Contents: []string{scrapPaper},
		Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
			if !c.Bool("scrap_metal") || c.Choice("subject_type") != "individual_household" {
				return []sdk.Finding{sdk.NotApplicable(scrapResident)}
			}
			form, fault := readPersons(c, scrapPaper)
			if fault != nil {
				return fault.Findings(scrapResident)
			}
			out := form.numbers(c, scrapResident)
			fail := func(code, key string) {
				out = append(out, citation.Back(sdk.Fail(scrapResident, code).Say(key).Advise("residence.register"), scrapResidence))
			}
			has, stated := c.OptionalBool("local_residence")
			switch r := form.Residence; {
			case stated && !has:
				fail("NO_LOCAL_RESIDENCE", "residence.none")
			case r == nil:
				out = append(out, citation.Back(sdk.Human(scrapResident, "RESIDENCE_TO_SEE").Say("residence.to_see"), scrapResidence))
			case r.Region != jiangbei:
				fail("RESIDENCE_ELSEWHERE", "residence.elsewhere")
			case r.Kind == "temporary" && !r.Term.Has(c.Day()):
				fail("RESIDENCE_NOT_IN_FORCE", "residence.not_in_force")
			}
			if len(out) == 0 {
				return []sdk.Finding{sdk.Pass(scrapResident)}
			}
			return out
		},
	}
}
