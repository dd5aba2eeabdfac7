package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// run is one process of a plugin, as go-plugin wants to have it. Go-plugin's own
// runner lets a grandchild that holds the pipes hide that the plugin is dead, lets
// a plugin that prints without end block itself, and gives the host's standard
// input away.
type run struct {
	launcher *launcher
	spawn    spawn
	journal  *journal
	sockets  string // the only directory to which the plugin may ask the host to connect

	cmd       *exec.Cmd
	handshake *io.PipeReader // the first line of its output
	silence   *io.PipeReader // go-plugin is to read nothing more, until the end
	endings   []*io.PipeWriter
	ended     chan struct{} // it is reaped, and what it has said is read

	mu     sync.Mutex
	reaped bool
	killed string // why the host has ended it
	state  *os.ProcessState
}

var _ runner.Runner = (*run)(nil)

// drainFor is how long what a dead plugin has printed is read, when something
// that it has started still holds its pipes.
const drainFor = 100 * time.Millisecond

// Start starts the process. What go-plugin gives as environment stands in spawn.
func (r *run) Start(context.Context) error {
	var opened []*os.File
	defer func() {
		for _, f := range opened {
			f.Close()
		}
	}()
	pipe := func() (read, write *os.File, err error) {
		read, write, err = os.Pipe()
		opened = append(opened, read, write)
		return read, write, err
	}
	stdout, stdoutEnd, err1 := pipe()
	stderr, stderrEnd, err2 := pipe()
	lifelineEnd, lifeline, err3 := pipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	r.spawn.stdout, r.spawn.stderr, r.spawn.lifeline = stdoutEnd, stderrEnd, lifelineEnd
	cmd, err := r.launcher.launch(&r.spawn)
	if err != nil {
		return err
	}
	r.mu.Lock()
	if r.cmd = cmd; r.killed != "" { // while it was being launched
		killGroup(cmd.Process.Pid)
	}
	r.mu.Unlock()
	opened = []*os.File{stdoutEnd, stderrEnd, lifelineEnd} // the rest is needed until the end

	var handshake, silence *io.PipeWriter
	r.handshake, handshake = io.Pipe()
	r.silence, silence = io.Pipe()
	r.endings = []*io.PipeWriter{handshake, silence}
	var drained sync.WaitGroup
	drained.Go(func() { r.readStdout(stdout, handshake) })
	drained.Go(func() { r.journal.drain("stderr", stderr) })
	go func() {
		awaitEnd(cmd.Process.Pid)
		r.mu.Lock()
		killGroup(cmd.Process.Pid)
		_ = cmd.Wait() // its state says more
		r.reaped, r.state = true, cmd.ProcessState
		r.mu.Unlock()
		lifeline.Close()
		_ = stdout.SetReadDeadline(time.Now().Add(drainFor))
		_ = stderr.SetReadDeadline(time.Now().Add(drainFor))
		for _, w := range r.endings {
			w.Close()
		}
		drained.Wait()
		r.journal.close()
		stdout.Close()
		stderr.Close()
		close(r.ended)
	}()
	return nil
}

// readStdout hands the first line to go-plugin; the rest is output like any
// other.
func (r *run) readStdout(stdout io.Reader, handshake io.Writer) {
	const most = 4 << 10
	reader := bufio.NewReaderSize(stdout, most)
	line, err := reader.ReadSlice('\n')
	if err == nil || err == io.EOF {
		_, _ = handshake.Write(line)
	} else {
		_, _ = fmt.Fprintln(handshake, "no handshake, but", len(line), "bytes without an end")
	}
	r.journal.drain("stdout", reader)
}

// kill ends the process and all that it has started, at once.
func (r *run) kill(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reaped {
		return
	}
	if r.killed == "" {
		r.killed = why
	}
	if r.cmd != nil {
		killGroup(r.cmd.Process.Pid)
	}
}

// ending says in words why the process is no more.
func (r *run) ending() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == nil {
		return "it could not be started"
	}
	said := r.journal.explanation()
	quote := func(reason string) string {
		if said == "" {
			return reason
		}
		return fmt.Sprintf("%s; it said: %s", reason, said)
	}
	signal, killed := endedBy(r.state)
	switch fault := whatEnded(r.state); {
	case killed && r.killed != "":
		return r.killed
	case fault != "":
		return fault
	case killed:
		return signal
	case signal != "":
		return quote(signal)
	}
	for _, words := range []string{"out of memory", "cannot allocate memory", "MemoryError"} {
		if strings.Contains(said, words) {
			return quote(fmt.Sprintf("it ran out of its %d MiB of memory", r.spawn.limits.memory>>20))
		}
	}
	return quote(fmt.Sprintf("it ended with code %d", r.state.ExitCode()))
}

func clip(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Stdout is what go-plugin reads for the handshake.
func (r *run) Stdout() io.ReadCloser { return r.handshake }

// Stderr says nothing to go-plugin.
func (r *run) Stderr() io.ReadCloser { return r.silence }

// Wait waits for the end.
func (r *run) Wait(context.Context) error {
	<-r.ended
	return nil
}

// Kill is what go-plugin does when it gives up.
func (r *run) Kill(context.Context) error {
	r.kill("it could not be talked to")
	return nil
}

// Name is for go-plugin's own log, which nobody reads.
func (r *run) Name() string { return r.spawn.program.name }

// ID is the process's number.
func (r *run) ID() string {
	if r.cmd == nil {
		return ""
	}
	return fmt.Sprint(r.cmd.Process.Pid)
}

// Diagnose says nothing: ending does.
func (r *run) Diagnose(context.Context) string { return "" }

// PluginToHost refuses to connect to anything but a socket of this very process.
func (r *run) PluginToHost(network, address string) (string, string, error) {
	own, err := filepath.EvalSymlinks(r.sockets)
	if err != nil {
		return "", "", err
	}
	at, err := filepath.EvalSymlinks(filepath.Dir(address))
	if network != "unix" || err != nil || at != own && !strings.HasPrefix(at, own+string(filepath.Separator)) {
		return "", "", fmt.Errorf("it wants to be called at %s:%s, which is not in its directory", clip(network), clip(address))
	}
	if info, err := os.Lstat(address); err != nil || info.Mode().Type() != os.ModeSocket {
		return "", "", fmt.Errorf("it wants to be called at %s, which is no socket", clip(filepath.Base(address)))
	}
	return network, address, nil
}

// HostToPlugin changes nothing: both see the same paths.
func (r *run) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
