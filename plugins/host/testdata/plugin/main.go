// Command plugin is a plugin for the host's tests: it does what a case's fact
// "mode" says, most of which no plugin should do. Who it is stands behind its own
// end, as JSON: one program is many plugins.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

type config struct {
	Name, Version string
	Says          string // the name that it gives itself, when that is another
	Start         string // what it does instead of starting
	Checks        int    // how many there are; with the SDK
	SDK           bool   // it is well-behaved
	Impure        bool
	SelfTest      string // "" none, "good", "bad"
}

var self config

func main() {
	file, err := os.Open("/proc/self/exe")
	must(err)
	info, err := file.Stat()
	must(err)
	tail := make([]byte, min(info.Size(), 1024))
	_, err = file.ReadAt(tail, info.Size()-int64(len(tail)))
	must(err)
	at := bytes.LastIndex(tail, []byte("\nCONFIG"))
	must(json.Unmarshal(tail[at+len("\nCONFIG"):], &self))
	file.Close()

	switch what, with, _ := strings.Cut(self.Start, ":"); what {
	case "die":
		fmt.Fprintln(os.Stderr, "I do not want to live")
		os.Exit(7)
	case "silent":
		time.Sleep(time.Hour)
	case "garbage":
		chunk := []byte(strings.Repeat("x", 1<<16))
		for range 64 {
			_, _ = os.Stdout.Write(chunk)
		}
		time.Sleep(time.Hour)
	case "elsewhere":
		fmt.Println("1|1|" + strings.ReplaceAll(with, "!", "|") + "|grpc|")
		time.Sleep(time.Hour)
	case "hang-up": // it takes connections and says nothing
		l, err := net.Listen("unix", filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s"))
		must(err)
		fmt.Println("1|1|unix|" + l.Addr().String() + "|grpc|")
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
		}
	}
	if self.SDK {
		sdk.Serve(wellBehaved())
	}
	serve()
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(9)
	}
}

// wellBehaved has checks that compute something.
func wellBehaved() sdk.Plugin {
	p := sdk.Plugin{Name: self.Name, Version: self.Version, Department: "fire"}
	for i := range max(self.Checks, 1) {
		p.Checks = append(p.Checks, sdk.Check{
			ID: fmt.Sprintf("c%d", i), Clauses: []string{"C-1"}, Facts: []string{"area", "spaces"}, OptionalFacts: []string{"mode"}, Impure: self.Impure,
			Run: func(ctx context.Context, c *sdk.Case) []sdk.Finding {
				if mode, ok := c.OptionalChoice("mode"); ok && mode == "slow" {
					time.Sleep(30 * time.Millisecond)
				}
				if need := c.Number("area").Div(sdk.Whole(100)).Ceil(); c.Int("spaces") < need {
					return []sdk.Finding{sdk.Fail("C-1", "TOO_FEW").Say("said", "text", need).Under("GB 1", "1")}
				}
				return []sdk.Finding{sdk.Pass("C-1")}
			},
		})
	}
	return p
}

// serve speaks the contract without the SDK, which would keep it from most of
// what it is for.
func serve() {
	file := func(name string) *os.File {
		n, err := strconv.Atoi(os.Getenv(name))
		must(err)
		syscall.CloseOnExec(n)
		return os.NewFile(uintptr(n), name)
	}
	secrets, lifeline := file(wire.EnvTLS), file(wire.EnvLifeline)
	security, err := wire.ReadTLS(secrets)
	must(err)
	secrets.Close()
	if self.Start != "clings" {
		go func() {
			_, _ = io.Copy(io.Discard, lifeline)
			os.Exit(3)
		}()
	}
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: wire.Handshake, Plugins: plugin.PluginSet{wire.PluginName: &served{}}, Logger: hclog.NewNullLogger(),
		TLSProvider: func() (*tls.Config, error) { return security, nil },
		GRPCServer: func(o []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(o, grpc.MaxSendMsgSize(1<<30), grpc.MaxRecvMsgSize(1<<30))...)
		},
	})
	os.Exit(0)
}

type served struct {
	plugin.NetRPCUnsupportedPlugin
	pb.UnimplementedCheckerServer
}

func (s *served) GRPCServer(_ *plugin.GRPCBroker, server *grpc.Server) error {
	pb.RegisterCheckerServer(server, s)
	return nil
}

func (s *served) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("no")
}

func (s *served) Describe(context.Context, *pb.DescribeRequest) (*pb.DescribeResponse, error) {
	d := &pb.DescribeResponse{Name: self.Name, Version: self.Version, Department: "fire"}
	if self.Says != "" {
		d.Name = self.Says
	}
	for _, id := range []string{"a", "b"} {
		spec := &pb.CheckSpec{
			Id: id, Clauses: []string{"C-1", "C-2"}, Pure: !self.Impure,
			Facts:     []*pb.FactNeed{{Key: "mode", Optional: true}, {Key: "only-" + id, Optional: true}},
			Materials: []*pb.MaterialNeed{{Code: "plan", Content: true}, {Code: "card"}}, OnFailure: pb.FailurePolicy_FAILURE_POLICY_REFER,
		}
		if id == "a" && self.SelfTest != "" {
			want := &pb.Finding{Verdict: pb.Verdict_VERDICT_PASS, Clause: "C-1", Code: "MET"}
			if self.SelfTest == "bad" {
				want.Code = "SOMETHING_ELSE"
			}
			spec.SelfTest = &pb.SelfTest{Given: &pb.CheckRequest{Day: "2026-03-02"}, Want: []*pb.Finding{want}}
		}
		d.Checks = append(d.Checks, spec)
	}
	return d, nil
}

// burn is what a computation ends in.
var burn uint64

func (s *served) Check(ctx context.Context, r *pb.CheckRequest) (*pb.CheckResponse, error) {
	mode := ""
	for _, f := range r.GetFacts() {
		if f.GetKey() == "mode" {
			mode = f.GetChoice()
		}
	}
	what, with, _ := strings.Cut(mode, ":")
	pass := func(id string) *pb.CheckResult {
		return &pb.CheckResult{Check: id, Findings: []*pb.Finding{{Verdict: pb.Verdict_VERDICT_PASS, Clause: "C-1", Code: "MET"}}}
	}
	all := func(make func(id string) *pb.CheckResult) (*pb.CheckResponse, error) {
		out := &pb.CheckResponse{}
		for _, id := range r.GetChecks() {
			out.Results = append(out.Results, make(id))
		}
		return out, nil
	}
	finding := func(f *pb.Finding) (*pb.CheckResponse, error) {
		return all(func(id string) *pb.CheckResult { return &pb.CheckResult{Check: id, Findings: []*pb.Finding{f}} })
	}
	say := func(format string, args ...any) (*pb.CheckResponse, error) {
		text := fmt.Sprintf(format, args...)
		return finding(&pb.Finding{
			Verdict: pb.Verdict_VERDICT_HUMAN, Clause: "C-1", Code: "SAID",
			Message: &pb.Message{Key: "said", Params: map[string]string{"text": strings.ReplaceAll(text[:min(len(text), 1000)], "\n", " ")}},
		})
	}
	tried := func(err error) (*pb.CheckResponse, error) {
		if err != nil {
			return say("no: %v", err)
		}
		return say("done")
	}
	switch what {
	case "", "pass":
		return all(pass)
	case "foreign":
		return finding(&pb.Finding{Verdict: pb.Verdict_VERDICT_PASS, Clause: "X-9", Code: "MET"})
	case "no-law":
		return finding(&pb.Finding{Verdict: pb.Verdict_VERDICT_FAIL, Clause: "C-1", Code: "BAD", Message: &pb.Message{Key: "said", Params: map[string]string{"text": "x"}}})
	case "no-text":
		return finding(&pb.Finding{Verdict: pb.Verdict_VERDICT_HUMAN, Clause: "C-1", Code: "BAD", Message: &pb.Message{Key: "unheard-of"}})
	case "no-gap":
		return finding(&pb.Finding{Verdict: pb.Verdict_VERDICT_HUMAN, Clause: "C-1", Code: "BAD", Message: &pb.Message{Key: "said"}})
	case "odd-verdict":
		return finding(&pb.Finding{Verdict: 77, Clause: "C-1", Code: "ODD"})
	case "half":
		return &pb.CheckResponse{Results: []*pb.CheckResult{pass("a")}}, nil
	case "others":
		return &pb.CheckResponse{Results: []*pb.CheckResult{pass("a"), pass("z")}}, nil
	case "one-bad":
		out, err := all(pass)
		out.Results[0].Findings[0].Clause = "X-9"
		return out, err
	case "error":
		return all(func(id string) *pb.CheckResult {
			return &pb.CheckResult{Check: id, Error: &pb.CheckError{Code: pb.CheckErrorCode_CHECK_ERROR_CODE_FAILED, Message: "the plan is torn"}}
		})
	case "late": // it answers, when nobody waits any more
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond)
		return all(pass)
	case "sleep":
		time.Sleep(time.Hour)
	case "slow":
		time.Sleep(30 * time.Millisecond)
		return all(pass)
	case "spin":
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			for i := range uint64(1 << 20) {
				burn += i
			}
		}
	case "spin-all":
		for range 4 {
			go func() {
				for {
					burn++
				}
			}()
		}
		return all(pass)
	case "exit":
		os.Exit(5)
	case "exit-once": // and not again where the mark is still there
		mark := filepath.Join(filepath.Dir(filepath.Dir(os.Getenv("TMPDIR"))), "mark-"+with)
		if os.Remove(mark) == nil {
			os.Exit(5)
		}
		return all(pass)
	case "crash":
		go func() { panic("a bug in the check") }()
		select {}
	case "huge":
		text := strings.Repeat("x", 300<<20)
		return finding(&pb.Finding{Verdict: pb.Verdict_VERDICT_HUMAN, Clause: "C-1", Code: text})
	case "eat":
		var eaten [][]byte
		for {
			block := make([]byte, 8<<20)
			for i := 0; i < len(block); i += 4096 {
				block[i] = 1
			}
			eaten = append(eaten, block)
			burn += uint64(len(eaten))
		}
	case "write":
		file, err := os.Create(filepath.Join(os.Getenv("TMPDIR"), "big"))
		if err != nil {
			return say("no: %v", err)
		}
		written := 0
		block := make([]byte, 1<<20)
		for range 300 {
			n, err := file.Write(block)
			if written += n; err != nil {
				break
			}
		}
		return say("%d", written)
	case "flood":
		block := []byte(strings.Repeat("x", 1<<20))
		for range 100 {
			_, _ = syscall.Write(1, block)
			_, _ = syscall.Write(2, block)
		}
		return all(pass)
	case "chat":
		for i := range 20_000 {
			fmt.Fprintln(os.Stderr, "line", i)
		}
		return all(pass)
	case "log":
		fmt.Fprintln(os.Stderr, `{"@level":"warn","@message":"the plan is small","@timestamp":"2026-03-02T00:00:00Z","size":7,"plugin":"another"}`)
		fmt.Fprintln(os.Stderr, "in plain words")
		return all(pass)
	case "fork":
		cmd := exec.Command("/bin/sleep", "100")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: with == "session"}
		return tried(cmd.Start())
	case "tcp", "tcp6", "udp", "unix", "unixgram":
		conn, err := net.DialTimeout(what, with, 2*time.Second)
		if err == nil {
			_, err = conn.Write([]byte("hello"))
		}
		return tried(err)
	case "mptcp", "raw", "packet", "netlink", "vsock":
		family := map[string]int{"mptcp": syscall.AF_INET, "raw": syscall.AF_INET, "packet": syscall.AF_PACKET, "netlink": syscall.AF_NETLINK, "vsock": 40}[what]
		kind := map[string]int{"mptcp": syscall.SOCK_STREAM, "raw": syscall.SOCK_RAW, "packet": syscall.SOCK_RAW, "netlink": syscall.SOCK_RAW, "vsock": syscall.SOCK_STREAM}[what]
		protocol := map[string]int{"mptcp": 262, "raw": 1}[what]
		_, err := syscall.Socket(family, kind, protocol)
		return tried(err)
	case "listen":
		_, err := net.Listen("tcp", "127.0.0.1:0")
		return tried(err)
	case "read":
		text, err := os.ReadFile(with)
		if err != nil {
			return say("no: %v", err)
		}
		return say("done %q", text)
	case "list":
		_, err := os.ReadDir(with)
		return tried(err)
	case "create":
		return tried(os.WriteFile(with, []byte("x"), 0o600))
	case "tmp":
		return tried(os.WriteFile(filepath.Join(os.Getenv("TMPDIR"), "x"), []byte("x"), 0o600))
	case "signal":
		pid, _ := strconv.Atoi(with)
		return tried(syscall.Kill(pid, 0))
	case "ptrace":
		pid, _ := strconv.Atoi(with)
		return tried(syscall.PtraceAttach(pid))
	case "call": // a system call by its number
		number, _ := strconv.Atoi(with)
		_, _, errno := syscall.Syscall6(uintptr(number), 0, 0, 0, 0, 0, 0)
		if errno != 0 {
			return say("no: %v", errno)
		}
		return say("done")
	case "clone": // flags of namespaces
		flags, _ := strconv.ParseUint(with, 0, 64)
		_, _, errno := syscall.RawSyscall(syscall.SYS_UNSHARE, uintptr(flags), 0, 0)
		if errno != 0 {
			return say("no: %v", errno)
		}
		return say("done")
	case "files":
		n := 0
		for ; n < 5000; n++ {
			if _, err := syscall.Open("/dev/null", 0, 0); err != nil {
				break
			}
		}
		return say("%d", n)
	case "status":
		status, _ := os.ReadFile("/proc/self/status")
		prio, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
		return say("prio %d uid %d %s", prio, os.Getuid(), status)
	case "environ":
		return say("%s", strings.Join(os.Environ(), " | "))
	case "seen":
		var keys []string
		for _, f := range r.GetFacts() {
			keys = append(keys, f.GetKey())
		}
		for _, m := range r.GetMaterials() {
			keys = append(keys, m.GetCode()+"="+m.GetPath())
		}
		return say("%s %s", r.GetCaseRef(), strings.Join(keys, " "))
	case "open":
		for _, m := range r.GetMaterials() {
			if m.GetPath() == "" {
				continue
			}
			path := filepath.Join(os.Getenv(wire.EnvDir), m.GetPath())
			text, err := os.ReadFile(path)
			writes := os.WriteFile(path, []byte("altered"), 0o600)
			removes := os.Remove(path)
			adds := os.WriteFile(path+"x", nil, 0o600)
			return say("%s %v | %t %t %t", text, err, writes == nil, removes == nil, adds == nil)
		}
		return say("nothing to open")
	}
	return all(pass)
}
