package host_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// usage is what must not grow.
type usage struct{ files, goroutines, entries int }

func use(t testing.TB, dir string) usage {
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	u := usage{files: len(open), goroutines: runtime.NumGoroutine()}
	_ = filepath.WalkDir(dir, func(string, fs.DirEntry, error) error {
		u.entries++
		return nil
	})
	return u
}
