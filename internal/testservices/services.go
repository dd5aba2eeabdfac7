// Package testservices gives tests a real PostgreSQL and a real Redis: servers
// of their own, started from the installed programs and thrown away.
//
// A package that uses it has
//
//	func TestMain(m *testing.M) { testservices.Main(m) }
//
// Where a program is missing the test fails: it is never skipped.
package testservices

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds each wait for a server; a busy machine needs some of it.
const patience = time.Minute

var (
	inMain  atomic.Bool
	mu      sync.Mutex
	servers = map[*server]bool{} // those not stopped yet
)

// Main runs the tests, then stops the servers and removes their folders.
func Main(m *testing.M) {
	inMain.Store(true)
	m.Run() // its exit code is used by the caller of TestMain
	mu.Lock()
	left := make([]*server, 0, len(servers))
	for s := range servers {
		left = append(left, s)
	}
	mu.Unlock()
	for _, s := range left {
		if err := s.stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// demandMain fails a test whose package would leave its servers behind.
func demandMain(t testing.TB) {
	t.Helper()
	if !inMain.Load() {
		t.Fatal("add to this package's tests: func TestMain(m *testing.M) { testservices.Main(m) }")
	}
}

// server is a running process with a temporary folder.
type server struct {
	name   string
	folder string
	port   int
	end    os.Signal // what stops it at once
	cmd    *exec.Cmd
	exited chan struct{}

	command func(port int) *exec.Cmd                   // runs it
	ready   func(ctx context.Context, s *server) error // nil when it serves
}

// start runs the program on a free port until ready says nil. command gets the
// port; ready is asked again and again, and must make sure that the server
// which answers is this one.
func (s *server) start(command func(port int) *exec.Cmd, ready func(context.Context, *server) error) error {
	s.command, s.ready = command, ready
	// Somebody else may take the port first; then the server ends at once.
	const attempts = 5
	var err error
	for range attempts {
		if s.port, err = freePort(); err != nil {
			return err
		}
		s.cmd = command(s.port)
		if err = s.run(); err != nil {
			return fmt.Errorf("start %s: %w", s.name, err)
		}
		if err = s.await(ready); err == nil {
			mu.Lock()
			servers[s] = true
			mu.Unlock()
			return nil
		}
		s.kill()
		if !errors.Is(err, errExited) {
			break
		}
	}
	return err
}

// run starts the process and has it die with this one.
func (s *server) run() error {
	log, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	dieWithParent(s.cmd, s.end)
	s.exited = make(chan struct{})
	started := make(chan error)
	go func() {
		// Linux sends the parent's death signal when the thread that started
		// the process ends: this goroutine keeps that thread until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait() // how it ended is told by its log
			close(s.exited)
		}
	}()
	return <-started
}

var errExited = errors.New("it ended by itself")

// await returns when the server is ready, has exited or takes too long.
func (s *server) await(ready func(context.Context, *server) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx, s)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%s: %w: %s", s.name, errExited, s.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after %v: %w: %s", s.name, patience, err, s.lastWords())
		case <-tick.C:
		}
	}
}

// stop ends the process and removes the folder.
func (s *server) stop() error {
	mu.Lock()
	delete(servers, s)
	mu.Unlock()
	_ = s.cmd.Process.Signal(s.end) // it may have ended already
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.kill()
	}
	return os.RemoveAll(s.folder)
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill() // it may have ended already
	<-s.exited
}

func (s *server) log() string { return filepath.Join(s.folder, "log") }

// lastWords is the end of the log in one line.
func (s *server) lastWords() string {
	b, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	return tail(b)
}

func tail(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], " | ")
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// sigquit makes PostgreSQL leave without a checkpoint, but with its children
// and its shared memory gone.
const sigquit = syscall.SIGQUIT
