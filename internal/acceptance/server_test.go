package acceptance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/testservices"
)

func TestMain(m *testing.M) {
	testservices.Main(m)
	if dir := programDir.Load(); dir != nil {
		_ = os.RemoveAll(*dir)
	}
}

const pack = "../catalog/packs/jiangbei"

// patience bounds every wait; a busy machine needs some of it.
const patience = time.Minute

// programDir is where the server is, once it is built.
var programDir atomic.Pointer[string]

// program builds the server once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "onedoor-acceptance")
	if err != nil {
		return "", err
	}
	programDir.Store(&dir)
	path := filepath.Join(dir, "server")
	out, err := exec.Command("go", "build", "-o", path, "../../server").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// instance is a running server and the settings that it runs with.
type instance struct {
	url     string
	env     []string
	issuer  *identity.Issuer
	process *process
}

// settings makes new databases: the embedded default, and PostgreSQL with Redis.
var settings = map[string]func(t *testing.T) []string{
	"embedded": func(t *testing.T) []string { return []string{"ONEDOOR_DATA=" + t.TempDir()} },
	"postgresql+redis": func(t *testing.T) []string {
		return []string{"ONEDOOR_DATA=" + t.TempDir(), "DATABASE_URL=" + testservices.PostgreSQL(t), "REDIS_URL=" + testservices.Redis(t)}
	},
}

// unlimited lets one address ask as often as these tests do.
var unlimited = []string{"ONEDOOR_LIMIT_ADDRESS=off", "ONEDOOR_LIMIT_SUBJECT=off", "ONEDOOR_LIMIT_GUESS=off", "ONEDOOR_LIMIT_WRONG=off",
	"ONEDOOR_LIMIT_ADDRESS_STREAMS=off", "ONEDOOR_LIMIT_SUBJECT_STREAMS=off"}

// onBoth runs a test against both kinds of database; more are flags of serve.
func onBoth(t *testing.T, test func(t *testing.T, in instance), more ...string) {
	t.Parallel()
	for name, env := range settings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t, env(t), more...))
		})
	}
}

// setting gives one of an instance's settings.
func (in instance) setting(name string) string {
	for _, s := range slices.Backward(in.env) {
		if value, ok := strings.CutPrefix(s, name+"="); ok {
			return value
		}
	}
	return ""
}

// databaseURL names the instance's database.
func (in instance) databaseURL() string {
	if url := in.setting("DATABASE_URL"); url != "" {
		return url
	}
	return "sqlite:" + filepath.Join(in.setting("ONEDOOR_DATA"), "onedoor.db")
}

// start starts the program, waits until it is ready, and stops it when the test
// ends.
func start(t *testing.T, env []string, more ...string) instance {
	t.Helper()
	p := &process{args: append([]string{"serve"}, more...), env: env, log: filepath.Join(t.TempDir(), "log")}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Errorf("the server did not stop cleanly: %v\n%s", err, p.lastWords())
		}
	})
	in := instance{env: env, process: p}
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	in.url = "http://" + p.addr
	var err error
	if in.issuer, err = identity.OpenIssuer(in.setting("ONEDOOR_DATA")); err != nil {
		t.Fatal(err)
	}
	return in
}

// process is the server as the system runs it. It can be killed, and started
// again with the same address and data.
type process struct {
	args, env []string
	log       string // file of what it writes to stderr
	addr      string // host:port, from the first start on

	told   *sync.Once // to stop: a second signal would end it at once
	cmd    *exec.Cmd
	exited chan struct{}
	result error // of the wait; after exited
}

var address = regexp.MustCompile(`http://([0-9.:]+)`)

// start starts the program and waits until it is ready.
func (p *process) start(ctx context.Context) error {
	if _, err := program(); err != nil { // takes its time, once
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if p.addr == "" {
		var err error
		if p.addr, err = ownAddress(); err != nil {
			return err
		}
	}
	for {
		err := p.run()
		if err == nil {
			err = p.ready(ctx)
		}
		if err == nil || ctx.Err() != nil || !strings.Contains(p.lastWords(), "address already in use") {
			return err
		}
	}
}

// ownAddress finds a port that is free and that the system gives to nobody who
// asks for any: while the server is dead, nobody takes it.
func ownAddress() (string, error) {
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000))
		l, err := net.Listen("tcp", addr)
		if err == nil {
			return addr, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

// run starts the process and reads the line by which it says where it serves.
func (p *process) run() error {
	path, err := program()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(path, append(slices.Clone(p.args), "-addr", p.addr)...)
	cmd.Env, cmd.Stderr = slices.Concat(os.Environ(), unlimited, p.env), log
	dieWithParent(cmd)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	exited, started := make(chan struct{}), make(chan error)
	go func() {
		// Linux sends the parent's death signal when the thread that started the
		// process ends: this goroutine keeps that thread until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.cmd, p.exited, p.told = cmd, exited, new(sync.Once)
		}
		started <- err
		if err != nil {
			return
		}
		line := bufio.NewReader(stdout)
		said, _ := line.ReadString('\n')
		started <- nil
		if address.FindString(said) == "" {
			_ = cmd.Process.Kill()
		}
		_, _ = io.Copy(io.Discard, line)
		p.result = cmd.Wait()
		close(exited)
	}()
	if err := <-started; err != nil {
		return err
	}
	return <-started // it has spoken, or has ended
}

// ready waits until the server says that it is.
func (p *process) ready(ctx context.Context) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New(resp.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w\n%s", err, p.lastWords())
		case <-p.exited:
			return fmt.Errorf("the server has ended: %w\n%s", p.result, p.lastWords())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// kill ends the process at once, as a power failure would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.exited
}

// stop asks the process to end.
func (p *process) stop() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.exited:
		return p.result
	default:
	}
	p.told.Do(func() { _ = p.cmd.Process.Signal(os.Interrupt) })
	select {
	case <-p.exited:
		return p.result
	case <-time.After(patience):
		p.kill()
		return errors.New("it had to be killed")
	}
}

// lastWords is the end of what the process wrote to stderr.
func (p *process) lastWords() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// command runs the program once with the instance's settings.
func (in instance) command(t *testing.T, args ...string) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), in.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// ask sends an operation as nobody in particular and decodes its data.
func (in instance) ask(t *testing.T, query string, variables any, data any) {
	t.Helper()
	in.as(t, anybody).ask(t, query, variables, data)
}

// eventually asks again and again until done says so.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: not %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// encode writes JSON.
func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(text)
}
