//go:build unix

package sdk_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// TestMain makes this test the plugin when it is started as one.
func TestMain(m *testing.M) {
	if os.Getenv(wire.Handshake.MagicCookieKey) != "" {
		p := parking()
		p.Checks[1].Run = func(context.Context, *sdk.Case) []sdk.Finding {
			chatter := strings.Repeat("chatter ", 25_000) // 200 kB without a newline: more than a pipe holds
			fmt.Print(chatter)
			_, _ = syscall.Write(1, []byte(chatter))
			fmt.Fprint(os.Stderr, "told the log")
			return []sdk.Finding{sdk.Human("URBAN-PARK-02", "CHATTED")}
		}
		sdk.Serve(p)
	}
	os.Exit(m.Run())
}

// client hands the connection out.
type client struct{ plugin.NetRPCUnsupportedPlugin }

func (client) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (client) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// started is a plugin in a process of its own, started as a host does.
type started struct {
	*plugin.Client
	conn     *grpc.ClientConn
	cmd      *exec.Cmd
	lifeline *os.File
	log      *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(t *testing.T, name string, args ...string) *started {
	t.Helper()
	hostTLS, bundle, err := wire.NewTLS(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close(); w.Close() })
		return r, w
	}
	lifelineEnd, lifeline := pipe()
	secretsEnd, secrets := pipe()
	if _, err := secrets.Write(bundle); err != nil {
		t.Fatal(err)
	}
	secrets.Close()
	dir, err := os.MkdirTemp("", "plugin") // a socket's path is short, t.TempDir's is not
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })

	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "PLUGIN_UNIX_SOCKET_DIR=" + dir,
		wire.EnvDir + "=" + dir, wire.EnvLifeline + "=3", wire.EnvTLS + "=4",
	}
	cmd.ExtraFiles = []*os.File{lifelineEnd, secretsEnd}
	log := &lockedBuffer{}
	c := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: wire.Handshake, Plugins: plugin.PluginSet{wire.PluginName: client{}},
		Cmd: cmd, SkipHostEnv: true, AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		TLSConfig: hostTLS, Logger: hclog.NewNullLogger(), Stderr: log,
		GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(plugintest.CallOptions()...)},
	})
	t.Cleanup(c.Kill)
	protocol, err := c.Client()
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	conn, err := protocol.Dispense(wire.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return &started{c, conn.(*grpc.ClientConn), cmd, lifeline, log}
}

// TestServe proves the SDK in a real process, over go-plugin and mutual TLS.
func TestServe(t *testing.T) {
	t.Parallel()
	p := start(t, os.Args[0])
	report := plugintest.Conform(t.Context(), p.conn, plugintest.Options{})
	if !report.OK() {
		var out strings.Builder
		_ = report.WriteText(&out)
		t.Errorf("%s\n%s", out.String(), p.log)
	}
}

// TestPrintingHarmsNobody has a check that prints more than a pipe holds, in Go
// and below it, while nobody reads go-plugin's stream of it.
func TestPrintingHarmsNobody(t *testing.T) {
	t.Parallel()
	p := start(t, os.Args[0])
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 3 {
		r, err := pb.NewCheckerClient(p.conn).Check(ctx, &pb.CheckRequest{Day: "2026-03-02", Checks: []string{"plan"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Results[0].Findings[0].GetCode(); got != "CHATTED" {
			t.Fatalf("got %v", r)
		}
	}
	p.Kill()
	if log := p.log.String(); strings.Count(log, "chatter ") != 150_000 || !strings.Contains(log, "told the log") {
		t.Errorf("the log has %d of 150000 words", strings.Count(log, "chatter "))
	}
}

// TestThePluginDiesWithItsHost lets go of the lifeline, as a host does that was
// killed.
func TestThePluginDiesWithItsHost(t *testing.T) {
	t.Parallel()
	p := start(t, os.Args[0])
	if p.Exited() {
		t.Fatal("it is dead before its host")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	sleeping := make(chan error, 1)
	go func() {
		_, err := pb.NewCheckerClient(p.conn).Check(ctx, &pb.CheckRequest{Day: "2026-03-02", Checks: []string{wire.ProbeSleep}})
		sleeping <- err
	}()
	p.lifeline.Close()
	if err := <-sleeping; status.Code(err) != codes.Unavailable {
		t.Errorf("the call in flight gets %v", err)
	}
	p.Kill() // go-plugin waits for the process
	if got := p.cmd.ProcessState.ExitCode(); got != 3 {
		t.Errorf("it ends with %d, %s", got, p.cmd.ProcessState)
	}
}

// TestAStrangerIsNotServed calls the plugin's socket without the host's
// certificate.
func TestAStrangerIsNotServed(t *testing.T) {
	t.Parallel()
	p := start(t, os.Args[0])
	stranger, _, err := wire.NewTLS(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	reattach := p.ReattachConfig()
	for name, creds := range map[string]credentials.TransportCredentials{
		"a stranger in plain":              insecure.NewCredentials(),
		"a stranger without a certificate": credentials.NewTLS(&tls.Config{InsecureSkipVerify: true}),
		"a stranger with another":          credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, Certificates: stranger.Certificates}),
	} {
		conn, err := grpc.NewClient("unix:"+reattach.Addr.String(), grpc.WithTransportCredentials(creds))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, err := pb.NewCheckerClient(conn).Describe(ctx, &pb.DescribeRequest{}); err == nil {
			t.Errorf("%s got an answer", name)
		}
		cancel()
		conn.Close()
	}
}

func TestAPluginThatWasStartedByHand(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{wire.Handshake.MagicCookieKey + "=something else"}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "This binary is a plugin") {
		t.Errorf("%v: %s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = []string{wire.Handshake.MagicCookieKey + "=" + wire.Handshake.MagicCookieValue, wire.EnvLifeline + "=77"}
	out, err = cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), wire.EnvLifeline) {
		t.Errorf("%v: %s", err, out)
	}
}
