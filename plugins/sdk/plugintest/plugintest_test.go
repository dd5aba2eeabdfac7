package plugintest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

// parking is a well-behaved plugin.
func parking() sdk.Plugin {
	return sdk.Plugin{
		Name: "parking", Version: "1.0.0", Department: "urban",
		Checks: []sdk.Check{{
			ID: "spaces", Clauses: []string{"URBAN-PARK-01"}, Facts: []string{"floor_area", "parking_spaces"},
			SelfTest: &sdk.SelfTest{
				Given: sdk.Question{Day: sdk.Date(2026, 3, 2), Facts: map[string]any{"floor_area": sdk.Dec("250.5"), "parking_spaces": int64(3)}},
				Want:  []sdk.Finding{sdk.Pass("URBAN-PARK-01").Used("floor_area", "parking_spaces")},
			},
			Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
				need := c.Number("floor_area").Div(sdk.Whole(100)).Ceil()
				if c.Int("parking_spaces") >= need {
					return []sdk.Finding{sdk.Pass("URBAN-PARK-01")}
				}
				return []sdk.Finding{sdk.Fail("URBAN-PARK-01", "TOO_FEW_SPACES").
					Say("spaces.too_few", "need", need, "have", c.Int("parking_spaces")).
					Under("宁波市停车场规划建设和管理条例", "第十二条")}
			},
		}, {
			ID: "plan", Clauses: []string{"URBAN-PARK-02"}, Contents: []string{"site-plan"},
			Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
				if _, ok := c.Material("site-plan"); !ok {
					return []sdk.Finding{sdk.NeedsMaterials("URBAN-PARK-02", "site-plan")}
				}
				file, err := c.Open("site-plan")
				if err != nil {
					return []sdk.Finding{sdk.Human("URBAN-PARK-02", "PLAN_UNREADABLE")}
				}
				defer file.Close()
				text, err := io.ReadAll(file)
				if err != nil {
					c.Abort(err)
				}
				return []sdk.Finding{sdk.Human("URBAN-PARK-02", "PLAN_READ").Say("plan.read", "spaces", strings.Count(string(text), "P"))}
			},
		}},
	}
}

var vocabulary = []plugintest.Fact{
	{Key: "floor_area", Kind: "NUMBER"}, {Key: "parking_spaces", Kind: "INT"}, {Key: "sprinklers", Kind: "BOOL"},
	{Key: "use", Kind: "ENUM", Choices: []string{"shop", "restaurant"}},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	plugintest.Golden(t, parking(), "testdata/parking")
}

// TestCasesThatAreNone reads what a person gets wrong.
func TestCasesThatAreNone(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"fact: {a: 1}":                 "field fact not found",
		"day: 2026-02-30":              "YYYY-MM-DD",
		"facts: [a]":                   "a list of keys with values",
		"facts: {a: 0.1234567}":        "six places",
		"facts: {a: 1e3}":              "six places",
		"facts: {a: [1]}":              "no number, word",
		"facts: {a: }":                 "no number, word",
		"want: {c: [{verdikt: PASS}]}": "field verdikt not found",
	} {
		if _, err := plugintest.ParseCase([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}

func TestAGoodPluginConforms(t *testing.T) {
	t.Parallel()
	cases, err := plugintest.ReadCases("testdata/parking")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	report := plugintest.Conform(t.Context(), plugintest.Start(t, parking(), dir), plugintest.Options{
		Facts: vocabulary, Messages: []string{"spaces.too_few", "plan.read"}, Cases: cases, Dir: dir,
	})
	for _, r := range report.Results {
		if r.Verdict != plugintest.Pass {
			t.Errorf("%s %s: %s", r.Verdict, r.Rule, r.Detail)
		}
	}
	if report.Plugin != "parking" || report.Version != "1.0.0" {
		t.Errorf("the report is on %q %q", report.Plugin, report.Version)
	}
}

// liar is a plugin that is written without the SDK, and well, until its answers
// are spoiled.
type liar struct {
	pb.UnimplementedCheckerServer
	describe func(*pb.DescribeResponse)
	request  func(*pb.CheckRequest) error
	answer   func(context.Context, *pb.CheckRequest, *pb.CheckResponse)
	good     pb.CheckerClient
}

func (l *liar) Describe(ctx context.Context, r *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	d, err := l.good.Describe(ctx, r)
	if err == nil && l.describe != nil {
		l.describe(d)
	}
	return d, err
}

func (l *liar) Check(ctx context.Context, r *pb.CheckRequest) (*pb.CheckResponse, error) {
	if l.request != nil {
		if err := l.request(r); err != nil {
			return nil, err
		}
	}
	response, err := l.good.Check(ctx, r)
	if err == nil && l.answer != nil {
		l.answer(ctx, r, response)
	}
	return response, err
}

// findings spoils each finding of an answer.
func findings(spoil func(*pb.Finding)) func(context.Context, *pb.CheckRequest, *pb.CheckResponse) {
	return func(_ context.Context, _ *pb.CheckRequest, response *pb.CheckResponse) {
		for _, result := range response.Results {
			for _, f := range result.Findings {
				spoil(f)
			}
		}
	}
}

// TestEachFaultIsFound breaks each rule by a plugin that lies in one way. A kit
// that passes everybody would please everybody.
func TestEachFaultIsFound(t *testing.T) {
	t.Parallel()
	type answer = func(context.Context, *pb.CheckRequest, *pb.CheckResponse)
	var calls atomic.Int64
	for rule, l := range map[string]*liar{
		"contract.describe": {describe: func(d *pb.DescribeResponse) { d.Version = "v1" }},
		"contract.facts":    {describe: func(d *pb.DescribeResponse) { d.Checks[0].Facts[0].Key = "floor_aria" }},
		"contract.health":   {}, // it has none
		"check.answers":     {answer: func(_ context.Context, _ *pb.CheckRequest, r *pb.CheckResponse) { r.Results = r.Results[1:] }},
		"check.self-test":   {answer: findings(func(f *pb.Finding) { f.Used = nil })},
		"check.golden":      {answer: findings(func(f *pb.Finding) { f.Verdict = pb.Verdict_VERDICT_UNSPECIFIED })},
		"finding.clauses":   {answer: findings(func(f *pb.Finding) { f.Clause = "FIRE-EXIT-01" })},
		"finding.basis":     {answer: findings(func(f *pb.Finding) { f.Basis = nil })},
		"finding.messages":  {answer: findings(func(f *pb.Finding) { f.Message = &pb.Message{Key: "not.there"} })},
		"finding.form":      {answer: findings(func(f *pb.Finding) { f.Code = "not upper" })},
		"facts.missing": {answer: findings(func(f *pb.Finding) {
			if f.Verdict == pb.Verdict_VERDICT_NEEDS_FACTS {
				f.Verdict = pb.Verdict_VERDICT_PASS
			}
		})},
		"determinism.repeat": {answer: findings(func(f *pb.Finding) {
			f.Message = &pb.Message{Key: "k", Params: map[string]string{"now": fmt.Sprint(calls.Add(1))}}
		})},
		"determinism.order": {answer: func(_ context.Context, r *pb.CheckRequest, out *pb.CheckResponse) {
			for _, result := range out.Results {
				for _, f := range result.Findings {
					f.Message = &pb.Message{Key: "first." + r.Checks[0]}
				}
			}
		}},
		"determinism.alone": {answer: func(_ context.Context, r *pb.CheckRequest, out *pb.CheckResponse) {
			if len(r.Checks) == 1 {
				out.Results[0].Findings = nil
			}
		}},
		"determinism.together": {answer: together()},
		"robust.unknown-check": {request: func(r *pb.CheckRequest) error {
			if slices.Contains(r.Checks, "no-such-check") {
				return status.Error(codes.NotFound, "no such check")
			}
			return nil
		}},
		"robust.unknown-field": {request: func(r *pb.CheckRequest) error {
			if len(r.ProtoReflect().GetUnknown()) > 0 {
				return status.Error(codes.InvalidArgument, "unknown field")
			}
			return nil
		}},
		"robust.unknown-value": {request: func(r *pb.CheckRequest) error {
			for _, f := range r.Facts {
				if f.Value == nil {
					f.Value = &pb.Fact_Integer{}
					if f.Key == "floor_area" {
						f.Value = &pb.Fact_Number{Number: "0"}
					}
				}
			}
			return nil
		}},
		"robust.bad-request": {request: func(r *pb.CheckRequest) error { r.Day = "2026-01-05"; return nil }},
		"robust.too-large":   {request: func(r *pb.CheckRequest) error { r.CaseRef = ""; return nil }},
		"robust.panic": {request: func(r *pb.CheckRequest) error {
			if slices.Contains(r.Checks, "_panic") {
				return status.Error(codes.Internal, "boom")
			}
			return nil
		}},
		"robust.deadline": {answer: answer(func(ctx context.Context, r *pb.CheckRequest, _ *pb.CheckResponse) {
			if slices.Contains(r.Checks, "_sleep") {
				<-ctx.Done()
			}
		})},
		"robust.cancel": {request: hoard()},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cases, err := plugintest.ReadCases("testdata/parking")
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			l.good = pb.NewCheckerClient(plugintest.Start(t, parking(), dir))
			report := plugintest.Conform(t.Context(), serve(t, l), plugintest.Options{
				Facts: vocabulary, Messages: []string{"spaces.too_few", "plan.read"}, Cases: cases, Dir: dir, Repeat: 5,
				Deadline: 2 * time.Second, Only: []string{"check.answers", rule},
			})
			i := slices.IndexFunc(report.Results, func(r plugintest.Result) bool { return r.Rule == rule })
			if i < 0 {
				t.Fatalf("there is no rule %s", rule)
			}
			if r := report.Results[i]; r.Verdict != plugintest.Fail || r.Do == "" || r.Detail == "" || report.OK() {
				t.Errorf("%s: %s, %q, do %q", rule, r.Verdict, r.Detail, r.Do)
			}
		})
	}
}

// together answers differently while another call is there.
func together() func(context.Context, *pb.CheckRequest, *pb.CheckResponse) {
	first := make(chan struct{})
	return func(_ context.Context, _ *pb.CheckRequest, r *pb.CheckResponse) {
		select {
		case first <- struct{}{}: // another is waiting
			r.Results = nil
		case <-first:
		case <-time.After(5 * time.Millisecond): // it is alone
		}
	}
}

// hoard never lets go of a call that it was once given to sleep on.
func hoard() func(*pb.CheckRequest) error {
	held := make(chan struct{}, 100)
	return func(r *pb.CheckRequest) error {
		if slices.Contains(r.Checks, "_sleep") && len(r.Checks) == 1 {
			select {
			case held <- struct{}{}:
			default:
			}
		}
		if len(held) == cap(held) {
			return status.Error(codes.ResourceExhausted, "too many calls")
		}
		return nil
	}
}

// serve serves a plugin without the SDK.
func serve(t *testing.T, l *liar) *grpc.ClientConn {
	t.Helper()
	server := grpc.NewServer(grpc.MaxRecvMsgSize(64 << 20))
	pb.RegisterCheckerServer(server, l)
	listener := bufconn.Listen(1 << 20)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	conn, err := grpc.NewClient("passthrough:///liar",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// TestADeadPluginGetsAReport asks a plugin that is not there.
func TestADeadPluginGetsAReport(t *testing.T) {
	t.Parallel()
	conn := plugintest.Start(t, parking(), "")
	conn.Close()
	report := plugintest.Conform(t.Context(), conn, plugintest.Options{})
	if report.OK() || report.Results[0].Verdict != plugintest.Fail {
		t.Errorf("%+v", report)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	report := &plugintest.Report{Plugin: "parking", Version: "1.0.0", Results: []plugintest.Result{
		{Rule: "a.good", Title: "it is good", Verdict: plugintest.Pass, Took: 1500 * time.Microsecond},
		{Rule: "a.bad", Title: "it is <bad>", Verdict: plugintest.Fail, Detail: "one\ntwo", Do: "mend it"},
		{Rule: "a.third", Title: "it is there", Verdict: plugintest.Skip, Detail: "it is not"},
	}}
	var text, asJSON, asXML bytes.Buffer
	for _, err := range []error{report.WriteText(&text), report.WriteJSON(&asJSON), report.WriteJUnit(&asXML)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const want = `PASS  a.good                 it is good
FAIL  a.bad                  it is <bad>
      one
      two
      → mend it
SKIP  a.third                it is there
      it is not
parking 1.0.0: 1 passed, 1 failed, 1 skipped
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	var back plugintest.Report
	if err := json.Unmarshal(asJSON.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report, &back); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
				Text    string `xml:",chardata"`
			} `xml:"failure"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(asXML.Bytes(), &suite); err != nil {
		t.Fatal(err)
	}
	if suite.Tests != 3 || suite.Failures != 1 || suite.Skipped != 1 || suite.Cases[1].Failure == nil ||
		suite.Cases[1].Name != "a.bad: it is <bad>" || suite.Cases[1].Failure.Text != "one\ntwo" {
		t.Errorf("JUnit: %s", asXML.String())
	}
}
