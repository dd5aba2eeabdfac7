package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// refusal is a fault that another start does not cure.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// process is a plugin that has been started, has said who it is, has passed its
// own tests, and can be asked.
type process struct {
	run      *run
	client   *plugin.Client
	conn     *grpc.ClientConn
	checker  pb.CheckerClient
	health   grpc_health_v1.HealthClient
	dir      string
	contents *contents
	level    Level
}

// dispensed hands go-plugin's connection out.
type dispensed struct{ plugin.NetRPCUnsupportedPlugin }

func (dispensed) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("host: it serves no plugin")
}

func (dispensed) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// dialOptions are the limits in the other direction. Go-plugin's own would take
// an answer of two gigabytes.
func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)),
		grpc.WithMaxHeaderListSize(64 << 10),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableRetry(),
	}
}

// begin starts the plugin and gives the process when it can be trusted. It
// answers before ctx ends, whatever the plugin does.
func (p *instance) begin(ctx context.Context) (_ *process, err error) {
	h := p.host
	if d := h.launcher.diagnosis; d.Level < d.Floor {
		return nil, refusal{fmt.Errorf("the sandbox reaches %s, the floor is %s", d.Level, d.Floor)}
	}
	select {
	case h.starts <- struct{}{}:
		defer func() { <-h.starts }()
	case <-ctx.Done():
		return nil, errors.New("too many other plugins are starting")
	}
	s := &process{level: h.launcher.diagnosis.Level, dir: filepath.Join(h.config.Dir, fmt.Sprintf("p%x", h.started.Add(1)))}
	s.contents = newContents(filepath.Join(s.dir, materialsDir))
	defer func() {
		if err != nil {
			s.end("")
		}
	}()
	if err := s.prepare(p); err != nil {
		return nil, err
	}
	secure, bundle, err := wire.NewTLS(time.Now())
	if err != nil {
		return nil, err
	}
	secrets, secretsIn, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer secrets.Close()
	_, err = secretsIn.Write(bundle) // it fits into the pipe
	secretsIn.Close()
	if err != nil {
		return nil, err
	}
	s.run.spawn.secrets = secrets
	s.client = plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: wire.Handshake, Plugins: plugin.PluginSet{wire.PluginName: dispensed{}},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, sockets string) (runner.Runner, error) {
			s.run.spawn.env = append(s.run.spawn.env, cmd.Env...)
			s.run.sockets, s.run.spawn.sockets = sockets, sockets
			return s.run, nil
		},
		UnixSocketConfig: &plugin.UnixSocketConfig{TempDir: s.dir},
		SkipHostEnv:      true, AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		TLSConfig: secure, GRPCDialOptions: dialOptions(), Logger: hclog.NewNullLogger(),
		// What a plugin prints that does not use the SDK comes in a call of its own.
		SyncStdout: &lines{journal: s.run.journal, stream: "stdout"}, SyncStderr: &lines{journal: s.run.journal, stream: "stderr"},
		StartTimeout: p.startTimeout + time.Second, // the context is first
	})
	// Go-plugin cannot be told to give up; it does when the process is dead.
	defer context.AfterFunc(ctx, func() { s.run.kill("it was not ready in time") })()
	if err := s.connect(); err != nil {
		return nil, s.explain(err)
	}
	if err := s.prove(ctx, p); err != nil {
		return nil, s.explain(err)
	}
	return s, nil
}

// prepare makes the directories, which nobody else can enter.
func (s *process) prepare(p *instance) error {
	tmp := filepath.Join(s.dir, "tmp")
	for _, dir := range []string{s.dir, tmp, s.contents.dir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	h := p.host
	s.run = &run{
		launcher: h.launcher, ended: make(chan struct{}),
		journal: newJournal(p.log()),
		spawn: spawn{
			program: p.program, interpreter: p.interpreter, limits: p.limits, tmp: tmp, materials: s.contents.dir,
			env: []string{
				"PATH=/usr/bin:/bin", "HOME=" + tmp, "TMPDIR=" + tmp, "TZ=UTC", "LANG=C.UTF-8",
				"GOMAXPROCS=1", fmt.Sprintf("GOMEMLIMIT=%d", p.limits.memory/5*4),
				wire.EnvDir + "=" + s.dir,
				fmt.Sprintf("%s=%d", wire.EnvLifeline, lifelineFD), fmt.Sprintf("%s=%d", wire.EnvTLS, secretsFD),
			},
		},
	}
	return nil
}

func (s *process) connect() error {
	protocol, err := s.client.Client()
	if err != nil {
		return err
	}
	raw, err := protocol.Dispense(wire.PluginName)
	if err != nil {
		return err
	}
	s.conn = raw.(*grpc.ClientConn)
	s.checker, s.health = pb.NewCheckerClient(s.conn), grpc_health_v1.NewHealthClient(s.conn)
	return nil
}

// explain says why the plugin did not get ready: how its process ended is nearer
// to the cause than what the host has seen of it.
func (s *process) explain(err error) error {
	var refused refusal
	if errors.As(err, &refused) || s.run.cmd == nil {
		return err
	}
	ended := false
	select {
	case <-s.run.ended:
		ended = true
	case <-time.After(drainFor): // whoever has closed its socket is about to end
	}
	s.run.kill("")
	<-s.run.ended
	said, _, _ := strings.Cut(err.Error(), "\n")
	if ended {
		return fmt.Errorf("%s (%s)", s.run.ending(), clip(said))
	}
	return errors.New(clip(said))
}

// prove asks whether the plugin is well, who it is, and the questions whose
// answers it has given itself.
func (s *process) prove(ctx context.Context, p *instance) error {
	if err := s.ping(ctx); err != nil {
		return err
	}
	d, err := s.checker.Describe(ctx, &pb.DescribeRequest{ContractMinor: wire.ContractMinor})
	if err != nil {
		return err
	}
	if err := wire.ValidateDescription(d); err != nil {
		return refusal{fmt.Errorf("its description breaks the contract: %w", err)}
	}
	if err := p.manifest.Agrees(d); err != nil {
		return refusal{fmt.Errorf("it is not what was signed: %w", err)}
	}
	for _, spec := range d.GetChecks() {
		if spec.GetSelfTest() == nil {
			continue
		}
		r := proto.CloneOf(spec.GetSelfTest().GetGiven())
		if r == nil {
			r = &pb.CheckRequest{}
		}
		r.Checks = []string{spec.GetId()}
		response, err := s.checker.Check(ctx, r)
		if err != nil {
			return err
		}
		want := &pb.CheckResponse{Results: []*pb.CheckResult{{Check: spec.GetId(), Findings: spec.GetSelfTest().GetWant()}}}
		if !proto.Equal(want, response) {
			return refusal{fmt.Errorf("its check %s does not pass its own test", spec.GetId())}
		}
	}
	return nil
}

// ping asks whether the plugin is well. Go-plugin's own has no deadline.
func (s *process) ping(ctx context.Context) error {
	r, err := s.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: wire.HealthService})
	if err == nil && r.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
		err = fmt.Errorf("it says that it is %s", r.GetStatus())
	}
	return err
}

// goodbyeFor is how long a plugin may take to end by itself.
const goodbyeFor = 500 * time.Millisecond

// stop ends a process that has nothing more to do.
func (s *process) stop(why string) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeFor)
	defer cancel()
	_ = s.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{}) // it may hang up before it answers
	select {
	case <-s.run.ended:
	case <-ctx.Done():
	}
	s.end(why)
}

// end ends the process at once, and leaves nothing of it.
func (s *process) end(why string) {
	if s.run != nil && s.run.cmd != nil {
		s.run.kill(why)
		<-s.run.ended
	}
	if s.client != nil {
		s.client.Kill() // the process is dead: there is nobody for whom it could wait
	}
	_ = os.RemoveAll(s.dir)
}

// written is how much a plugin has put into its directory.
func (s *process) written() int64 {
	var sum int64
	_ = filepath.WalkDir(s.run.spawn.tmp, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
