package host_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/host"
)

// confined runs a test in each level of the sandbox that this machine reaches.
func confined(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Parallel()
	for _, level := range []host.Level{host.L1, host.L2} {
		t.Run(level.String(), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *host.Config) { c.Ceiling, c.Floor = level, host.L0 })
			if r.Level() != level {
				t.Skipf("this machine does not reach it:\n%s", r.Doctor())
			}
			if err := r.Apply(t.Context(), []host.Release{release(t, config{}), release(t, config{Name: "good"})}); err != nil {
				t.Fatal(err)
			}
			test(t, r)
		})
	}
}

// TestSpying tries everything by which a plugin could learn or change what is not
// its own.
func TestSpying(t *testing.T) {
	confined(t, func(t *testing.T, r *rig) {
		secret := filepath.Join(r.dir, "secret")
		if err := os.WriteFile(secret, []byte("the key of the house"), 0o600); err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		udp, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		path, abstract := filepath.Join(r.dir, "sock"), fmt.Sprintf("@onedoor-test-%d-%s", os.Getpid(), r.Level())
		for _, name := range []string{path, abstract} {
			l, err := net.Listen("unix", name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		}
		datagrams, err := net.ListenPacket("unixgram", path+"gram")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tcp.Close(); udp.Close(); datagrams.Close() })
		asks := r.asks(t, []string{"a"}, "good")
		if got, _ := r.Run(t.Context(), question("pass"), asks); got[0].Fault != nil {
			t.Fatal(*got[0].Fault)
		}
		good, pid := host.PID(r.Host, "good"), os.Getpid()

		for _, attempt := range []string{
			"read:" + secret, "read:/etc/passwd", "list:/", "list:" + r.dir + "/run",
			fmt.Sprintf("read:/proc/%d/environ", pid), fmt.Sprintf("read:/proc/%d/environ", good), fmt.Sprintf("read:/proc/%d/mem", pid), "read:/proc/self/environ",
			"create:/tmp/onedoor-test", "create:" + r.dir + "/run/x", "create:" + secret,
			"tcp:" + tcp.Addr().String(), "udp:" + udp.LocalAddr().String(), "tcp6:[::1]:80", "mptcp", "raw", "packet", "netlink", "vsock", "listen",
			"unix:" + path, "unix:" + abstract, "unixgram:" + path + "gram", "unix:" + host.Socket(r.Host, "good"),
			fmt.Sprintf("signal:%d", pid), fmt.Sprintf("signal:%d", good), "signal:-1",
			fmt.Sprintf("ptrace:%d", pid), fmt.Sprintf("ptrace:%d", good),
			"fork", "fork:session",
			fmt.Sprintf("clone:%#x", unix.CLONE_NEWUSER), fmt.Sprintf("clone:%#x", unix.CLONE_NEWNS),
		} {
			if got := r.says(t, attempt); !strings.HasPrefix(got, "no: ") {
				t.Errorf("%s: %s", attempt, got)
			}
		}
		for name, number := range map[string]int{
			"bpf": unix.SYS_BPF, "io_uring_setup": unix.SYS_IO_URING_SETUP, "keyctl": unix.SYS_KEYCTL, "userfaultfd": unix.SYS_USERFAULTFD,
			"pidfd_getfd": unix.SYS_PIDFD_GETFD, "process_vm_readv": unix.SYS_PROCESS_VM_READV, "mount": unix.SYS_MOUNT, "setns": unix.SYS_SETNS,
			"perf_event_open": unix.SYS_PERF_EVENT_OPEN, "memfd_create": unix.SYS_MEMFD_CREATE, "setsid": unix.SYS_SETSID, "shmget": unix.SYS_SHMGET,
			"add_key": unix.SYS_ADD_KEY, "open_by_handle_at": unix.SYS_OPEN_BY_HANDLE_AT, "execve": unix.SYS_EXECVE, "chroot": unix.SYS_CHROOT,
		} {
			if got := r.says(t, fmt.Sprintf("call:%d", number)); got != "no: operation not permitted" {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := r.says(t, fmt.Sprintf("call:%d", unix.SYS_CLONE3)); got != "no: function not implemented" {
			t.Errorf("clone3: %s", got)
		}
		if got := r.says(t, "tmp"); got != "done" {
			t.Errorf("its own directory: %s", got)
		}
		if got, err := strconv.Atoi(r.says(t, "files")); err != nil || got > 256 {
			t.Errorf("it opens %d files, %v", got, err)
		}
		if got := r.status(t, "odd"); got.Restarts != 0 {
			t.Errorf("it was started again: %+v", got)
		}
	})
}

// TestWithoutSandbox shows that the attempts of TestSpying are real: without a
// sandbox they succeed.
func TestWithoutSandbox(t *testing.T) {
	t.Parallel()
	r := serving(t, func(c *host.Config) { c.Ceiling, c.Floor = host.L0, host.L0 }, config{})
	secret, path := filepath.Join(r.dir, "secret"), filepath.Join(r.dir, "sock")
	if err := os.WriteFile(secret, []byte("the key of the house"), 0o600); err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unixes, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tcp.Close(); unixes.Close() })
	for _, attempt := range []string{
		"read:" + secret, "list:/", fmt.Sprintf("read:/proc/%d/environ", os.Getpid()), "create:" + secret,
		"tcp:" + tcp.Addr().String(), "udp:" + tcp.Addr().String(), "unix:" + path, "listen", fmt.Sprintf("signal:%d", os.Getpid()), "fork",
	} {
		if got := r.says(t, attempt); !strings.HasPrefix(got, "done") {
			t.Errorf("%s: %s", attempt, got)
		}
	}
}

// TestPrivileges looks at the process from outside.
func TestPrivileges(t *testing.T) {
	confined(t, func(t *testing.T, r *rig) {
		r.says(t, "environ")
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", host.PID(r.Host, "odd")))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"} {
			if !strings.Contains(string(status), want) {
				t.Errorf("%s is missing in\n%s", want, status)
			}
		}
		files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", host.PID(r.Host, "odd")))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", host.PID(r.Host, "odd"), f.Name()))
			if strings.Contains(to, "memfd") || strings.Contains(to, "landlock") || strings.HasPrefix(to, "/") && to != os.DevNull {
				t.Errorf("descriptor %s is %s", f.Name(), to)
			}
		}
	})
}

// TestTheEnvironment is exact: nothing of the host's gets in.
func TestTheEnvironment(t *testing.T) {
	t.Parallel()
	r := serving(t, nil, config{})
	var names []string
	for _, pair := range strings.Split(r.says(t, "environ"), " | ") {
		name, value, _ := strings.Cut(pair, "=")
		names = append(names, name)
		if name == "HOME" && (!strings.HasPrefix(value, r.dir+"/run/p") || value == os.Getenv("HOME")) {
			t.Errorf("%s", pair)
		}
	}
	slices.Sort(names)
	want := []string{
		"GOMAXPROCS", "GOMEMLIMIT", "HOME", "LANG", "ONEDOOR_PLUGIN", "ONEDOOR_PLUGIN_DIR", "ONEDOOR_PLUGIN_LIFELINE", "ONEDOOR_PLUGIN_TLS",
		"PATH", "PLUGIN_MAX_PORT", "PLUGIN_MIN_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR", "TMPDIR", "TZ",
	}
	if !slices.Equal(names, want) {
		t.Errorf("got  %q\nwant %q", names, want)
	}
}

// TestTheFloor refuses what would run less confined than the operator wants.
func TestTheFloor(t *testing.T) {
	t.Parallel()
	r := serving(t, func(c *host.Config) { c.Ceiling = host.L0 }, config{})
	if got := r.fault(t, "pass"); got.Code != check.Down || !strings.Contains(got.Detail, "the sandbox reaches L0, the floor is L1") {
		t.Errorf("%+v", got)
	}
	if s := r.status(t, "odd"); s.State != check.Refused || s.Sandbox != "L0" {
		t.Errorf("%+v", s)
	}
	if report := r.Doctor().String(); !strings.Contains(report, "plugins are REFUSED") {
		t.Error(report)
	}
	t.Logf("\n%s", r.Doctor())
}
