package plugintest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// Options say what a plugin is proved with. The more is given, the more is proved;
// what cannot be is SKIP in the report, never silently left out.
type Options struct {
	Facts    []Fact        // the district's vocabulary; nil when it is not at hand
	Messages []string      // the keys of the manifest's texts; nil when there is no manifest
	Words    WordsFunc     // words a message as the manifest does; it asks more than Messages, and goes before
	Cases    []Case        // the department's golden cases
	Dir      string        // the plugin's own directory, for the cases' files; "" gives no content
	Repeat   int           // how often the same question is asked; 0 is 100
	Deadline time.Duration // of an ordinary call; 0 is 2 s
	Only     []string      // the rules that are asked, Describe besides; nil asks all
}

// WordsFunc says why a message cannot be worded: there is no text of this key, or
// a gap without a value.
type WordsFunc func(key string, params map[string]string) error

// Fact is an entry of the vocabulary.
type Fact struct {
	Key     string
	Kind    string // NUMBER, INT, BOOL or ENUM
	Choices []string
}

// errSkip is wrapped by what a rule says when it cannot be asked.
var errSkip = errors.New("")

func skip(why string) error { return fmt.Errorf("%w%s", errSkip, why) }

// rules are asked in this order. Each has a line for the author: what to do.
var rules = []struct {
	id, title, todo string
	ask             func(*suite, context.Context) error
}{
	{"contract.describe", "Describe answers, is valid and always the same", "Fill in name, semantic version, department and, for each check, an id and the clauses that it judges.", (*suite).describe},
	{"contract.health", "the health service says SERVING", "Register grpc.health.v1.Health with the service \"plugin\".", (*suite).health},
	{"contract.facts", "every declared fact is in the district's vocabulary", "Use a key of the vocabulary, or ask the central team to add the fact.", (*suite).factsKnown},
	{"check.answers", "every declared check answers every question", "Give at least one finding for every question; say HUMAN where the check cannot tell.", (*suite).answers},
	{"check.self-test", "the self-tests get the findings that they want", "Correct the check, or what its self-test wants.", (*suite).selfTests},
	{"check.golden", "the golden cases get the findings that they want", "Correct the check, or look at the case and update it.", (*suite).golden},
	{"finding.clauses", "findings speak of the check's own clauses", "Declare the clause in the check, or leave it to the check that judges it.", (*suite).ownClauses},
	{"finding.basis", "every FAIL names law and article", "Add the legal basis: law and article.", (*suite).basis},
	{"finding.messages", "every message and remedy can be worded by the manifest", "Add the text to the manifest in Chinese and in English, and give each of its gaps a value.", (*suite).messages},
	{"finding.form", "findings keep to the contract's form and limits", "See the comments of Finding in checker.proto.", (*suite).form},
	{"facts.missing", "without a needed fact there is no PASS and no FAIL", "Say NEEDS_FACTS with the missing keys; never assume a default.", (*suite).missing},
	{"determinism.repeat", "the same question gets the same answer", "Read no clock, no random source and no order of a map: take day and seed from the question.", (*suite).repeat},
	{"determinism.order", "the order of facts and checks does not matter", "Look facts up by key, and let no check depend on another.", (*suite).order},
	{"determinism.alone", "a check answers alone as it does among others", "Let no check depend on another.", (*suite).alone},
	{"determinism.together", "calls at once do not disturb each other", "Share nothing that changes between calls.", (*suite).together},
	{"robust.unknown-check", "a check that does not exist is an error of its own", "Answer UNKNOWN_CHECK for this id and the others as ever.", (*suite).unknownCheck},
	{"robust.unknown-field", "a field of a newer contract changes nothing", "Ignore fields that are not known.", (*suite).unknownField},
	{"robust.unknown-value", "a value of a newer contract is read with care", "Take a fact of an unknown kind for an unknown fact, an unknown trust for D.", (*suite).unknownValue},
	{"robust.bad-request", "a request that cannot be read is refused", "Answer INVALID_ARGUMENT.", (*suite).badRequest},
	{"robust.too-large", "a request over 4 MiB is refused", "Set the server's limit for received messages to 4 MiB.", (*suite).tooLarge},
	{"robust.panic", "a check that panics spoils no other", "Catch what a check throws and answer PANIC for it; declare the capability \"probes\".", (*suite).panics},
	{"robust.deadline", "a check that is late spoils no other", "Answer DEADLINE for what is not done shortly before the deadline; declare the capability \"probes\".", (*suite).deadline},
	{"robust.cancel", "calls that were given up hold nothing", "Stop when the call is cancelled.", (*suite).cancelled},
}

// Conform asks of a plugin everything that the platform asks. It starts nothing:
// conn leads to a plugin that has just been started by the real host, or by
// Start. It gives a report even when the plugin dies on the way.
func Conform(ctx context.Context, conn grpc.ClientConnInterface, options Options) *Report {
	if options.Repeat == 0 {
		options.Repeat = 100
	}
	if options.Deadline == 0 {
		options.Deadline = 2 * time.Second
	}
	s := &suite{Options: options, conn: conn, client: pb.NewCheckerClient(conn)}
	report := &Report{}
	for i, rule := range rules {
		if i > 0 && len(options.Only) > 0 && !slices.Contains(options.Only, rule.id) {
			continue
		}
		result := Result{Rule: rule.id, Title: rule.title, Verdict: Pass}
		began := time.Now()
		err := rule.ask(s, ctx)
		result.Took = time.Since(began)
		switch {
		case errors.Is(err, errSkip):
			result.Verdict, result.Detail = Skip, err.Error()
		case err != nil:
			result.Verdict, result.Detail, result.Do = Fail, err.Error(), rule.todo
		}
		report.Results = append(report.Results, result)
		if s.description != nil {
			report.Plugin, report.Version = s.description.GetName(), s.description.GetVersion()
		}
	}
	return report
}

// suite is one run.
type suite struct {
	Options
	conn        grpc.ClientConnInterface
	client      pb.CheckerClient
	description *pb.DescribeResponse // nil until it is known
	questions   []*pb.CheckRequest   // what is asked in most rules
	results     []answered           // what check.answers has got
}

// answered is a result with the check that it is of.
type answered struct {
	spec   *pb.CheckSpec
	result *pb.CheckResult
}

func (s *suite) ask(ctx context.Context, r *pb.CheckRequest) (*pb.CheckResponse, error) {
	return ask(ctx, s.conn, r, s.Deadline)
}

func (s *suite) described() error {
	if s.description == nil {
		return skip("Describe gives nothing to go by")
	}
	return nil
}

func (s *suite) describe(ctx context.Context) error {
	var first *pb.DescribeResponse
	for range 2 {
		within, cancel := context.WithTimeout(ctx, s.Deadline)
		d, err := s.client.Describe(within, &pb.DescribeRequest{ContractMinor: wire.ContractMinor})
		cancel()
		if err != nil {
			return err
		}
		if first != nil && !proto.Equal(first, d) {
			return errors.New("it says something else when it is asked again")
		}
		first = d
	}
	if len(first.GetChecks()) > 0 {
		s.description = first
	}
	if err := wire.ValidateDescription(first); err != nil {
		return err
	}
	return s.prepare()
}

// prepare collects the questions: of the self-tests, of the cases, and two made
// from the vocabulary; and one in which nothing is known.
func (s *suite) prepare() error {
	all := checkIDs(s.description)
	if len(all) > wire.MaxChecks {
		all = all[:wire.MaxChecks]
	}
	for _, spec := range s.description.GetChecks() {
		if spec.GetSelfTest().GetGiven() != nil {
			s.questions = append(s.questions, selfTest(spec))
		}
	}
	for _, c := range s.Cases {
		r, err := c.request(s.Dir, all)
		if err != nil {
			return fmt.Errorf("case %s: %w", c.Name, err)
		}
		r.Checks = slices.DeleteFunc(r.Checks, func(id string) bool { return !slices.Contains(all, id) })
		if len(r.Checks) > 0 {
			s.questions = append(s.questions, declared(r, s.description))
		}
	}
	empty := &pb.CheckRequest{CaseRef: "conform", Day: "2026-01-05", Seed: 1, Checks: all}
	if s.Facts != nil {
		for round := range 2 {
			r := proto.CloneOf(empty)
			for _, f := range s.Facts {
				r.Facts = append(r.Facts, sample(f, round))
			}
			s.questions = append(s.questions, declared(r, s.description))
		}
	}
	s.questions = append(s.questions, empty)
	return nil
}

func selfTest(spec *pb.CheckSpec) *pb.CheckRequest {
	r := proto.CloneOf(spec.GetSelfTest().GetGiven())
	r.Checks = []string{spec.GetId()}
	return r
}

// sample makes a value of a fact.
func sample(f Fact, round int) *pb.Fact {
	out := &pb.Fact{Key: f.Key}
	switch f.Kind {
	case "NUMBER":
		out.Value = &pb.Fact_Number{Number: []string{"1.5", "250.25"}[round]}
	case "INT":
		out.Value = &pb.Fact_Integer{Integer: []int64{1, 12}[round]}
	case "BOOL":
		out.Value = &pb.Fact_Boolean{Boolean: round == 1}
	case "ENUM":
		if len(f.Choices) > 0 {
			out.Value = &pb.Fact_Choice{Choice: f.Choices[(len(f.Choices)-1)*round]}
		}
	}
	return out
}

func (s *suite) health(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, s.Deadline)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(s.conn).Check(within, &grpc_health_v1.HealthCheckRequest{Service: wire.HealthService})
	if err != nil {
		return err
	}
	if r.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("it says %s", r.GetStatus())
	}
	return nil
}

func (s *suite) factsKnown(context.Context) error {
	if err := s.described(); err != nil {
		return err
	}
	if s.Facts == nil {
		return skip("no vocabulary was given")
	}
	var unknown []string
	for _, spec := range s.description.GetChecks() {
		for _, need := range spec.GetFacts() {
			if !slices.ContainsFunc(s.Facts, func(f Fact) bool { return f.Key == need.GetKey() }) {
				unknown = append(unknown, spec.GetId()+": "+need.GetKey())
			}
		}
	}
	return list("unknown facts", unknown)
}

func list(what string, of []string) error {
	if len(of) == 0 {
		return nil
	}
	slices.Sort(of)
	of = slices.Compact(of)
	more := ""
	if len(of) > 10 {
		of, more = of[:10], ", …"
	}
	return fmt.Errorf("%s: %s%s", what, strings.Join(of, ", "), more)
}

func (s *suite) spec(id string) *pb.CheckSpec {
	for _, spec := range s.description.GetChecks() {
		if spec.GetId() == id {
			return spec
		}
	}
	return nil
}

// matched says whether an answer has one result for each check, in their order.
func matched(r *pb.CheckRequest, response *pb.CheckResponse) error {
	var ids []string
	for _, result := range response.GetResults() {
		ids = append(ids, result.GetCheck())
	}
	if !slices.Equal(ids, r.GetChecks()) {
		return fmt.Errorf("asked %q and got the results of %q", r.GetChecks(), ids)
	}
	return nil
}

func (s *suite) answers(ctx context.Context) error {
	if err := s.described(); err != nil {
		return err
	}
	var bad []string
	for _, r := range s.questions {
		response, err := s.ask(ctx, r)
		if err != nil {
			return err
		}
		if err := matched(r, response); err != nil {
			return err
		}
		for _, result := range response.GetResults() {
			if e := result.GetError(); e != nil {
				bad = append(bad, fmt.Sprintf("%s: %s (%s)", result.GetCheck(), e.GetMessage(), wire.ErrorCode(e.GetCode())))
			}
			if result.GetError() == nil && len(result.GetFindings()) == 0 {
				bad = append(bad, result.GetCheck()+": no finding")
			}
			s.results = append(s.results, answered{s.spec(result.GetCheck()), result})
		}
	}
	return list("not answered", bad)
}

func (s *suite) selfTests(ctx context.Context) error {
	if err := s.described(); err != nil {
		return err
	}
	tested := false
	for _, spec := range s.description.GetChecks() {
		test := spec.GetSelfTest()
		if test.GetGiven() == nil {
			continue
		}
		tested = true
		response, err := s.ask(ctx, selfTest(spec))
		if err != nil {
			return err
		}
		want := &pb.CheckResponse{Results: []*pb.CheckResult{{Check: spec.GetId(), Findings: test.GetWant()}}}
		if !proto.Equal(want, response) {
			return fmt.Errorf("want:\n%sgot:\n%s", indent(text(got(want))), indent(text(got(response))))
		}
	}
	if !tested {
		return skip("no check has a self-test")
	}
	return nil
}

func (s *suite) golden(ctx context.Context) error {
	if err := s.described(); err != nil {
		return err
	}
	if len(s.Cases) == 0 {
		return skip("no golden case was given")
	}
	var different []string
	for _, c := range s.Cases {
		r, err := c.request(s.Dir, checkIDs(s.description))
		if err != nil {
			return err
		}
		response, err := s.ask(ctx, declared(r, s.description))
		if err != nil {
			return fmt.Errorf("case %s: %w", c.Name, err)
		}
		if diff := c.differences(response); diff != "" {
			different = append(different, "case "+c.Name+"\n"+diff)
		}
		for _, result := range response.GetResults() {
			if spec := s.spec(result.GetCheck()); spec != nil {
				s.results = append(s.results, answered{spec, result})
			}
		}
	}
	return list("different", different)
}

// findings walks over all that has been found.
func (s *suite) findings(judge func(spec *pb.CheckSpec, f *pb.Finding) string) error {
	if len(s.results) == 0 {
		return skip("there is no finding to look at")
	}
	var bad []string
	for _, a := range s.results {
		for _, f := range a.result.GetFindings() {
			if complaint := judge(a.spec, f); complaint != "" {
				bad = append(bad, a.spec.GetId()+": "+complaint)
			}
		}
	}
	return list("findings", bad)
}

func (s *suite) ownClauses(context.Context) error {
	return s.findings(func(spec *pb.CheckSpec, f *pb.Finding) string {
		if slices.Contains(spec.GetClauses(), f.GetClause()) {
			return ""
		}
		return fmt.Sprintf("the clause %q is not its own", f.GetClause())
	})
}

func (s *suite) basis(context.Context) error {
	return s.findings(func(_ *pb.CheckSpec, f *pb.Finding) string {
		complete := func(b *pb.LegalBasis) bool { return b.GetLaw() != "" && b.GetArticle() != "" }
		if f.GetVerdict() != pb.Verdict_VERDICT_FAIL || slices.ContainsFunc(f.GetBasis(), complete) {
			return ""
		}
		return f.GetCode() + " on " + f.GetClause() + " without law"
	})
}

func (s *suite) messages(context.Context) error {
	words := s.Words
	if words == nil {
		words = func(key string, _ map[string]string) error {
			if slices.Contains(s.Messages, key) {
				return nil
			}
			return fmt.Errorf("the manifest has no text %q", key)
		}
	}
	if s.Words == nil && s.Messages == nil {
		return skip("no manifest was given")
	}
	return s.findings(func(_ *pb.CheckSpec, f *pb.Finding) string {
		for _, m := range []*pb.Message{f.GetMessage(), f.GetRemedy()} {
			if m == nil {
				continue
			}
			if err := words(m.GetKey(), m.GetParams()); err != nil {
				return err.Error()
			}
		}
		return ""
	})
}

func (s *suite) form(context.Context) error {
	if len(s.results) == 0 {
		return skip("there is no finding to look at")
	}
	var bad []string
	for _, a := range s.results {
		if err := wire.ValidateResult(a.spec, a.result); err != nil {
			bad = append(bad, a.spec.GetId()+": "+err.Error())
		}
	}
	return list("findings", bad)
}

// missing takes each needed fact away, alone and all of them.
func (s *suite) missing(ctx context.Context) error {
	if err := s.described(); err != nil {
		return err
	}
	asked := false
	var bad []string
	for _, spec := range s.description.GetChecks() {
		var needed []string
		for _, f := range spec.GetFacts() {
			if !f.GetOptional() {
				needed = append(needed, f.GetKey())
			}
		}
		for _, q := range s.questions {
			if len(needed) == 0 || !slices.Contains(q.GetChecks(), spec.GetId()) {
				continue
			}
			asked = true
			for _, key := range append(needed, "") { // "" stands for all of them
				r := proto.CloneOf(q)
				r.Checks = []string{spec.GetId()}
				r.Facts = slices.DeleteFunc(r.Facts, func(f *pb.Fact) bool { return f.GetKey() == key || key == "" })
				response, err := s.ask(ctx, r)
				if err != nil {
					return err
				}
				for _, complaint := range judgedWithout(response) {
					bad = append(bad, fmt.Sprintf("%s without %s: %s", spec.GetId(), cmp.Or(key, "any fact"), complaint))
				}
			}
		}
	}
	if !asked {
		return skip("no check needs a fact")
	}
	return list("facts", bad)
}

// judgedWithout says what must not be said while a needed fact is unknown.
func judgedWithout(response *pb.CheckResponse) []string {
	var bad []string
	for _, result := range response.GetResults() {
		if e := result.GetError(); e != nil {
			bad = append(bad, e.GetMessage())
			continue
		}
		for _, f := range result.GetFindings() {
			if v := wire.Verdict(f.GetVerdict()); v == pb.Verdict_VERDICT_PASS || v == pb.Verdict_VERDICT_FAIL {
				bad = append(bad, strings.TrimPrefix(v.String(), "VERDICT_"))
			}
		}
	}
	return bad
}

// canonical is an answer as bytes, the same for the same answer.
func canonical(r proto.Message) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(r)
}

// same asks again and says whether the answer is the same.
func (s *suite) same(ctx context.Context, want *pb.CheckResponse, again *pb.CheckRequest) error {
	response, err := s.ask(ctx, again)
	if err != nil {
		return err
	}
	a, err := canonical(want)
	if err != nil {
		return err
	}
	b, err := canonical(response)
	if err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return fmt.Errorf("first:\n%sthen:\n%s", indent(text(got(want))), indent(text(got(response))))
	}
	return nil
}

// each asks every question and hands the answer on.
func (s *suite) each(ctx context.Context, judge func(q *pb.CheckRequest, first *pb.CheckResponse) error) error {
	if err := s.described(); err != nil {
		return err
	}
	if len(s.questions) == 0 {
		return skip("the description is not valid")
	}
	for _, q := range s.questions {
		first, err := s.ask(ctx, q)
		if err != nil {
			return err
		}
		if err := judge(q, first); err != nil {
			return err
		}
	}
	return nil
}

func (s *suite) repeat(ctx context.Context) error {
	return s.each(ctx, func(q *pb.CheckRequest, first *pb.CheckResponse) error {
		for i := range s.Repeat - 1 {
			if err := s.same(ctx, first, q); err != nil {
				return fmt.Errorf("time %d: %w", i+2, err)
			}
		}
		return nil
	})
}

func (s *suite) order(ctx context.Context) error {
	return s.each(ctx, func(q *pb.CheckRequest, first *pb.CheckResponse) error {
		turned, want := proto.CloneOf(q), proto.CloneOf(first)
		slices.Reverse(turned.Facts)
		slices.Reverse(turned.Materials)
		slices.Reverse(turned.Checks)
		slices.Reverse(want.Results)
		return s.same(ctx, want, turned)
	})
}

func (s *suite) alone(ctx context.Context) error {
	return s.each(ctx, func(q *pb.CheckRequest, first *pb.CheckResponse) error {
		for i, id := range q.GetChecks() {
			if i >= len(first.GetResults()) {
				return matched(q, first)
			}
			one := proto.CloneOf(q)
			one.Checks = []string{id}
			if err := s.same(ctx, &pb.CheckResponse{Results: first.GetResults()[i : i+1]}, one); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *suite) together(ctx context.Context) error {
	return s.each(ctx, func(q *pb.CheckRequest, first *pb.CheckResponse) error {
		return atOnce(32, func() error { return s.same(ctx, first, q) })
	})
}

// atOnce calls many times at once and gives the first error.
func atOnce(times int, call func() error) error {
	errs := make([]error, times)
	var calls sync.WaitGroup
	for i := range errs {
		calls.Go(func() { errs[i] = call() })
	}
	calls.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// first is a question with one check of the plugin, and its answer.
func (s *suite) first(ctx context.Context) (*pb.CheckRequest, *pb.CheckResponse, error) {
	if err := s.described(); err != nil {
		return nil, nil, err
	}
	if len(s.questions) == 0 {
		return nil, nil, skip("the description is not valid")
	}
	q := proto.CloneOf(s.questions[0])
	q.Checks = q.Checks[:1]
	response, err := s.ask(ctx, q)
	return q, response, err
}

func (s *suite) unknownCheck(ctx context.Context) error {
	q, first, err := s.first(ctx)
	if err != nil {
		return err
	}
	return s.beside(ctx, q, first, "no-such-check", s.Deadline, pb.CheckErrorCode_CHECK_ERROR_CODE_UNKNOWN_CHECK)
}

// beside asks a check together with one that cannot be run, and wants the error
// of the one and the answer of the other.
func (s *suite) beside(ctx context.Context, q *pb.CheckRequest, first *pb.CheckResponse, id string, within time.Duration, want pb.CheckErrorCode) error {
	both := proto.CloneOf(q)
	both.Checks = []string{id, q.GetChecks()[0]}
	response, err := ask(ctx, s.conn, both, within)
	if err != nil {
		return err
	}
	if err := matched(both, response); err != nil {
		return err
	}
	if e := response.GetResults()[0].GetError(); e == nil || wire.ErrorCode(e.GetCode()) != want {
		return fmt.Errorf("the check %q got %v instead of the error %s", id, response.GetResults()[0], want)
	}
	if !proto.Equal(first.GetResults()[0], response.GetResults()[1]) {
		return fmt.Errorf("beside %q the check %q says something else", id, q.GetChecks()[0])
	}
	return s.same(ctx, first, q) // it lives
}

func (s *suite) unknownField(ctx context.Context) error {
	q, first, err := s.first(ctx)
	if err != nil {
		return err
	}
	newer := proto.CloneOf(q)
	unknown := protowire.AppendString(protowire.AppendTag(nil, 1999, protowire.BytesType), "of a newer contract")
	newer.ProtoReflect().SetUnknown(unknown)
	for _, f := range newer.GetFacts() {
		f.ProtoReflect().SetUnknown(unknown)
	}
	for _, m := range newer.GetMaterials() {
		m.ProtoReflect().SetUnknown(unknown)
	}
	return s.same(ctx, first, newer)
}

func (s *suite) unknownValue(ctx context.Context) error {
	return s.each(ctx, func(q *pb.CheckRequest, _ *pb.CheckResponse) error {
		if len(q.GetFacts())+len(q.GetMaterials()) == 0 {
			return nil
		}
		strange, plain := proto.CloneOf(q), proto.CloneOf(q)
		for i, f := range strange.GetFacts() {
			f = &pb.Fact{Key: f.GetKey()}
			f.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 1999, protowire.VarintType), 1))
			strange.Facts[i] = f
		}
		plain.Facts = nil
		for i := range strange.GetMaterials() {
			strange.Materials[i].Trust, plain.Materials[i].Trust = 1999, pb.Trust_TRUST_D
		}
		want, err := s.ask(ctx, plain)
		if err != nil {
			return err
		}
		return s.same(ctx, want, strange)
	})
}

func (s *suite) badRequest(ctx context.Context) error {
	q, first, err := s.first(ctx)
	if err != nil {
		return err
	}
	for name, spoil := range map[string]func(*pb.CheckRequest){
		"a day that is none":    func(r *pb.CheckRequest) { r.Day = "yesterday" },
		"no check":              func(r *pb.CheckRequest) { r.Checks = nil },
		"the same check twice":  func(r *pb.CheckRequest) { r.Checks = append(r.Checks, r.Checks...) },
		"a number that is none": func(r *pb.CheckRequest) { r.Facts = []*pb.Fact{{Key: "x", Value: &pb.Fact_Number{Number: "1e3"}}} },
		"a path that leads out": func(r *pb.CheckRequest) {
			r.Materials = []*pb.Material{{Code: "x", Path: "../../etc/passwd"}}
		},
	} {
		bad := proto.CloneOf(q)
		spoil(bad)
		if _, err := s.ask(ctx, bad); status.Code(err) != codes.InvalidArgument {
			return fmt.Errorf("%s: %v instead of INVALID_ARGUMENT", name, err)
		}
	}
	return s.same(ctx, first, q)
}

func (s *suite) tooLarge(ctx context.Context) error {
	q, first, err := s.first(ctx)
	if err != nil {
		return err
	}
	large := proto.CloneOf(q)
	large.CaseRef = strings.Repeat("x", wire.MaxMessage)
	within, cancel := context.WithTimeout(ctx, s.Deadline)
	defer cancel()
	_, err = s.client.Check(within, large, grpc.MaxCallSendMsgSize(2*wire.MaxMessage))
	if status.Code(err) != codes.ResourceExhausted {
		return fmt.Errorf("%v instead of RESOURCE_EXHAUSTED", err)
	}
	return s.same(ctx, first, q)
}

// probing is whether the plugin answers the probes.
func (s *suite) probing() error {
	if err := s.described(); err != nil {
		return err
	}
	if !slices.Contains(s.description.GetCapabilities(), wire.CapabilityProbes) {
		return skip("the plugin does not have the capability \"probes\"")
	}
	return nil
}

func (s *suite) panics(ctx context.Context) error {
	if err := s.probing(); err != nil {
		return err
	}
	q, first, err := s.first(ctx)
	if err != nil {
		return err
	}
	return s.beside(ctx, q, first, wire.ProbePanic, s.Deadline, pb.CheckErrorCode_CHECK_ERROR_CODE_PANIC)
}

// short is the deadline of a call that is to miss it.
const short = time.Second

func (s *suite) deadline(ctx context.Context) error {
	if err := s.probing(); err != nil {
		return err
	}
	q, first, err := s.first(ctx)
	if err != nil {
		return err
	}
	return s.beside(ctx, q, first, wire.ProbeSleep, short, pb.CheckErrorCode_CHECK_ERROR_CODE_DEADLINE)
}

// cancelled gives up more calls than a connection may have, and asks again.
func (s *suite) cancelled(ctx context.Context) error {
	if err := s.probing(); err != nil {
		return err
	}
	q, first, err := s.first(ctx)
	if err != nil {
		return err
	}
	sleep := proto.CloneOf(q)
	sleep.Checks = []string{wire.ProbeSleep}
	given, giveUp := context.WithCancel(ctx)
	defer giveUp()
	timer := time.AfterFunc(short/4, giveUp)
	defer timer.Stop()
	err = atOnce(2*wire.MaxStreams, func() error {
		if _, err := s.client.Check(given, sleep); status.Code(err) != codes.Canceled {
			return fmt.Errorf("%v instead of CANCELLED", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.same(ctx, first, q)
}
