package bench_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/viewer"
)

// runServer runs the program, with more flags, and gives what makes tokens for it.
func runServer(ctx context.Context, b *testing.B, more ...string) (url string, pid int, sign func(viewer.Viewer) string) {
	b.Helper()
	program, data := filepath.Join(b.TempDir(), "server"), b.TempDir()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "../../server").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"serve", "-addr", "127.0.0.1:0", "-data", data}, more...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	issuer, err := identity.OpenIssuer(data)
	if err != nil {
		b.Fatal(err)
	}
	return regexp.MustCompile(`http://[0-9.:]+`).FindString(line), cmd.Process.Pid, func(v viewer.Viewer) string {
		token, err := issuer.Mint(v, time.Now(), time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		return token
	}
}
