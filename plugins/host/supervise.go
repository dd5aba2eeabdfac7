package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// How a plugin that ends by itself is started again: at once, then after a pause
// that doubles; and when it ends too often, after a long pause.
const (
	firstPause = 200 * time.Millisecond
	mostPause  = 30 * time.Second
	crashLimit = 5 // ends, failed starts too, …
	crashSpan  = 10 * time.Minute
	failedFor  = 5 * time.Minute // doubles as long as it does not get better
	mostFailed = time.Hour
)

// overrunLimit is how many calls in a row may be left unanswered. A check that
// does not stop when its time is over burns on: only the end of its process stops
// it.
const overrunLimit = 3

// What a plugin gets where its manifest wishes nothing. The manifest's own bounds
// say what it can wish for.
const (
	memoryMiB    = 256
	concurrency  = 4
	queue        = 64
	callTimeout  = 5 * time.Second
	startTimeout = 10 * time.Second
	idleAfter    = 15 * time.Minute
)

// instance is one version of a plugin, with the process that serves it, if any.
// Its state is check.State; changes are told by closing changed.
type instance struct {
	host        *Host
	manifest    *manifest.Manifest
	specs       map[string]*pb.CheckSpec
	program     *program
	interpreter string

	limits                               limits
	callTimeout, startTimeout, idleAfter time.Duration
	slots                                chan struct{} // of calls that run
	waiting                              chan struct{} // of calls that wait

	ctx    context.Context // ends when the instance is given up
	cancel context.CancelFunc
	work   sync.WaitGroup // goroutines, all of which end after ctx

	mu       sync.Mutex
	changed  chan struct{}
	state    check.State
	since    time.Time
	reason   string
	retryAt  time.Time
	retry    *time.Timer
	process  *process // in READY
	retiring bool
	crashes  []time.Time
	failures int // FAILED in a row
	overruns int
	lastCall time.Time
	answered time.Time
	holds    int // asks under way
	figures  figures
	restarts int64
}

// log speaks of the plugin.
func (p *instance) log() *slog.Logger {
	return p.host.log.With("plugin", p.manifest.Name, "version", p.manifest.Version)
}

func newInstance(h *Host, m *manifest.Manifest) *instance {
	r := m.Resources
	p := &instance{
		host: h, manifest: m, specs: map[string]*pb.CheckSpec{},
		limits:       limits{memory: int64(cmp.Or(r.MemoryMiB, memoryMiB)) << 20},
		callTimeout:  cmp.Or(r.CallTimeout, callTimeout),
		startTimeout: cmp.Or(r.StartTimeout, startTimeout),
		idleAfter:    cmp.Or(r.IdleAfter, idleAfter),
		slots:        make(chan struct{}, cmp.Or(r.Concurrency, concurrency)),
		waiting:      make(chan struct{}, cmp.Or(r.Queue, queue)),
		changed:      make(chan struct{}), state: check.Idle, since: h.config.Now(),
	}
	for _, c := range m.Checks {
		p.specs[c.ID] = specOf(c)
	}
	p.ctx, p.cancel = context.WithCancel(h.ctx)
	return p
}

// become changes the state; p.mu is held.
func (p *instance) become(state check.State, reason string) {
	if p.retry != nil {
		p.retry.Stop()
		p.retry = nil
	}
	p.state, p.reason, p.since, p.retryAt = state, reason, p.host.config.Now(), time.Time{}
	close(p.changed)
	p.changed = make(chan struct{})
}

// refuse says that the version must not run.
func (p *instance) refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.become(check.Refused, err.Error())
	p.log().Error("the plugin is refused", "reason", err.Error())
}

// ready gives the process, and starts it if there is none. It waits no longer
// than ctx allows, and not at all for what will not be in time.
func (p *instance) ready(ctx context.Context) (*process, *check.Fault) {
	for {
		p.mu.Lock()
		switch p.state {
		case check.Ready:
			s := p.process
			p.mu.Unlock()
			return s, nil
		case check.Idle:
			p.start()
		case check.Refused:
			defer p.mu.Unlock()
			return nil, &check.Fault{Code: check.Down, Detail: "it is refused: " + p.reason}
		case check.Backoff, check.Failed:
			left, bounded := ctx.Deadline()
			if until := p.retryAt.Sub(p.host.config.Now()); bounded && until > time.Until(left) {
				defer p.mu.Unlock()
				return nil, &check.Fault{Code: check.Down, Detail: fmt.Sprintf("%s; the next start is in %s", p.reason, until.Round(time.Millisecond))}
			}
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			p.mu.Lock()
			defer p.mu.Unlock()
			return nil, &check.Fault{Code: check.Down, Detail: fmt.Sprintf("it was not ready in time: %s for %s, %s", p.state, p.host.config.Now().Sub(p.since).Round(time.Millisecond), p.reason)}
		case <-p.ctx.Done():
			return nil, &check.Fault{Code: check.Down, Detail: "it was taken out of service"}
		}
	}
}

// start begins to start; p.mu is held.
func (p *instance) start() {
	if p.ctx.Err() != nil {
		return
	}
	p.become(check.Starting, p.reason)
	p.work.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, p.startTimeout)
		defer cancel()
		began := time.Now()
		s, err := p.begin(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		switch refused := (refusal{}); {
		case err == nil && p.ctx.Err() != nil:
			p.work.Go(func() { s.end("the host has no more use for it") })
		case err == nil:
			p.process, p.overruns, p.lastCall = s, 0, p.host.config.Now()
			p.become(check.Ready, "")
			p.log().Info("the plugin is ready", "took", time.Since(began).Round(time.Microsecond).String(), "sandbox", s.level.String())
			p.work.Go(func() { p.watch(s) })
		case errors.As(err, &refused):
			p.become(check.Refused, err.Error())
			p.log().Error("the plugin is refused", "reason", err.Error())
		case p.ctx.Err() != nil:
		default:
			p.crashed("it did not start: " + err.Error())
		}
	})
}

// crashed plans the next start; p.mu is held.
func (p *instance) crashed(reason string) {
	now := p.host.config.Now()
	p.crashes = append(p.crashes, now)
	p.crashes = slices.DeleteFunc(p.crashes, func(t time.Time) bool { return now.Sub(t) > crashSpan })
	p.restarts++
	var pause time.Duration
	if len(p.crashes) >= crashLimit {
		pause = min(failedFor<<min(p.failures, 8), mostFailed)
		p.failures++
		p.become(check.Failed, fmt.Sprintf("%s (%d times in %s)", reason, len(p.crashes), crashSpan))
		p.log().Error("the plugin ends again and again; it is left alone for a while", "reason", reason, "pause", pause.String())
	} else {
		if p.failures = 0; len(p.crashes) > 1 {
			pause = min(firstPause<<(len(p.crashes)-2), mostPause)
			pause = pause/2 + rand.N(pause/2) // so that those that died together do not start together
		}
		p.become(check.Backoff, reason)
		p.log().Warn("the plugin has ended", "reason", reason, "pause", pause.String())
	}
	if pause == 0 {
		p.start()
		return
	}
	p.retryAt = now.Add(pause)
	p.retry = time.AfterFunc(pause, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.state == check.Backoff || p.state == check.Failed {
			p.start()
		}
	})
}

// watch looks after a process until it ends: it asks an idle one whether it is
// still there, stops one that nobody needs, and plans the next start of one that
// has died.
func (p *instance) watch(s *process) {
	ticker := time.NewTicker(wire.KeepaliveAt)
	defer ticker.Stop()
	missed := 0
	for {
		select {
		case <-s.run.ended:
			p.mu.Lock()
			if p.process == s {
				p.process = nil
				p.crashed(s.run.ending())
			}
			p.mu.Unlock()
			s.end("")
			return
		case <-p.ctx.Done():
			p.forget(s)
			s.end("the host has no more use for it")
			return
		case <-ticker.C:
			if written := s.written(); written > maxWritten {
				s.run.kill(fmt.Sprintf("it has written %d MiB into its directory", written>>20))
				continue
			}
			if p.idle(s) {
				s.stop("nobody needs it")
				return
			}
			if missed = p.knock(s, missed); missed > 1 {
				s.run.kill("it does not say that it is well")
			}
		}
	}
}

// forget takes a process out of service.
func (p *instance) forget(s *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process == s {
		p.process = nil
		p.become(check.Idle, "")
	}
}

// idle takes a process out of service that nobody has called for long.
func (p *instance) idle(s *process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != s || p.holds > 0 || p.host.config.Now().Sub(p.lastCall) < p.idleAfter {
		return false
	}
	p.process = nil
	p.become(check.Idle, "")
	return true
}

// knock counts how often a process has not said that it is well. One that has
// answered since is.
func (p *instance) knock(s *process, missed int) int {
	p.mu.Lock()
	fresh := time.Since(p.answered) < wire.KeepaliveAt
	p.mu.Unlock()
	if fresh {
		return 0
	}
	ctx, cancel := context.WithTimeout(p.ctx, wire.KeepaliveFor)
	defer cancel()
	if s.ping(ctx) != nil {
		return missed + 1
	}
	return 0
}

// overrun is told when a call got no answer in its time. A process that does not
// even say that it is well is frozen, and ended at once.
func (p *instance) overrun(s *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.overruns++; p.overruns >= overrunLimit {
		s.run.kill(fmt.Sprintf("it has left %d calls in a row without an answer", overrunLimit))
		return
	}
	if p.ctx.Err() != nil {
		return
	}
	p.work.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, wire.KeepaliveFor)
		defer cancel()
		if s.ping(ctx) != nil && p.ctx.Err() == nil {
			s.run.kill("it has left a call without an answer, and does not say that it is well")
		}
	})
}

// gone waits until a process that has hung up is out of service, and ends it when
// it still lives.
func (p *instance) gone(ctx context.Context, s *process) {
	select {
	case <-s.run.ended:
	case <-time.After(drainFor): // it is about to end, as a rule
		s.run.kill("it has hung up")
	case <-ctx.Done():
	}
	for {
		p.mu.Lock()
		serves, changed := p.process == s, p.changed
		p.mu.Unlock()
		if !serves {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// hold keeps the instance in service for one ask; false when it is given up.
func (p *instance) hold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return false
	}
	p.holds++
	return true
}

func (p *instance) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holds--
	p.lastCall = p.host.config.Now()
	if p.holds == 0 && p.retiring {
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// retire lets asks that are under way, and those that were made before the
// instance was replaced, come to their end.
func (p *instance) retire(linger time.Duration) {
	p.mu.Lock()
	p.retiring = true
	p.mu.Unlock()
	after := time.NewTimer(linger)
	defer after.Stop()
	select {
	case <-after.C:
	case <-p.ctx.Done():
	}
	late := time.NewTimer(linger)
	defer late.Stop()
	for done := false; !done; {
		p.mu.Lock()
		done = p.holds == 0
		changed := p.changed
		p.mu.Unlock()
		if done {
			break
		}
		select {
		case <-changed:
		case <-late.C:
			done = true
		case <-p.ctx.Done():
			done = true
		}
	}
	p.giveUp()
}

// giveUp ends the process and everything that works for the instance.
func (p *instance) giveUp() {
	p.mu.Lock()
	if p.retry != nil {
		p.retry.Stop()
	}
	p.cancel()
	p.mu.Unlock()
	p.work.Wait()
}
