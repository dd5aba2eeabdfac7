package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/files"
	"github.com/onedoor/onedoor/plugins/host"
	"github.com/onedoor/onedoor/plugins/manifest"
)

// plugins are the departments' plugins as this process runs them: what the
// registry says, in a host.
type plugins struct {
	*host.Host
	registry check.Registry
	files    *files.Files

	mu      sync.Mutex
	applied int // the number of the last change that was applied; -1: none was
}

// openPlugins prepares the host of plugins. It starts none.
func openPlugins(c config, registry check.Registry, store *files.Files, log *slog.Logger) (*plugins, error) {
	h, err := openHost(c, log)
	if err != nil {
		return nil, err
	}
	return &plugins{Host: h, registry: registry, files: store, applied: -1}, nil
}

// hosts is how many processes of one user may run plugins on one machine.
const hosts = 64

// openHost makes a host in a directory of its own: the first that no living
// process has.
func openHost(c config, log *slog.Logger) (*host.Host, error) {
	keys, err := readKeys(c.pluginKeys)
	if err != nil {
		return nil, err
	}
	base, err := filepath.Abs(c.run)
	if err != nil {
		return nil, err
	}
	for n := range hosts {
		h, err := host.New(host.Config{
			Dir: filepath.Join(base, strconv.Itoa(n)), Floor: c.pluginFloor, Dev: c.pluginDev, Keys: keys, Interpreters: c.interpreters, Log: log,
		})
		if !errors.Is(err, host.ErrInUse) {
			return h, err
		}
	}
	return nil, fmt.Errorf("ONEDOOR_RUN: %s: %d hosts run there already", base, hosts)
}

// readKeys reads the departments' public keys. A folder that is not there trusts
// nobody.
func readKeys(dir string) (manifest.Keys, error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return manifest.Keys{}, nil
	}
	keys, err := manifest.ReadKeys(os.DirFS(dir))
	if err != nil {
		return manifest.Keys{}, fmt.Errorf("ONEDOOR_PLUGIN_KEYS: %s: %w", dir, err)
	}
	return keys, nil
}

// runFolder is where sockets go when nothing else is said: in memory, where the
// machine has such a place.
func runFolder(getenv func(string) string) string {
	if dir := getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "onedoor")
	}
	if os.Geteuid() == 0 {
		if info, err := os.Stat("/run"); err == nil && info.IsDir() {
			return "/run/onedoor"
		}
	}
	return filepath.Join(os.TempDir(), "onedoor-"+strconv.Itoa(os.Getuid()))
}

// Run asks the checks. Why one could not be run is logged here, for the operator:
// the case tells the applicant only that it was not.
func (p *plugins) Run(ctx context.Context, q check.Question, asks []check.Ask) ([]check.Result, []check.Receipt) {
	results, receipts := p.Host.Run(ctx, q, asks)
	for _, r := range results {
		if r.Fault != nil {
			slog.WarnContext(ctx, "a check was not run", "plugin", r.Plugin, "version", r.Version, "check", r.Check, "fault", r.Fault.Code, "detail", r.Fault.Detail)
		}
	}
	return results, receipts
}

// Apply makes the host run what the registry says, if that has changed. A
// version that cannot run shows it in its status, and keeps no other from
// running.
func (p *plugins) Apply(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	changes, err := p.registry.Changes(ctx)
	if err != nil || changes == p.applied {
		return err
	}
	versions, err := p.registry.Versions(ctx)
	if err != nil {
		return err
	}
	var wanted []host.Release
	for _, v := range versions {
		if v.Mode != check.Off {
			wanted = append(wanted, releaseOf(v, p.files))
		}
	}
	if err := p.Host.Apply(ctx, wanted); err != nil {
		slog.ErrorContext(ctx, "not every plugin runs as the registry says; see their status", "error", err)
	}
	if ctx.Err() == nil {
		p.applied = changes
	}
	return ctx.Err()
}

// releaseOf is a version as the host takes it.
func releaseOf(v check.Version, store *files.Files) host.Release {
	return host.Release{
		Name: v.Name, Manifest: v.Manifest, Signature: v.Signature, Mode: v.Mode, Policies: v.Policies,
		Program: func(ctx context.Context) (io.ReadCloser, error) {
			for _, platform := range []string{runtime.GOOS + "/" + runtime.GOARCH, manifest.Any} {
				if program, ok := v.Programs[platform]; ok {
					return store.Open(ctx, program.File)
				}
			}
			return nil, fmt.Errorf("%s %s was installed without a program for %s/%s", v.Name, v.Version, runtime.GOOS, runtime.GOARCH)
		},
	}
}
