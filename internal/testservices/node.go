package testservices

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node installs the JavaScript clients of a folder as its lock says (npm ci), in a
// folder of the test's own, and gives a function that runs one of its scripts and
// fails the test when that does not end well. Where there is no Node the test is
// skipped: nothing that we serve needs it.
func Node(t *testing.T, folder string) (run func(script string, args ...string) string) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIPPED: there is no %s on this machine, so that nobody has tried the JavaScript clients of %s", program, folder)
		}
	}
	own := t.TempDir()
	for _, pattern := range []string{"*.mjs", "*.json"} {
		names, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s has no %s", folder, pattern)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(own, filepath.Base(name)), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	in := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = own
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s %v: %v\n%s", program, args, err, out)
		}
		return string(out)
	}
	in("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	return func(script string, args ...string) string {
		t.Helper()
		return in("node", append([]string{script}, args...)...)
	}
}
