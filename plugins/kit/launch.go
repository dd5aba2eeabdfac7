package kit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/onedoor/onedoor/plugins/manifest"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

const startTimeout = 20 * time.Second

// launch starts a program as a host does, with the environment, the pipes and the
// keys of the contract, but without a sandbox: it is the author's own program on
// the author's own machine.
func launch(ctx context.Context, p *manifest.Package, log io.Writer) (grpc.ClientConnInterface, string, func(), error) {
	dir, err := os.MkdirTemp("", "plugin")
	if err != nil {
		return nil, "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var client *plugin.Client
	var files []*os.File
	stop := func() {
		cancel() // the process is killed: Kill alone waits for ever on one that is frozen
		if client != nil {
			client.Kill()
		}
		for _, f := range files {
			_ = f.Close()
		}
		_ = os.RemoveAll(dir)
	}
	conn, err := func() (grpc.ClientConnInterface, error) {
		cmd, err := command(ctx, p, dir)
		if err != nil {
			return nil, err
		}
		security, bundle, err := wire.NewTLS(time.Now())
		if err != nil {
			return nil, err
		}
		lifelineEnd, lifeline, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		files = append(files, lifelineEnd, lifeline)
		secretsEnd, secrets, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		files = append(files, secretsEnd)
		_, err = secrets.Write(bundle) // smaller than a pipe
		if err := errors.Join(err, secrets.Close()); err != nil {
			return nil, err
		}
		cmd.Dir = dir
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "PLUGIN_UNIX_SOCKET_DIR=" + dir,
			wire.EnvDir + "=" + dir, wire.EnvLifeline + "=3", wire.EnvTLS + "=4",
		}
		cmd.ExtraFiles = []*os.File{lifelineEnd, secretsEnd}
		client = plugin.NewClient(&plugin.ClientConfig{
			HandshakeConfig: wire.Handshake, Plugins: plugin.PluginSet{wire.PluginName: connection{}},
			Cmd: cmd, SkipHostEnv: true, AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
			TLSConfig: security, Logger: hclog.NewNullLogger(), Stderr: log, StartTimeout: startTimeout,
			GRPCDialOptions: []grpc.DialOption{grpc.WithDefaultCallOptions(plugintest.CallOptions()...)},
		})
		protocol, err := client.Client()
		if err != nil {
			return nil, err
		}
		conn, err := protocol.Dispense(wire.PluginName)
		if err != nil {
			return nil, err
		}
		return conn.(grpc.ClientConnInterface), nil
	}()
	if err != nil {
		stop()
		return nil, "", nil, err
	}
	return conn, dir, stop, nil
}

// command copies the program of a package to where it is run, and compares what
// it has copied with the digest.
func command(ctx context.Context, p *manifest.Package, dir string) (*exec.Cmd, error) {
	from, err := p.Open()
	if err != nil {
		return nil, err
	}
	defer from.Close()
	path := filepath.Join(dir, "program")
	to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o500)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, sum), from)
	if err := errors.Join(err, to.Close()); err != nil {
		return nil, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != p.Digest {
		return nil, fmt.Errorf("the program was changed while it was read: its digest is %s", got)
	}
	if p.Manifest.Interpreter == "" {
		return exec.CommandContext(ctx, path), nil
	}
	interpreter, err := exec.LookPath(p.Manifest.Interpreter)
	if err != nil {
		return nil, fmt.Errorf("%s is not installed, or not in PATH: install it and try again", p.Manifest.Interpreter)
	}
	return exec.CommandContext(ctx, interpreter, path), nil
}

// connection hands out the connection of go-plugin.
type connection struct{ plugin.NetRPCUnsupportedPlugin }

func (connection) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (connection) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}
