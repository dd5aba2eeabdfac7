// Package host runs departments' plugins: it verifies, confines, launches, asks,
// watches and ends them. A plugin that crashes, hangs, floods, lies or spies harms
// nobody, and never strands a case: what cannot be had is a fault, which the
// failure policy of the check answers.
package host

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/manifest"
)

// Config says how plugins are run.
type Config struct {
	// Dir is the host's own directory for sockets and what plugins write, best in
	// memory (/run/onedoor). Nobody else may use it; what an earlier host has left
	// there is removed. Its path has at most 60 bytes: a socket's has 108.
	Dir string

	// Floor is the level of the sandbox below which plugins are refused: L1 on
	// Linux and L0 elsewhere when it is not said. Ceiling is the highest that is
	// tried.
	Floor, Ceiling Level

	// Dev takes plugins that nobody has signed, and says so on each finding.
	Dev  bool
	Keys manifest.Keys

	// Interpreters says where the programs are that run scripts: "node" →
	// "/usr/bin/node". A plugin that needs another is refused.
	Interpreters map[string]string

	Budget    time.Duration // for one Run; 10 s when it is not said
	MaxStarts int           // plugins that start at the same time; one a processor when it is not said
	Now       func() time.Time
	Log       *slog.Logger
}

// Release is one version of a plugin as the registry has it.
type Release struct {
	Name                string // of the plugin, for when the manifest cannot be read
	Manifest, Signature []byte
	// Program gives the program for this machine; it is verified while it is read.
	Program func(context.Context) (io.ReadCloser, error)
	Mode    check.Mode
	// Policies are those that the central team has approved, by check; a check
	// without one is referred.
	Policies map[string]check.Policy
}

// Host runs plugins. It is safe for concurrent use.
type Host struct {
	config   Config
	log      *slog.Logger
	lock     *os.File
	launcher *launcher
	starts   chan struct{}
	started  atomic.Int64
	ctx      context.Context
	cancel   context.CancelFunc
	retiring sync.WaitGroup

	applying sync.Mutex // one Apply at a time

	mu      sync.Mutex
	active  []*active // by name, ENFORCE before SHADOW
	retired []*active // replaced, and still finishing
}

// active is a version with what it is used for.
type active struct {
	plugin   check.Plugin
	instance *instance
	key      string // of all that makes the instance what it is
}

// New prepares a host. It starts no plugin.
func New(config Config) (*Host, error) {
	if config.Floor == 0 {
		if config.Floor = L0; runtime.GOOS == "linux" {
			config.Floor = L1
		}
	}
	config.Ceiling = cmp.Or(config.Ceiling, L2)
	config.Budget = cmp.Or(config.Budget, 10*time.Second)
	config.MaxStarts = cmp.Or(config.MaxStarts, runtime.NumCPU())
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Log = cmp.Or(config.Log, slog.Default())
	h := &Host{config: config, log: config.Log, starts: make(chan struct{}, config.MaxStarts)}
	var err error
	if h.lock, err = occupy(config.Dir); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	if h.launcher, err = newLauncher(config.Floor, config.Ceiling); err != nil {
		return nil, errors.Join(fmt.Errorf("host: %w", err), unlockFile(h.lock))
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h, nil
}

// ErrInUse says that another host, in whatever process, has the directory.
var ErrInUse = errors.New("in use by another host")

// leftOver are the names of what a host puts into its directory.
var leftOver = regexp.MustCompile(`^(p[0-9a-f]+|program-[0-9]+)$`)

// occupy makes the directory this host's own, and removes what an earlier one has
// left.
func occupy(dir string) (*os.File, error) {
	const mostPath = 60
	if !filepath.IsAbs(dir) || len(dir) > mostPath {
		return nil, fmt.Errorf("the directory %q is not absolute, or longer than %d bytes", dir, mostPath)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "host.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: %w: %w", dir, ErrInUse, err)
	}
	return lock, sweep(dir)
}

func sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var found []error
	for _, e := range entries {
		if leftOver.MatchString(e.Name()) {
			found = append(found, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(found...)
}

// Close ends all plugins. Calls under way fail.
func (h *Host) Close() error {
	h.applying.Lock()
	defer h.applying.Unlock()
	if h.ctx.Err() != nil {
		return nil
	}
	h.cancel()
	h.mu.Lock()
	all := slices.Concat(h.active, h.retired)
	h.active = nil
	h.mu.Unlock()
	for _, a := range all {
		a.instance.giveUp()
	}
	h.retiring.Wait()
	for _, a := range all {
		h.letGo(a.instance)
	}
	h.launcher.close()
	err := sweep(h.config.Dir)
	return errors.Join(err, unlockFile(h.lock))
}

// Doctor says how well plugins are kept in on this machine, and why not better.
func (h *Host) Doctor() Diagnosis { return h.launcher.diagnosis }

// Level is the level of the sandbox in which plugins run.
func (h *Host) Level() Level { return h.launcher.diagnosis.Level }

// Active lists the plugins that are asked. See check.Runner.
func (h *Host) Active() []check.Plugin {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []check.Plugin
	for _, a := range h.active {
		out = append(out, a.plugin)
	}
	return out
}

// Status says how each version is doing: those that are asked, and those that are
// finishing.
func (h *Host) Status() []check.Status {
	h.mu.Lock()
	all := slices.Concat(h.active, h.retired)
	h.mu.Unlock()
	var out []check.Status
	for _, a := range all {
		p := a.instance
		p.mu.Lock()
		s := check.Status{
			Plugin: a.plugin, State: p.state, Since: p.since, Reason: p.reason, RetryAt: p.retryAt, Sandbox: h.Level().String(),
			Calls: p.figures.calls, Failures: p.figures.failures, Restarts: p.restarts,
		}
		s.P50, s.P99 = p.figures.quantiles()
		if p.retiring {
			s.State = check.Draining
		}
		p.mu.Unlock()
		out = append(out, s)
	}
	return out
}

// find gives the version that an ask names, and holds it: release it. A version
// that was replaced a moment ago still answers.
func (h *Host) find(ask check.Ask) *active {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range slices.Concat(h.active, h.retired) {
		if a.plugin.Name == ask.Plugin && a.plugin.Digest == ask.Digest && a.instance.hold() {
			return a
		}
	}
	return nil
}

// Apply makes these the plugins that are asked, each as a whole or not at all:
// what is not changed is not touched; a new version is started, asked who it is
// and tested before it takes the place of an old one, which then finishes its
// calls and ends. Where a new version is refused the old one stays. One that
// replaces none is verified now and started when it is asked first. The error
// names every version that did not get its place.
func (h *Host) Apply(ctx context.Context, releases []Release) error {
	h.applying.Lock()
	defer h.applying.Unlock()
	if h.ctx.Err() != nil {
		return errors.New("host: it is closed")
	}
	h.mu.Lock()
	before := slices.Clone(h.active)
	h.mu.Unlock()
	wanted := make([]*active, len(releases))
	failed := make([]error, len(releases))
	var group sync.WaitGroup
	for i, r := range releases {
		if r.Mode != check.Enforce && r.Mode != check.Shadow {
			continue
		}
		group.Go(func() { wanted[i], failed[i] = h.admit(ctx, r, before) })
	}
	group.Wait()
	var next []*active
	taken := map[string]bool{}
	for i, a := range wanted {
		if a == nil {
			continue
		}
		place := a.plugin.Name + " " + string(a.plugin.Mode)
		if taken[place] {
			failed[i] = errors.Join(failed[i], fmt.Errorf("host: %s is there twice in %s", a.plugin.Name, a.plugin.Mode))
			wanted[i] = nil
			if !contains(before, a.instance) && !contains(next, a.instance) {
				h.discard(a.instance)
			}
			continue
		}
		taken[place] = true
		next = append(next, a)
	}
	slices.SortFunc(next, func(a, b *active) int {
		return cmp.Or(cmp.Compare(a.plugin.Name, b.plugin.Name), cmp.Compare(a.plugin.Mode, b.plugin.Mode))
	})
	h.mu.Lock()
	h.active = next
	for _, a := range before {
		if !contains(next, a.instance) {
			h.retired = append(h.retired, a)
			h.retiring.Go(func() { h.retire(a) })
		}
	}
	h.mu.Unlock()
	return errors.Join(failed...)
}

func contains(list []*active, p *instance) bool {
	return slices.ContainsFunc(list, func(a *active) bool { return a.instance == p })
}

// retire waits until nobody asks a version any more, and ends it.
func (h *Host) retire(a *active) {
	a.instance.retire(h.config.Budget)
	h.mu.Lock()
	h.retired = slices.DeleteFunc(h.retired, func(b *active) bool { return a == b })
	h.mu.Unlock()
	h.letGo(a.instance)
}

// discard ends a version that never came into service.
func (h *Host) discard(p *instance) {
	p.giveUp()
	h.letGo(p)
}

// admit gives what is to serve for a release: what serves already, when nothing
// has changed or the new version is no good.
func (h *Host) admit(ctx context.Context, r Release, before []*active) (*active, error) {
	fail := func(m *manifest.Manifest, unsigned bool, err error) (*active, error) {
		name := r.Name
		if m != nil {
			name = m.Name
		}
		err = fmt.Errorf("host: %s: %w", cmp.Or(name, "a plugin without a name"), err)
		if i := slices.IndexFunc(before, func(a *active) bool { return a.plugin.Name == name && a.plugin.Mode == r.Mode }); i >= 0 {
			return before[i], err // it stays
		}
		if name == "" {
			return nil, err
		}
		if m == nil {
			m = &manifest.Manifest{Name: name}
		}
		digest, _ := m.Program()
		refused := newInstance(h, m) // it is asked, and says why it does not answer
		refused.refuse(err)
		return &active{plugin: described(m, digest, r.Mode, unsigned, r.Policies), instance: refused}, err
	}
	m, err := manifest.Parse(r.Manifest)
	if err != nil {
		return fail(nil, false, err)
	}
	if r.Name != "" && r.Name != m.Name {
		return fail(nil, false, fmt.Errorf("its manifest says that it is %q", m.Name))
	}
	unsigned := false
	if err := h.config.Keys.Verify(r.Manifest, r.Signature, m.Department); err != nil {
		if !h.config.Dev || !errors.Is(err, manifest.ErrUnsigned) {
			return fail(m, false, err)
		}
		unsigned = true
	}
	digest, ok := m.Program()
	if !ok {
		return fail(m, unsigned, fmt.Errorf("it has no program for %s/%s, only for %q", runtime.GOOS, runtime.GOARCH, slices.Sorted(maps.Keys(m.Programs))))
	}
	key := fmt.Sprintf("%x %t", sha256.Sum256(r.Manifest), unsigned)
	plugin := described(m, digest, r.Mode, unsigned, r.Policies)
	for _, a := range before {
		if a.key == key {
			return &active{plugin: plugin, instance: a.instance, key: key}, nil
		}
	}
	instance, err := h.instantiate(ctx, m, r)
	if err != nil {
		return fail(m, unsigned, err)
	}
	if replaces := slices.ContainsFunc(before, func(a *active) bool { return a.plugin.Name == m.Name && a.plugin.Mode == r.Mode }); replaces {
		within, cancel := context.WithTimeout(ctx, instance.startTimeout)
		defer cancel()
		if _, fault := instance.ready(within); fault != nil {
			h.discard(instance)
			return fail(m, unsigned, errors.New(fault.Detail))
		}
	}
	return &active{plugin: plugin, instance: instance, key: key}, nil
}

// instantiate verifies a program and makes what can serve it.
func (h *Host) instantiate(ctx context.Context, m *manifest.Manifest, r Release) (*instance, error) {
	p := newInstance(h, m)
	if m.Interpreter != "" {
		path, ok := h.config.Interpreters[m.Interpreter]
		if !ok {
			return nil, fmt.Errorf("it needs %s, and nobody has said where that is", m.Interpreter)
		}
		resolved, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, fmt.Errorf("its interpreter: %w", err)
		}
		p.interpreter = resolved
	}
	digest, _ := m.Program()
	if p.program = h.share(digest); p.program != nil {
		return p, nil
	}
	if r.Program == nil {
		return nil, errors.New("its program is not at hand")
	}
	from, err := r.Program(ctx)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if p.program, err = verify(h.config.Dir, m.Name, digest, from); err != nil {
		return nil, err
	}
	h.mu.Lock()
	p.program.users = 1
	h.mu.Unlock()
	return p, nil
}

// share gives a program that was verified already.
func (h *Host) share(digest string) *program {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range slices.Concat(h.active, h.retired) {
		if program := a.instance.program; program != nil && program.digest == digest && program.users > 0 {
			program.users++
			return program
		}
	}
	return nil
}

// letGo gives up an instance's program.
func (h *Host) letGo(p *instance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.program == nil {
		return
	}
	if p.program.users--; p.program.users == 0 {
		p.program.close()
	}
	p.program = nil
}
