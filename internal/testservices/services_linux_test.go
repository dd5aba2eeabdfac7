package testservices

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

const childVariable = "ONEDOOR_TESTSERVICES_CHILD"

// TestNothingOutlivesTheProcess kills a test process with running servers.
func TestNothingOutlivesTheProcess(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		child(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingOutlivesTheProcess$")
	// The killed child cannot remove its folders; this test's end does.
	folder := sharedFolder(t)
	cmd.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe() // closed, it ends the child too
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ports [2]int
	_, err = fmt.Fscanln(bufio.NewReader(out), &ports[0], &ports[1])
	up := err == nil && listens(ports[0]) && listens(ports[1])
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if !up {
		t.Fatalf("the child's servers did not come up: %v", err)
	}
	deadline := time.Now().Add(patience)
	for listens(ports[0]) || listens(ports[1]) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v a server still listens on one of the ports %v", patience, ports)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// child starts both servers, says where, and waits to be killed.
func child(t *testing.T) {
	s, err := startPostgreSQL()
	if err != nil {
		t.Fatal(err)
	}
	r, err := startRedis()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(s.port, r.port)
	_, _ = bufio.NewReader(os.Stdin).ReadByte()
}

// sharedFolder is a temporary folder that PostgreSQL's user may enter.
func sharedFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "onedoor-killed-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// PostgreSQL may still be writing its last files.
		deadline := time.Now().Add(patience)
		for err := os.RemoveAll(folder); err != nil; err = os.RemoveAll(folder) {
			if time.Now().After(deadline) {
				t.Error(err)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}
