package wire

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/onedoor/onedoor/plugins/internal/pb"
)

// The forms of names and numbers.
var (
	namePattern    = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	versionPattern = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	checkPattern   = regexp.MustCompile(`^[a-z][a-z0-9]*([-_.][a-z0-9]+)*$`)
	codePattern    = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
	numberPattern  = regexp.MustCompile(`^(0|-?[1-9]\d*|-?(0|[1-9]\d*)\.\d{0,5}[1-9])$`)
)

// IsNumber says whether a text is a number in the form of the contract.
func IsNumber(s string) bool { return numberPattern.MatchString(s) }

// ValidateDescription says everything that is wrong with what a plugin says
// about itself, or gives nil.
func ValidateDescription(d *pb.DescribeResponse) error {
	var found problems
	found.unless(namePattern.MatchString(d.GetName()) && len(d.GetName()) <= MaxCode, "name: %q is not lower-case letters, digits and hyphens", clip(d.GetName()))
	found.unless(versionPattern.MatchString(d.GetVersion()) && len(d.GetVersion()) <= MaxCode, "version: %q is no semantic version such as 1.4.0", clip(d.GetVersion()))
	found.code("department", d.GetDepartment())
	found.unless(len(d.GetChecks()) > 0, "checks: there is none")
	found.unless(len(d.GetChecks()) <= MaxDeclared, "checks: more than %d", MaxDeclared)
	found.unless(len(d.GetCapabilities()) <= MaxCapabilities, "capabilities: more than %d", MaxCapabilities)
	for _, c := range d.GetCapabilities() {
		found.code("capabilities", c)
	}
	seen := map[string]bool{}
	for _, c := range d.GetChecks() {
		at := fmt.Sprintf("check %q", clip(c.GetId()))
		found.unless(checkPattern.MatchString(c.GetId()) && len(c.GetId()) <= MaxCode, "%s: the id is lower-case letters and digits, joined by -, _ or .", at)
		found.unless(!seen[c.GetId()], "%s: it is there twice", at)
		seen[c.GetId()] = true
		found.unless(len(c.GetClauses()) > 0, "%s: it judges no clause", at)
		found.codes(at+": clauses", c.GetClauses(), MaxClauses)
		found.codes(at+": facts", factKeys(c), MaxNeeded)
		found.codes(at+": materials", materialCodes(c), MaxNeeded)
		if test := c.GetSelfTest(); test != nil {
			result := &pb.CheckResult{Check: c.GetId(), Findings: test.GetWant()}
			if err := ValidateResult(c, result); err != nil {
				found.add("%s: self_test: %v", at, err)
			}
			question := test.GetGiven()
			if question == nil {
				question = &pb.CheckRequest{}
			}
			if err := validateGiven(question); err != nil {
				found.add("%s: self_test: %v", at, err)
			}
		}
	}
	return found.err()
}

// ValidateRequest says everything that is wrong with a question, or gives nil.
// Ids of checks that the plugin does not have are not wrong: each gets its own
// error.
func ValidateRequest(r *pb.CheckRequest) error {
	var found problems
	found.unless(len(r.GetChecks()) > 0, "checks: there is none")
	found.codes("checks", r.GetChecks(), MaxChecks)
	if err := validateGiven(r); err != nil {
		found.add("%v", err)
	}
	return found.err()
}

func validateGiven(r *pb.CheckRequest) error {
	var found problems
	found.unless(len(r.GetCaseRef()) <= MaxCode, "case_ref: longer than %d bytes", MaxCode)
	_, err := time.Parse(time.DateOnly, r.GetDay())
	found.unless(err == nil, "day: %q is no YYYY-MM-DD", clip(r.GetDay()))
	var keys []string
	for _, f := range r.GetFacts() {
		keys = append(keys, f.GetKey())
		switch v := f.GetValue().(type) {
		case *pb.Fact_Number:
			found.unless(IsNumber(v.Number), "fact %q: %q is no number in its shortest form", clip(f.GetKey()), clip(v.Number))
		case *pb.Fact_Choice:
			found.code(fmt.Sprintf("fact %q", clip(f.GetKey())), v.Choice)
		}
	}
	found.codes("facts", keys, MaxFacts)
	var codes []string
	for _, m := range r.GetMaterials() {
		codes = append(codes, m.GetCode())
		at := fmt.Sprintf("material %q", clip(m.GetCode()))
		found.text(at+": name", m.GetName(), MaxText)
		found.text(at+": type", m.GetType(), MaxCode)
		found.unless(m.GetSize() >= 0, "%s: a negative size", at)
		found.unless(len(m.GetSha256()) == materialHashSize || len(m.GetSha256()) == 0, "%s: sha256 is not 32 bytes", at)
		found.unless(m.GetPath() == "" || fs.ValidPath(m.GetPath()) && !strings.Contains(m.GetPath(), `\`), "%s: the path %q leads out of the plugin's directory", at, clip(m.GetPath()))
	}
	found.codes("materials", codes, MaxMaterials)
	return found.err()
}

// ValidateResult says everything that is wrong with what a check has answered,
// or gives nil: the host refuses such an answer, and so does the SDK before it is
// sent. A result with an error is not looked at.
func ValidateResult(spec *pb.CheckSpec, r *pb.CheckResult) error {
	if r.GetError() != nil {
		return nil
	}
	var found problems
	found.unless(len(r.GetFindings()) > 0, "no finding: say PASS, NEEDS_FACTS or HUMAN")
	found.unless(len(r.GetFindings()) <= MaxFindings, "more than %d findings", MaxFindings)
	facts, materials := factKeys(spec), materialCodes(spec)
	for i, f := range r.GetFindings() {
		at := fmt.Sprintf("finding %d", i+1)
		found.unless(slices.Contains(spec.GetClauses(), f.GetClause()), "%s: the clause %q is not the check's own", at, clip(f.GetClause()))
		found.unless(codePattern.MatchString(f.GetCode()) && len(f.GetCode()) <= MaxCode, "%s: the code %q is not UPPER_SNAKE", at, clip(f.GetCode()))
		found.message(at+": message", f.GetMessage())
		found.message(at+": remedy", f.GetRemedy())
		switch Verdict(f.GetVerdict()) {
		case pb.Verdict_VERDICT_FAIL:
			found.unless(len(f.GetBasis()) > 0, "%s: FAIL without a legal basis", at)
			found.unless(f.GetMessage().GetKey() != "", "%s: FAIL without a message", at)
		case pb.Verdict_VERDICT_NEEDS_FACTS:
			found.unless(len(f.GetMissingFacts())+len(f.GetMissingMaterials()) > 0, "%s: NEEDS_FACTS without saying which", at)
		}
		found.unless(len(f.GetBasis()) <= MaxBases, "%s: more than %d legal bases", at, MaxBases)
		for _, b := range f.GetBasis() {
			found.unless(b.GetLaw() != "" && b.GetArticle() != "", "%s: a legal basis is a law and an article", at)
			found.text(at+": basis", b.GetLaw(), MaxText)
			found.text(at+": basis", b.GetArticle(), MaxText)
		}
		found.declared(at+": used facts", f.GetUsed().GetFacts(), facts)
		found.declared(at+": used materials", f.GetUsed().GetMaterials(), materials)
		found.declared(at+": missing facts", f.GetMissingFacts(), facts)
		found.declared(at+": missing materials", f.GetMissingMaterials(), materials)
	}
	return found.err()
}

func factKeys(spec *pb.CheckSpec) []string {
	var keys []string
	for _, f := range spec.GetFacts() {
		keys = append(keys, f.GetKey())
	}
	return keys
}

func materialCodes(spec *pb.CheckSpec) []string {
	var codes []string
	for _, m := range spec.GetMaterials() {
		codes = append(codes, m.GetCode())
	}
	return codes
}

// problems collects what is wrong, up to a number that people still read.
type problems []error

const mostProblems = 20

func (p *problems) add(format string, args ...any) {
	if len(*p) < mostProblems {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

func (p *problems) unless(ok bool, format string, args ...any) {
	if !ok {
		p.add(format, args...)
	}
}

func (p *problems) code(at, code string) {
	p.unless(code != "", "%s: an empty name", at)
	p.text(at, code, MaxCode)
}

func (p *problems) text(at, text string, most int) {
	p.unless(len(text) <= most, "%s: longer than %d bytes", at, most)
	p.unless(utf8.ValidString(text), "%s: not UTF-8", at)
}

// codes are there once each, and not too many.
func (p *problems) codes(at string, codes []string, most int) {
	p.unless(len(codes) <= most, "%s: more than %d", at, most)
	seen := make(map[string]bool, len(codes))
	for _, c := range codes {
		p.code(at, c)
		p.unless(!seen[c], "%s: %q is there twice", at, clip(c))
		seen[c] = true
	}
}

func (p *problems) declared(at string, codes, of []string) {
	p.unless(len(codes) <= MaxNamed, "%s: more than %d", at, MaxNamed)
	for _, c := range codes {
		p.unless(slices.Contains(of, c), "%s: %q is not declared by the check", at, clip(c))
	}
}

func (p *problems) message(at string, m *pb.Message) {
	if m == nil {
		return
	}
	p.code(at, m.GetKey())
	p.unless(len(m.GetParams()) <= MaxParams, "%s: more than %d parameters", at, MaxParams)
	for name, value := range m.GetParams() {
		p.code(at+": parameter", name)
		p.text(at+": parameter "+clip(name), value, MaxText)
	}
}

func (p problems) err() error { return errors.Join(p...) }

// clip shortens a text that somebody else has written.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
