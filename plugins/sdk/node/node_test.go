//go:build unix

// Package node_test proves that a plugin in JavaScript keeps to all that is asked
// of one in Go.
package node_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// prepared gives node and has its packages installed, or skips the test where the
// runtime or its registry is out of reach.
func prepared(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed: the JavaScript SDK is not tested")
	}
	if _, err := os.Stat("node_modules/@grpc/grpc-js"); err == nil {
		return node
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("npm is not installed: the JavaScript SDK is not tested")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts").CombinedOutput(); err != nil {
		t.Skipf("npm ci in plugins/sdk/node: %v: the JavaScript SDK is not tested\n%s", err, out)
	}
	return node
}

// client hands the connection out.
type client struct{ plugin.NetRPCUnsupportedPlugin }

func (client) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (client) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// started is the example in a process of its own, started as a host does.
type started struct {
	*plugin.Client
	conn     *grpc.ClientConn
	cmd      *exec.Cmd
	dir      string
	lifeline *os.File
	log      *strings.Builder // read it after Kill
}

func start(t *testing.T) *started {
	t.Helper()
	node := prepared(t)
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

	cmd := exec.CommandContext(t.Context(), node, filepath.Join("example", "parking.js"))
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "PLUGIN_UNIX_SOCKET_DIR=" + dir,
		wire.EnvDir + "=" + dir, wire.EnvLifeline + "=3", wire.EnvTLS + "=4",
	}
	cmd.ExtraFiles = []*os.File{lifelineEnd, secretsEnd}
	log := &strings.Builder{}
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
	return &started{c, conn.(*grpc.ClientConn), cmd, dir, lifeline, log}
}

func TestAJavaScriptPluginConforms(t *testing.T) {
	t.Parallel()
	p := start(t)
	cases, err := plugintest.ReadCases("../plugintest/testdata/parking") // the same as for the Go plugin
	if err != nil {
		t.Fatal(err)
	}
	report := plugintest.Conform(t.Context(), p.conn, plugintest.Options{
		Facts: []plugintest.Fact{
			{Key: "floor_area", Kind: "NUMBER"}, {Key: "parking_spaces", Kind: "INT"},
		},
		Messages: []string{"spaces.too_few", "plan.read"}, Cases: cases, Dir: p.dir, Deadline: 5 * time.Second,
	})
	for _, r := range report.Results {
		if r.Verdict != plugintest.Pass {
			t.Errorf("%s %s: %s", r.Verdict, r.Rule, r.Detail)
		}
	}
	if p.Kill(); t.Failed() {
		t.Logf("the plugin says:\n%s", p.log)
	}
}

func TestAJavaScriptPluginDiesWithItsHost(t *testing.T) {
	t.Parallel()
	p := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
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
