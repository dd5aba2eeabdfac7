package sdk_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

const clause = "C-1"

// single is a plugin with one check that may read the optional facts a to d and
// the material m.
func single(run func(context.Context, *sdk.Case) []sdk.Finding) sdk.Plugin {
	return sdk.Plugin{
		Name: "single", Version: "1.0.0", Department: "fire",
		Checks: []sdk.Check{{ID: "it", Clauses: []string{clause}, OptionalFacts: []string{"a", "b", "c", "d"}, Contents: []string{"m"}, Run: run}},
	}
}

// askOnce asks a plugin's checks once.
func askOnce(t *testing.T, p sdk.Plugin, dir string, r *pb.CheckRequest) *pb.CheckResponse {
	t.Helper()
	if r.Day == "" {
		r.Day = "2026-03-02"
	}
	response, err := pb.NewCheckerClient(plugintest.Start(t, p, dir)).Check(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestFindings(t *testing.T) {
	t.Parallel()
	number := func(n string) *pb.Fact {
		return &pb.Fact{Key: "floor_area", Value: &pb.Fact_Number{Number: n}}
	}
	have := &pb.Fact{Key: "parking_spaces", Value: &pb.Fact_Integer{Integer: 2}}
	for name, c := range map[string]struct {
		facts []*pb.Fact
		want  *pb.Finding
	}{
		"met": {[]*pb.Fact{number("200"), have}, &pb.Finding{
			Verdict: pb.Verdict_VERDICT_PASS, Clause: "URBAN-PARK-01", Code: "MET",
			Used: &pb.Evidence{Facts: []string{"floor_area", "parking_spaces"}},
		}},
		"not met": {[]*pb.Fact{number("200.000001"), have}, &pb.Finding{
			Verdict: pb.Verdict_VERDICT_FAIL, Clause: "URBAN-PARK-01", Code: "TOO_FEW_SPACES",
			Message: &pb.Message{Key: "spaces.too_few", Params: map[string]string{"need": "3", "have": "2"}},
			Basis:   []*pb.LegalBasis{{Law: "宁波市停车场规划建设和管理条例", Article: "第十二条"}},
			Remedy:  &pb.Message{Key: "spaces.add", Params: map[string]string{"more": "1"}},
			Used:    &pb.Evidence{Facts: []string{"floor_area", "parking_spaces"}},
		}},
		"unknown": {[]*pb.Fact{have}, &pb.Finding{
			Verdict: pb.Verdict_VERDICT_NEEDS_FACTS, Clause: "URBAN-PARK-01", Code: "FACTS_MISSING", MissingFacts: []string{"floor_area"},
		}},
	} {
		response := askOnce(t, parking(), "", &pb.CheckRequest{Checks: []string{"spaces"}, Facts: c.facts})
		want := []*pb.CheckResult{{Check: "spaces", Findings: []*pb.Finding{c.want}}}
		if diff := cmp.Diff(want, response.Results, protocmp.Transform()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestABadCheckIsAnErrorOfItsOwn runs what authors do wrong; each time the
// plugin lives and answers with an error of the right kind.
func TestABadCheckIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	finds := func(f ...sdk.Finding) func(context.Context, *sdk.Case) []sdk.Finding {
		return func(context.Context, *sdk.Case) []sdk.Finding { return f }
	}
	does := func(do func(*sdk.Case)) func(context.Context, *sdk.Case) []sdk.Finding {
		return func(_ context.Context, c *sdk.Case) []sdk.Finding {
			do(c)
			return []sdk.Finding{sdk.Pass(clause)}
		}
	}
	const (
		panicked = pb.CheckErrorCode_CHECK_ERROR_CODE_PANIC
		bad      = pb.CheckErrorCode_CHECK_ERROR_CODE_BAD_FINDING
		failed   = pb.CheckErrorCode_CHECK_ERROR_CODE_FAILED
	)
	half := []any{"p"}
	for name, c := range map[string]struct {
		run  func(context.Context, *sdk.Case) []sdk.Finding
		want pb.CheckErrorCode
		says string
	}{
		"a nil pointer":                 {does(func(*sdk.Case) { var p *sdk.Plugin; _ = p.Name }), panicked, "nil pointer"},
		"the goroutine is ended":        {does(func(*sdk.Case) { runtime.Goexit() }), panicked, "panicked"},
		"a fact that is not declared":   {does(func(c *sdk.Case) { c.Known("floor_area") }), panicked, "without declaring it"},
		"a fact that is unknown":        {does(func(c *sdk.Case) { c.Int("d") }), panicked, "is optional and unknown"},
		"a fact of another kind":        {does(func(c *sdk.Case) { c.Bool("a") }), panicked, "is INT, not BOOL"},
		"a material not declared":       {does(func(c *sdk.Case) { c.Material("n") }), panicked, "without declaring it"},
		"a binary fraction in the text": {does(func(*sdk.Case) { sdk.Human(clause, "X").Say("k", "p", 0.1) }), panicked, "binary fraction"},
		"half a pair in the text":       {does(func(*sdk.Case) { sdk.Human(clause, "X").Say("k", half...) }), panicked, "pairs"},
		"it gives up":                   {does(func(c *sdk.Case) { c.Abort(errors.New("the plan is torn")) }), failed, "the plan is torn"},
		"nothing found":                 {finds(), bad, "no finding"},
		"another's clause":              {finds(sdk.Pass("C-2")), bad, "not the check's own"},
		"no law":                        {finds(sdk.Fail(clause, "X").Say("k")), bad, "without a legal basis"},
		"no message":                    {finds(sdk.Fail(clause, "X").Under("l", "a")), bad, "without a message"},
		"needs nothing":                 {finds(sdk.NeedsFacts(clause)), bad, "without saying which"},
		"needs what is not declared":    {finds(sdk.NeedsFacts(clause, "e")), bad, "not declared"},
		"a code for people":             {finds(sdk.Human(clause, "Too narrow")), bad, "UPPER_SNAKE"},
		"a novel":                       {finds(sdk.Human(clause, "X").Say("k", "p", strings.Repeat("x", 2000))), bad, "longer than 1024"},
		"too much":                      {finds(make([]sdk.Finding, 65)...), bad, "more than 64"},
	} {
		response := askOnce(t, single(c.run), "", &pb.CheckRequest{
			Checks: []string{"it", "other"}, Facts: []*pb.Fact{{Key: "a", Value: &pb.Fact_Integer{Integer: 1}}},
		})
		e := response.Results[0].GetError()
		if e.GetCode() != c.want || !strings.Contains(e.GetMessage(), c.says) {
			t.Errorf("%s: %v, want %v … %s", name, e, c.want, c.says)
		}
		if other := response.Results[1].GetError().GetCode(); other != pb.CheckErrorCode_CHECK_ERROR_CODE_UNKNOWN_CHECK {
			t.Errorf("%s: the other check: %v", name, other)
		}
	}
}

func TestAnUnknownVerdictIsForAnOfficer(t *testing.T) {
	t.Parallel()
	for _, v := range []sdk.Verdict{"", "MAYBE", "pass"} {
		response := askOnce(t, single(func(context.Context, *sdk.Case) []sdk.Finding {
			return []sdk.Finding{{Verdict: v, Clause: clause, Code: "X"}}
		}), "", &pb.CheckRequest{Checks: []string{"it"}})
		if got := response.Results[0].Findings[0].Verdict; got != pb.Verdict_VERDICT_HUMAN {
			t.Errorf("%q is %v", v, got)
		}
	}
}

// TestALateCheckSpoilsNoOther has one check that never stops.
func TestALateCheckSpoilsNoOther(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	p := parking()
	p.Checks[1].Run = func(context.Context, *sdk.Case) []sdk.Finding { <-end; return nil }
	client := pb.NewCheckerClient(plugintest.Start(t, p, ""))
	t.Cleanup(func() { close(end) })
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	response, err := client.Check(ctx, &pb.CheckRequest{Day: "2026-03-02", Checks: []string{"plan", "spaces"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Results[0].GetError().GetCode(); got != pb.CheckErrorCode_CHECK_ERROR_CODE_DEADLINE {
		t.Errorf("the late one: %v", got)
	}
	if got := response.Results[1].GetFindings(); len(got) != 1 {
		t.Errorf("the other one: %v", response.Results[1])
	}
}

func TestAnAnswerIsNeverCut(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 1000)
	p := single(nil)
	one := p.Checks[0]
	one.Run = func(context.Context, *sdk.Case) []sdk.Finding {
		f := sdk.Human(clause, "X").Say("k", "1", text, "2", text, "3", text, "4", text, "5", text, "6", text, "7", text)
		out := make([]sdk.Finding, 64)
		for i := range out {
			out[i] = f
		}
		return out
	}
	p.Checks = nil
	r := &pb.CheckRequest{}
	for i := range 20 {
		one.ID = "check-" + string(rune('a'+i))
		p.Checks = append(p.Checks, one)
		r.Checks = append(r.Checks, one.ID)
	}
	whole, refused := 0, 0
	for _, result := range askOnce(t, p, "", r).Results {
		switch {
		case len(result.Findings) == 64:
			whole++
		case result.GetError().GetCode() == pb.CheckErrorCode_CHECK_ERROR_CODE_BAD_FINDING && len(result.Findings) == 0:
			refused++
		default:
			t.Errorf("neither whole nor refused: %v", result.GetError())
		}
	}
	if whole == 0 || refused == 0 {
		t.Errorf("%d whole, %d refused", whole, refused)
	}
}

func TestContent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plan"), []byte("a plan"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a plan"))
	read := single(func(_ context.Context, c *sdk.Case) []sdk.Finding {
		file, err := c.Open("m")
		if err != nil {
			c.Abort(err)
		}
		defer file.Close()
		content, err := io.ReadAll(file)
		if err != nil {
			c.Abort(err)
		}
		m, _ := c.Material("m")
		return []sdk.Finding{sdk.Human(clause, "READ").Say("k", "content", string(content), "trust", m.Trust)}
	})
	for name, c := range map[string]struct {
		m    *pb.Material
		want string // the content, or a part of the error
	}{
		"as told":           {&pb.Material{Path: "plan", Size: 6, Sha256: sum[:], Trust: pb.Trust_TRUST_B}, "a plan"},
		"of another digest": {&pb.Material{Path: "plan", Size: 6, Sha256: make([]byte, 32)}, "not the one"},
		"longer":            {&pb.Material{Path: "plan", Size: 5}, "not the one"},
		"shorter":           {&pb.Material{Path: "plan", Size: 7}, "not the one"},
		"not there":         {&pb.Material{Path: "elsewhere", Size: 6}, "no such file"},
		"leading out":       {&pb.Material{Path: "link", Size: 6}, "escapes"},
		"not given":         {&pb.Material{Size: 6}, "was not given"},
	} {
		c.m.Code = "m"
		result := askOnce(t, read, dir, &pb.CheckRequest{Checks: []string{"it"}, Materials: []*pb.Material{c.m}}).Results[0]
		got := result.GetError().GetMessage()
		if got == "" {
			params := result.Findings[0].Message.Params
			got = params["content"]
			if params["trust"] != "B" || cmp.Diff([]string{"m"}, result.Findings[0].Used.GetMaterials()) != "" {
				t.Errorf("%s: %v", name, result)
			}
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestChanceIsAnInput(t *testing.T) {
	t.Parallel()
	throw := single(func(_ context.Context, c *sdk.Case) []sdk.Finding {
		return []sdk.Finding{sdk.Human(clause, "THROWN").Say("k", "n", c.Rand().Uint64(), "day", c.Day().Format(time.DateOnly))}
	})
	thrown := func(seed uint64) string {
		response := askOnce(t, throw, "", &pb.CheckRequest{Checks: []string{"it"}, Seed: seed})
		return response.Results[0].Findings[0].Message.Params["n"]
	}
	if a, b := thrown(1), thrown(1); a != b {
		t.Errorf("the same seed gives %s and %s", a, b)
	}
	if a, b := thrown(1), thrown(2); a == b {
		t.Errorf("two seeds give %s", a)
	}
}

func TestABadPluginIsNotServed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*sdk.Plugin)
		says  string
	}{
		"no version":      {func(p *sdk.Plugin) { p.Version = "v1" }, "semantic version"},
		"no check":        {func(p *sdk.Plugin) { p.Checks = nil }, "there is none"},
		"no clause":       {func(p *sdk.Plugin) { p.Checks[0].Clauses = nil }, "judges no clause"},
		"no Run":          {func(p *sdk.Plugin) { p.Checks[0].Run = nil }, "has no Run"},
		"an id twice":     {func(p *sdk.Plugin) { p.Checks[1].ID = p.Checks[0].ID }, "there twice"},
		"a reserved id":   {func(p *sdk.Plugin) { p.Checks[0].ID = "_sleep" }, "the id is"},
		"a fact twice":    {func(p *sdk.Plugin) { p.Checks[0].OptionalFacts = p.Checks[0].Facts }, "there twice"},
		"a bad self-test": {func(p *sdk.Plugin) { p.Checks[0].SelfTest.Want = []sdk.Finding{sdk.Pass("C-9")} }, "not the check's own"},
	} {
		p := parking()
		c.spoil(&p)
		if _, err := sdk.NewServer(p, ""); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestACallThatWasGivenUp(t *testing.T) {
	t.Parallel()
	stopped := make(chan error, 1)
	started := make(chan struct{})
	client := pb.NewCheckerClient(plugintest.Start(t, single(func(ctx context.Context, _ *sdk.Case) []sdk.Finding {
		close(started)
		<-ctx.Done()
		stopped <- ctx.Err()
		return nil
	}), ""))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := client.Check(ctx, &pb.CheckRequest{Day: "2026-03-02", Checks: []string{"it"}})
	if status.Code(err) != codes.Canceled {
		t.Errorf("the host gets %v", err)
	}
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("the check gets %v", err)
	}
}
