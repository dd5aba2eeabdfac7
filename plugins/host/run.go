package host

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

var _ check.Runner = (*Host)(nil)

// overrunFrom is the shortest time for an answer whose passing says something
// about the plugin.
const overrunFrom = 100 * time.Millisecond

// Run asks all plugins at once, each once. See check.Runner.
func (h *Host) Run(ctx context.Context, q check.Question, asks []check.Ask) ([]check.Result, []check.Receipt) {
	ctx, cancel := h.within(ctx)
	defer cancel()
	type answer struct {
		at      int
		results []check.Result
		receipt *check.Receipt
	}
	answers := make(chan answer, len(asks)) // nobody waits who is late
	parts := make([][]check.Result, len(asks))
	for i, ask := range asks {
		found := h.find(ask)
		parts[i] = unanswered(found, ask)
		if found == nil {
			answers <- answer{at: i, results: parts[i]}
			continue
		}
		late := slices.Clone(parts[i])
		go func() {
			defer found.instance.release()
			results, receipt := found.ask(ctx, q, late)
			answers <- answer{i, results, receipt}
		}()
	}
	var receipts []check.Receipt
	for range asks {
		select {
		case a := <-answers:
			parts[a.at] = a.results
			if a.receipt != nil {
				receipts = append(receipts, *a.receipt)
			}
			continue
		default:
		}
		select {
		case a := <-answers:
			parts[a.at] = a.results
			if a.receipt != nil {
				receipts = append(receipts, *a.receipt)
			}
		case <-time.After(time.Until(deadline(ctx)) + graceForLate):
			return slices.Concat(parts...), receipts // those that are missing are late already
		}
	}
	return slices.Concat(parts...), receipts
}

// The host keeps a little of the caller's time for its own way back, and lets
// those who wait for a deadline say themselves that it has passed.
const (
	graceForLate = 20 * time.Millisecond
	wayBack      = 100 * time.Millisecond
)

func deadline(ctx context.Context) time.Time {
	d, _ := ctx.Deadline() // within has set it
	return d
}

// within is the budget of one case.
func (h *Host) within(ctx context.Context) (context.Context, context.CancelFunc) {
	budget := h.config.Budget
	if end, ok := ctx.Deadline(); ok {
		left := time.Until(end)
		budget = min(budget, left-min(left/4, wayBack))
	}
	return context.WithTimeout(ctx, budget)
}

// unanswered are the results of an ask before there is an answer.
func unanswered(found *active, ask check.Ask) []check.Result {
	var out []check.Result
	for _, id := range ask.Checks {
		r := check.Result{
			Source: check.Source{Plugin: ask.Plugin, Digest: ask.Digest}, Policy: check.Refer, Check: id,
			Fault: &check.Fault{Code: check.NotAsked, Detail: "there is no such check in what is active"},
		}
		if found != nil {
			p := found.plugin
			r.Mode, r.Version, r.Unsigned = p.Mode, p.Version, p.Unsigned
			if i := slices.IndexFunc(p.Checks, func(c check.Check) bool { return c.ID == id }); i >= 0 {
				r.Policy, r.Clauses = p.Checks[i].Policy, p.Checks[i].Clauses
				r.Fault = &check.Fault{Code: check.Late, Detail: "there was no answer in the time that was left"}
			}
		}
		out = append(out, r)
	}
	return out
}

// ask asks one plugin and reads what it answers into the results, which are of
// its checks or NOT_ASKED.
func (a *active) ask(ctx context.Context, q check.Question, results []check.Result) ([]check.Result, *check.Receipt) {
	p := a.instance
	var asked []manifest.Check
	var at []int
	for i, r := range results {
		if c := slices.IndexFunc(p.manifest.Checks, func(c manifest.Check) bool { return c.ID == r.Check }); c >= 0 && r.Fault.Code != check.NotAsked {
			asked, at = append(asked, p.manifest.Checks[c]), append(at, i)
		}
	}
	if len(asked) == 0 {
		return results, nil
	}
	every := func(f *check.Fault) []check.Result {
		for _, i := range at {
			results[i].Fault = f
		}
		return results
	}
	request, contents, err := requestOf(p.manifest.Name, q, asked)
	if err != nil {
		return every(&check.Fault{Code: check.Errored, Detail: "it cannot be asked: " + err.Error()}), nil
	}
	pure := !slices.ContainsFunc(asked, func(c manifest.Check) bool { return !c.Pure })
	response, s, fault := p.call(ctx, request, contents, pure)
	source := results[at[0]].Source
	if s != nil {
		source.Sandbox = s.level.String()
		for _, i := range at {
			results[i].Source = source
		}
	}
	if fault != nil {
		return every(fault), nil
	}
	receipt, err := receiptOf(source, request, response)
	if err != nil {
		return every(&check.Fault{Code: check.Broken, Detail: err.Error()}), nil
	}
	if err := matches(request, response); err != nil {
		return every(&check.Fault{Code: check.Broken, Detail: err.Error()}), receipt
	}
	for n, i := range at {
		r := &results[i]
		r.Receipt = receipt.ID
		r.Findings, r.Fault = findingsOf(p.manifest, p.specs[r.Check], response.GetResults()[n])
	}
	return results, receipt
}

func receiptOf(source check.Source, request *pb.CheckRequest, response *pb.CheckResponse) (*check.Receipt, error) {
	asked, err := bytesOf(request)
	if err != nil {
		return nil, err
	}
	answered, err := bytesOf(response)
	if err != nil {
		return nil, err
	}
	return &check.Receipt{ID: receiptID(source.Digest, asked), Source: source, Request: asked, Response: answered}, nil
}

// matches says what is wrong with an answer as a whole: it has one result for
// each check, in their order, and not too many findings.
func matches(request *pb.CheckRequest, response *pb.CheckResponse) error {
	var answered []string
	findings := 0
	for _, r := range response.GetResults() {
		answered = append(answered, r.GetCheck())
		findings += len(r.GetFindings())
	}
	if !slices.Equal(request.GetChecks(), answered) {
		return fmt.Errorf("it was asked %q and answers %s", request.GetChecks(), clip(fmt.Sprintf("%q", answered)))
	}
	if findings > wire.MaxCallFindings {
		return fmt.Errorf("it has %d findings, %d are allowed", findings, wire.MaxCallFindings)
	}
	return nil
}

// call waits for its turn and for the plugin, and asks it; once more, when the
// answer was lost and all that is asked is pure. The process is nil when there
// was none.
func (p *instance) call(ctx context.Context, r *pb.CheckRequest, contents []check.Material, pure bool) (_ *pb.CheckResponse, s *process, fault *check.Fault) {
	began := time.Now()
	defer func() { p.count(time.Since(began), fault != nil) }()
	if fault := p.turn(ctx); fault != nil {
		return nil, nil, fault
	}
	defer func() { <-p.slots }()
	for again := pure; ; again = false {
		if s, fault = p.ready(ctx); fault != nil {
			return nil, nil, fault
		}
		release, err := s.contents.give(ctx, contents)
		if err != nil {
			return nil, s, &check.Fault{Code: check.Errored, Detail: err.Error()}
		}
		within, cancel := context.WithTimeout(ctx, p.callTimeout)
		sent := time.Now()
		response, err := s.checker.Check(within, r)
		took := time.Since(sent)
		cancel()
		release()
		if err == nil {
			p.mu.Lock()
			p.overruns, p.answered = 0, time.Now()
			p.mu.Unlock()
			return response, s, nil
		}
		switch code := status.Code(err); {
		case code == codes.Canceled && ctx.Err() != nil:
			return nil, s, &check.Fault{Code: check.Late, Detail: "the question was withdrawn"}
		case code == codes.DeadlineExceeded || ctx.Err() != nil:
			if took >= overrunFrom {
				p.overrun(s)
			}
			return nil, s, &check.Fault{Code: check.Late, Detail: fmt.Sprintf("no answer within %s", took.Round(time.Millisecond))}
		case code == codes.Unavailable || code == codes.Canceled: // it has gone, or was being stopped
			p.gone(ctx, s)
			if !again || ctx.Err() != nil {
				return nil, s, &check.Fault{Code: check.Down, Detail: "it ended before it answered: " + s.run.ending()}
			}
		default:
			return nil, s, &check.Fault{Code: check.Broken, Detail: clip(err.Error())}
		}
	}
}

// turn waits for one of the plugin's slots, in a queue that has an end.
func (p *instance) turn(ctx context.Context) *check.Fault {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case p.waiting <- struct{}{}:
		defer func() { <-p.waiting }()
	default:
		return &check.Fault{Code: check.Busy, Detail: fmt.Sprintf("%d calls run and %d wait", cap(p.slots), cap(p.waiting))}
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &check.Fault{Code: check.Late, Detail: fmt.Sprintf("its turn did not come: %d calls run, %d wait", cap(p.slots), len(p.waiting))}
	}
}

// figures are what is told of a plugin's calls.
type figures struct {
	calls, failures int64
	last            [256]time.Duration
}

func (p *instance) count(took time.Duration, failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &p.figures
	f.last[f.calls%int64(len(f.last))] = took
	f.calls++
	if failed {
		f.failures++
	}
}

func (f *figures) quantiles() (p50, p99 time.Duration) {
	n := min(f.calls, int64(len(f.last)))
	if n == 0 {
		return 0, 0
	}
	last := slices.Sorted(slices.Values(f.last[:n]))
	return last[n/2], last[n*99/100]
}
