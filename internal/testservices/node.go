package testservices

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node installs the JavaScript clients of a folder as its lock says (npm ci), in a
// copy of the test's own that has the files beside the folder too, and gives a
// function that runs one of its scripts and fails the test when that does not end
// well. Where there is no Node the test is skipped: nothing that we serve needs it.
// CI has it, and there it is a failure.
func Node(t *testing.T, folder string) (run func(script string, args ...string) string) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil && os.Getenv("CI") != "" {
			t.Fatalf("there is no %s, which CI needs for the JavaScript clients of %s", program, folder)
		} else if err != nil {
			t.Skipf("SKIPPED: there is no %s on this machine, so that nobody has tried the JavaScript clients of %s", program, folder)
		}
	}
	above := t.TempDir()
	own := filepath.Join(above, filepath.Base(folder))
	beside, err := os.ReadDir(filepath.Join(folder, ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range beside {
		if entry.Type().IsRegular() {
			copyFile(t, filepath.Join(folder, "..", entry.Name()), filepath.Join(above, entry.Name()))
		}
	}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "node_modules" {
			return fs.SkipDir
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.MkdirAll(filepath.Join(own, name), 0o755)
		}
		copyFile(t, path, filepath.Join(own, name))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	in := func(program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir = own
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", program, args, err, out)
		}
		return string(out)
	}
	in("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	return func(script string, args ...string) string {
		t.Helper()
		return in("node", append([]string{script}, args...)...)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o644); err != nil {
		t.Fatal(err)
	}
}
