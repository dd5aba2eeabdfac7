package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// NewServer gives the server that Serve runs, for tests in the same process:
// plugintest uses it. Materials are read below dir.
func NewServer(p Plugin, dir string, options ...grpc.ServerOption) (*grpc.Server, error) {
	checker, err := newChecker(p, dir, newLog())
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(append(options, limits()...)...)
	pb.RegisterCheckerServer(server, checker)
	well := health.NewServer()
	well.SetServingStatus(wire.HealthService, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, well)
	return server, nil
}

// limits are the same on both sides, so that what one sends the other takes.
// Without the policy for keepalive grpc ends the connection of a host that asks
// whether the plugin is still there.
func limits() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(wire.MaxMessage),
		grpc.MaxSendMsgSize(wire.MaxMessage),
		grpc.MaxConcurrentStreams(wire.MaxStreams),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: wire.KeepaliveLeast, PermitWithoutStream: true}),
	}
}

// checker serves the contract.
type checker struct {
	pb.UnimplementedCheckerServer
	plugin *Plugin
	checks map[string]entry
	dir    string
	log    *slog.Logger
}

// entry is a check with what it says about itself.
type entry struct {
	check *Check
	spec  *pb.CheckSpec
}

// newChecker says everything that is wrong with the plugin, or serves it.
func newChecker(p Plugin, dir string, log *slog.Logger) (*checker, error) {
	s := &checker{plugin: &p, checks: map[string]entry{}, dir: dir, log: log}
	if err := wire.ValidateDescription(p.describe()); err != nil {
		return nil, fmt.Errorf("sdk: the plugin %q cannot be served: %w", p.Name, err)
	}
	for i := range p.Checks {
		check := &p.Checks[i]
		if check.Run == nil {
			return nil, fmt.Errorf("sdk: the plugin %q cannot be served: check %q has no Run", p.Name, check.ID)
		}
		s.checks[check.ID] = entry{check, check.spec()}
	}
	for id, run := range map[string]func(context.Context, *Case) []Finding{
		wire.ProbePanic: func(context.Context, *Case) []Finding { panic("the probe " + wire.ProbePanic + " was asked for") },
		wire.ProbeSleep: func(ctx context.Context, _ *Case) []Finding { <-ctx.Done(); return nil },
	} {
		check := &Check{ID: id, Run: run}
		s.checks[id] = entry{check, check.spec()}
	}
	return s, nil
}

// Describe says who the plugin is.
func (s *checker) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	return s.plugin.describe(), nil
}

// Check runs the checks that are asked for, each in a goroutine of its own: a
// slow one delays no other, and one that will not stop is left behind. A little
// of the deadline is kept for the way back, so that the host gets what was found
// in time.
func (s *checker) Check(ctx context.Context, r *pb.CheckRequest) (*pb.CheckResponse, error) {
	if err := wire.ValidateRequest(r); err != nil {
		return nil, status.Error(codes.InvalidArgument, clip(err.Error()))
	}
	question, err := questionOf(r)
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, clip(err.Error()))
	}
	within, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		within, cancel = context.WithDeadline(ctx, deadline.Add(-min(left/5, 200*time.Millisecond)))
	}
	defer cancel()

	type answer struct {
		at     int
		result *pb.CheckResult
	}
	asked := r.GetChecks()
	answers := make(chan answer, len(asked)) // nobody waits who was left behind
	for i, id := range asked {
		go func() {
			a := answer{i, failure(id, pb.CheckErrorCode_CHECK_ERROR_CODE_PANIC, "the check panicked: it has ended its goroutine")}
			defer func() { answers <- a }() // also where run does not come back: runtime.Goexit
			a.result = s.run(within, id, &question)
		}()
	}
	response := &pb.CheckResponse{Results: make([]*pb.CheckResult, len(asked))}
	for open := len(asked); open > 0; open-- {
		select {
		case a := <-answers:
			response.Results[a.at] = a.result
			continue
		default:
		}
		select {
		case a := <-answers:
			response.Results[a.at] = a.result
		case <-within.Done():
			open = 1 // what is there has been taken; the rest is late
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, status.FromContextError(err).Err()
	}
	findings, size := 0, 0
	for i, result := range response.Results {
		if result == nil {
			result = failure(asked[i], pb.CheckErrorCode_CHECK_ERROR_CODE_DEADLINE, "the check was not done before the deadline")
		}
		findings += len(result.GetFindings())
		size += proto.Size(result) + 16
		if findings > wire.MaxCallFindings || size > wire.MaxMessage-4096*(len(asked)-i) {
			findings, size = findings-len(result.GetFindings()), size-proto.Size(result)
			result = failure(asked[i], pb.CheckErrorCode_CHECK_ERROR_CODE_BAD_FINDING, "the call's findings are too many or too large; ask for fewer checks at once")
		}
		response.Results[i] = result
	}
	return response, nil
}

// run runs one check and judges its answer. Whatever the check does, there is a
// result.
func (s *checker) run(ctx context.Context, id string, q *Question) (result *pb.CheckResult) {
	found, ok := s.checks[id]
	if !ok {
		return failure(id, pb.CheckErrorCode_CHECK_ERROR_CODE_UNKNOWN_CHECK, "the plugin has no such check")
	}
	findings, err := s.judge(ctx, found.check, q)
	switch {
	case errors.Is(err, errPanic):
		return failure(id, pb.CheckErrorCode_CHECK_ERROR_CODE_PANIC, err.Error())
	case ctx.Err() != nil:
		return failure(id, pb.CheckErrorCode_CHECK_ERROR_CODE_DEADLINE, "the check was not done before the deadline")
	case err != nil:
		return failure(id, pb.CheckErrorCode_CHECK_ERROR_CODE_FAILED, err.Error())
	}
	result = &pb.CheckResult{Check: id, Findings: findings}
	if err := wire.ValidateResult(found.spec, result); err != nil {
		return failure(id, pb.CheckErrorCode_CHECK_ERROR_CODE_BAD_FINDING, err.Error())
	}
	return result
}

var errPanic = errors.New("the check panicked")

// judge asks the check, unless needed facts are unknown.
func (s *checker) judge(ctx context.Context, check *Check, q *Question) (out []*pb.Finding, err error) {
	c := newCase(check, q, s.dir, s.log)
	returned := false
	defer func() {
		if returned {
			return
		}
		reason := recover()
		if f, ok := reason.(failed); ok {
			err = f.err
			return
		}
		err = fmt.Errorf("%w: %v", errPanic, reason)
		s.log.Error("a check panicked", "check", check.ID, "case", c.Ref(), "panic", fmt.Sprint(reason), "stack", string(debug.Stack()))
	}()
	if missing := c.unknown(); len(missing) > 0 {
		for _, clause := range check.Clauses {
			out = append(out, NeedsFacts(clause, missing...).wire())
		}
		returned = true
		return out, nil
	}
	findings := check.Run(ctx, c)
	facts, materials := c.used()
	for _, f := range findings {
		if !f.evidence && len(f.UsedFacts)+len(f.UsedMaterials) == 0 {
			f.UsedFacts, f.UsedMaterials = facts, materials
		}
		out = append(out, f.wire())
	}
	returned = true
	return out, nil
}

// failed is what Case.Abort panics with.
type failed struct{ err error }

// Abort ends the check with an error: it could not be run, and the failure policy
// says what happens to the case. It does not return.
func (c *Case) Abort(err error) { panic(failed{err}) }

func failure(check string, code pb.CheckErrorCode, message string) *pb.CheckResult {
	return &pb.CheckResult{Check: check, Error: &pb.CheckError{Code: code, Message: clip(message)}}
}

// clip shortens an error's text to what the contract allows.
func clip(s string) string {
	if len(s) > wire.MaxErrorText {
		s = s[:wire.MaxErrorText]
	}
	return strings.ToValidUTF8(s, "")
}
