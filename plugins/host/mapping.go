package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

var (
	verdicts = map[pb.Verdict]check.Verdict{
		pb.Verdict_VERDICT_PASS: check.Pass, pb.Verdict_VERDICT_FAIL: check.Fail,
		pb.Verdict_VERDICT_NEEDS_FACTS: check.NeedsFacts, pb.Verdict_VERDICT_HUMAN: check.Human,
	}
	policies = map[check.Policy]pb.FailurePolicy{
		check.Reject: pb.FailurePolicy_FAILURE_POLICY_REJECT, check.Refer: pb.FailurePolicy_FAILURE_POLICY_REFER,
		check.Proceed: pb.FailurePolicy_FAILURE_POLICY_PROCEED,
	}
	trusts = map[string]pb.Trust{
		"A": pb.Trust_TRUST_A, "B": pb.Trust_TRUST_B, "C": pb.Trust_TRUST_C, "D": pb.Trust_TRUST_D,
	}
	faults = map[pb.CheckErrorCode]check.FaultCode{
		pb.CheckErrorCode_CHECK_ERROR_CODE_UNKNOWN_CHECK: check.Broken, // it has described it
		pb.CheckErrorCode_CHECK_ERROR_CODE_PANIC:         check.Errored,
		pb.CheckErrorCode_CHECK_ERROR_CODE_DEADLINE:      check.Late,
		pb.CheckErrorCode_CHECK_ERROR_CODE_BAD_FINDING:   check.Broken,
		pb.CheckErrorCode_CHECK_ERROR_CODE_FAILED:        check.Errored,
	}
	// said stands where a finding has no message.
	said = map[check.Verdict]check.Text{
		check.Pass:       {ZH: "符合。", EN: "The clause is met."},
		check.NeedsFacts: {ZH: "所需事实或材料不全，暂不能判断。", EN: "It cannot be judged before the missing facts or materials are there."},
		check.Human:      {ZH: "由审查人员判断。", EN: "An officer judges it."},
	}
)

// bytesOf writes a message so that the same message is the same bytes.
func bytesOf(m proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// receiptID names a call.
func receiptID(digest string, request []byte) string {
	sum := sha256.New()
	sum.Write([]byte(digest))
	sum.Write(request)
	return hex.EncodeToString(sum.Sum(nil))
}

// caseRef is the name of a case for one plugin: two plugins cannot find out that
// they have been asked about the same.
func caseRef(ref, plugin string) string {
	if ref == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(plugin + "\x00" + ref))
	return hex.EncodeToString(sum[:16])
}

// specOf is a check as the contract declares it, from what was signed.
func specOf(c manifest.Check) *pb.CheckSpec {
	spec := &pb.CheckSpec{Id: c.ID, Clauses: c.Clauses, OnFailure: policies[c.OnFailure], Pure: c.Pure}
	for _, key := range c.Facts {
		spec.Facts = append(spec.Facts, &pb.FactNeed{Key: key})
	}
	for _, key := range c.OptionalFacts {
		spec.Facts = append(spec.Facts, &pb.FactNeed{Key: key, Optional: true})
	}
	for _, code := range c.Materials {
		spec.Materials = append(spec.Materials, &pb.MaterialNeed{Code: code})
	}
	for _, code := range c.Contents {
		spec.Materials = append(spec.Materials, &pb.MaterialNeed{Code: code, Content: true})
	}
	return spec
}

// requestOf writes a question for some checks of a plugin: they get what one of
// them has declared, and nothing else. It gives the materials that they open
// besides.
func requestOf(plugin string, q check.Question, checks []manifest.Check) (*pb.CheckRequest, []check.Material, error) {
	facts, materials, opened := map[string]bool{}, map[string]bool{}, map[string]bool{}
	r := &pb.CheckRequest{CaseRef: caseRef(q.CaseRef, plugin), Day: q.Day.String(), Seed: q.Seed}
	mark := func(in map[string]bool, lists ...[]string) {
		for _, code := range slices.Concat(lists...) {
			in[code] = true
		}
	}
	for _, c := range checks {
		r.Checks = append(r.Checks, c.ID)
		mark(facts, c.Facts, c.OptionalFacts)
		mark(materials, c.Materials, c.Contents)
		mark(opened, c.Contents)
	}
	for _, f := range q.Facts {
		if !facts[f.Key] {
			continue
		}
		fact, err := factOf(f)
		if err != nil {
			return nil, nil, err
		}
		r.Facts = append(r.Facts, fact)
	}
	var contents []check.Material
	for _, m := range q.Materials {
		if !materials[m.Code] {
			continue
		}
		digest, err := hex.DecodeString(m.SHA256)
		if err != nil {
			return nil, nil, fmt.Errorf("material %s: %q is no SHA-256", m.Code, m.SHA256)
		}
		out := &pb.Material{
			Code: m.Code, Name: m.Name, Type: m.Type, Size: m.Size, Sha256: digest, Trust: wire.Trust(trusts[m.Trust]),
		}
		if opened[m.Code] {
			out.Path = pathOf(m)
			contents = append(contents, m)
		}
		r.Materials = append(r.Materials, out)
	}
	if err := wire.ValidateRequest(r); err != nil {
		return nil, nil, err
	}
	if size := proto.Size(r); size > wire.MaxMessage {
		return nil, nil, fmt.Errorf("the question has %d bytes, %d are allowed", size, wire.MaxMessage)
	}
	return r, contents, nil
}

func factOf(f check.Fact) (*pb.Fact, error) {
	out := &pb.Fact{Key: f.Key}
	switch v := f.Value.(type) {
	case standard.Decimal:
		out.Value = &pb.Fact_Number{Number: v.String()}
		if f.Kind == standard.Int {
			whole, err := strconv.ParseInt(v.String(), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("fact %s: %s is no whole number", f.Key, v)
			}
			out.Value = &pb.Fact_Integer{Integer: whole}
		}
	case bool:
		out.Value = &pb.Fact_Boolean{Boolean: v}
	case string:
		out.Value = &pb.Fact_Choice{Choice: v}
	default:
		return nil, fmt.Errorf("fact %s: %T is no value of a fact", f.Key, f.Value)
	}
	return out, nil
}

// findingOf reads a finding that keeps to the contract, and words it.
func findingOf(m *manifest.Manifest, f *pb.Finding) (check.Finding, error) {
	out := check.Finding{
		Clause: f.GetClause(), Verdict: verdicts[wire.Verdict(f.GetVerdict())], Code: f.GetCode(),
		UsedFacts: f.GetUsed().GetFacts(), UsedMaterials: f.GetUsed().GetMaterials(),
		MissingFacts: f.GetMissingFacts(), MissingMaterials: f.GetMissingMaterials(),
	}
	var err error
	if out.Message = said[out.Verdict]; f.GetMessage() != nil {
		if out.Message, err = m.Render(f.GetMessage().GetKey(), f.GetMessage().GetParams()); err != nil {
			return check.Finding{}, err
		}
	}
	if f.GetRemedy() != nil {
		if out.Remedy, err = m.Render(f.GetRemedy().GetKey(), f.GetRemedy().GetParams()); err != nil {
			return check.Finding{}, err
		}
	}
	for _, b := range f.GetBasis() {
		out.Basis = append(out.Basis, law.Basis{Law: b.GetLaw(), Article: b.GetArticle()})
	}
	return out, nil
}

// findingsOf reads what a check has answered, or says why it counts for nothing.
func findingsOf(m *manifest.Manifest, spec *pb.CheckSpec, r *pb.CheckResult) ([]check.Finding, *check.Fault) {
	if e := r.GetError(); e != nil {
		return nil, &check.Fault{Code: faults[wire.ErrorCode(e.GetCode())], Detail: clip(e.GetMessage())}
	}
	if err := wire.ValidateResult(spec, r); err != nil {
		return nil, &check.Fault{Code: check.Broken, Detail: err.Error()}
	}
	var out []check.Finding
	for _, f := range r.GetFindings() {
		found, err := findingOf(m, f)
		if err != nil {
			return nil, &check.Fault{Code: check.Broken, Detail: err.Error()}
		}
		out = append(out, found)
	}
	return out, nil
}

// described is a plugin as the core knows it. A policy that nobody has approved is
// to refer.
func described(m *manifest.Manifest, digest string, mode check.Mode, unsigned bool, approved map[string]check.Policy) check.Plugin {
	out := check.Plugin{Name: m.Name, Version: m.Version, Digest: digest, Department: m.Department, Mode: mode, Unsigned: unsigned}
	for _, c := range m.Checks {
		policy := approved[c.ID]
		if policies[policy] == pb.FailurePolicy_FAILURE_POLICY_UNSPECIFIED {
			policy = check.Refer
		}
		out.Checks = append(out.Checks, check.Check{
			ID: c.ID, Clauses: c.Clauses, Facts: c.Facts, OptionalFacts: c.OptionalFacts,
			Materials: c.Materials, Contents: c.Contents, Policy: policy, Pure: c.Pure,
		})
	}
	return out
}
