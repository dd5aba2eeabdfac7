package sdk

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

var (
	verdicts = map[Verdict]pb.Verdict{
		Passed: pb.Verdict_VERDICT_PASS, Failed: pb.Verdict_VERDICT_FAIL,
		Missing: pb.Verdict_VERDICT_NEEDS_FACTS, Officer: pb.Verdict_VERDICT_HUMAN,
	}
	policies = map[Policy]pb.FailurePolicy{
		Reject: pb.FailurePolicy_FAILURE_POLICY_REJECT, Refer: pb.FailurePolicy_FAILURE_POLICY_REFER,
		Proceed: pb.FailurePolicy_FAILURE_POLICY_PROCEED,
	}
	trusts = map[Trust]pb.Trust{
		TrustA: pb.Trust_TRUST_A, TrustB: pb.Trust_TRUST_B, TrustC: pb.Trust_TRUST_C, TrustD: pb.Trust_TRUST_D,
	}
)

// keyOf reads a value of the wire.
func keyOf[K, V comparable](of map[K]V, value V) K {
	for k, v := range of {
		if v == value {
			return k
		}
	}
	panic(fmt.Sprintf("sdk: %v has no name", value)) // the functions of wire give known values only
}

// describe tells who the plugin is.
func (p *Plugin) describe() *pb.DescribeResponse {
	out := &pb.DescribeResponse{
		Name: p.Name, Version: p.Version, Department: p.Department,
		Capabilities: []string{wire.CapabilityProbes}, ContractMinor: wire.ContractMinor,
	}
	for i := range p.Checks {
		out.Checks = append(out.Checks, p.Checks[i].spec())
	}
	return out
}

func (c *Check) spec() *pb.CheckSpec {
	out := &pb.CheckSpec{
		Id: c.ID, Clauses: slices.Clone(c.Clauses), OnFailure: wire.Policy(policies[c.OnFailure]), Pure: !c.Impure,
	}
	for _, key := range c.Facts {
		out.Facts = append(out.Facts, &pb.FactNeed{Key: key})
	}
	for _, key := range c.OptionalFacts {
		out.Facts = append(out.Facts, &pb.FactNeed{Key: key, Optional: true})
	}
	for _, code := range c.Materials {
		if !slices.Contains(c.Contents, code) {
			out.Materials = append(out.Materials, &pb.MaterialNeed{Code: code})
		}
	}
	for _, code := range c.Contents {
		out.Materials = append(out.Materials, &pb.MaterialNeed{Code: code, Content: true})
	}
	if c.SelfTest != nil {
		out.SelfTest = &pb.SelfTest{Given: c.SelfTest.Given.request()}
		for _, f := range c.SelfTest.Want {
			out.SelfTest.Want = append(out.SelfTest.Want, f.wire())
		}
	}
	return out
}

// request writes a question; questionOf reads it.
func (q Question) request() *pb.CheckRequest {
	out := &pb.CheckRequest{
		CaseRef: q.CaseRef, Day: q.Day.Format(time.DateOnly), Seed: q.Seed, Checks: slices.Clone(q.Checks),
	}
	for _, key := range slices.Sorted(maps.Keys(q.Facts)) {
		fact := &pb.Fact{Key: key}
		switch v := q.Facts[key].(type) {
		case Decimal:
			fact.Value = &pb.Fact_Number{Number: v.number()}
		case int64:
			fact.Value = &pb.Fact_Integer{Integer: v}
		case int:
			fact.Value = &pb.Fact_Integer{Integer: int64(v)}
		case bool:
			fact.Value = &pb.Fact_Boolean{Boolean: v}
		case Choice:
			fact.Value = &pb.Fact_Choice{Choice: string(v)}
		default:
			panic(fmt.Sprintf("sdk: the fact %q is %T, not Decimal, int64, bool or Choice", key, v))
		}
		out.Facts = append(out.Facts, fact)
	}
	for _, m := range q.Materials {
		out.Materials = append(out.Materials, &pb.Material{
			Code: m.Code, Name: m.Name, Type: m.Type, Size: m.Size, Sha256: m.SHA256,
			Trust: wire.Trust(trusts[m.Trust]), Path: m.path,
		})
	}
	return out
}

func questionOf(r *pb.CheckRequest) (Question, error) {
	day, err := time.Parse(time.DateOnly, r.GetDay())
	if err != nil {
		return Question{}, fmt.Errorf("sdk: day: %w", err)
	}
	q := Question{
		CaseRef: r.GetCaseRef(), Day: day, Seed: r.GetSeed(), Checks: r.GetChecks(),
		Facts: make(map[string]any, len(r.GetFacts())),
	}
	for _, f := range r.GetFacts() {
		switch v := f.GetValue().(type) {
		case *pb.Fact_Number:
			n, err := ParseDecimal(v.Number)
			if err != nil {
				return Question{}, fmt.Errorf("sdk: fact %q: %w", f.GetKey(), err)
			}
			q.Facts[f.GetKey()] = n
		case *pb.Fact_Integer:
			q.Facts[f.GetKey()] = v.Integer
		case *pb.Fact_Boolean:
			q.Facts[f.GetKey()] = v.Boolean
		case *pb.Fact_Choice:
			q.Facts[f.GetKey()] = Choice(v.Choice)
		} // a kind that is not known here is an unknown fact
	}
	for _, m := range r.GetMaterials() {
		q.Materials = append(q.Materials, Material{
			Code: m.GetCode(), Name: m.GetName(), Type: m.GetType(), Size: m.GetSize(), SHA256: m.GetSha256(),
			Trust: keyOf(trusts, wire.Trust(m.GetTrust())), path: m.GetPath(),
		})
	}
	return q, nil
}

// wire writes a finding.
func (f Finding) wire() *pb.Finding {
	f = f.clone()
	out := &pb.Finding{
		Verdict: wire.Verdict(verdicts[f.Verdict]), Clause: f.Clause, Code: f.Code,
		Message: f.Message.wire(), Remedy: f.Remedy.wire(),
		MissingFacts: f.MissingFacts, MissingMaterials: f.MissingMaterials,
	}
	for _, b := range f.Basis {
		out.Basis = append(out.Basis, &pb.LegalBasis{Law: b.Law, Article: b.Article})
	}
	if len(f.UsedFacts)+len(f.UsedMaterials) > 0 {
		out.Used = &pb.Evidence{Facts: f.UsedFacts, Materials: f.UsedMaterials}
	}
	return out
}

func (m Message) wire() *pb.Message {
	if m.Key == "" && len(m.Params) == 0 {
		return nil
	}
	return &pb.Message{Key: m.Key, Params: m.Params}
}
