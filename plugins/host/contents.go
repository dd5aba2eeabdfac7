package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/onedoor/onedoor/internal/check"
)

// materialsDir is where materials lie below a plugin's own directory. The sandbox
// lets it read there, and not write.
const materialsDir = "materials"

// maxContents bounds what lies there for one call.
const maxContents = 256 << 20

// contents are the files that one process can read at present. A file is named by
// its hash: the same question names the same paths, and calls at once share it.
type contents struct {
	dir string

	mu    sync.Mutex
	users map[string]int
}

func newContents(dir string) *contents { return &contents{dir: dir, users: map[string]int{}} }

// pathOf is where a material can be read, for the contract.
func pathOf(m check.Material) string { return materialsDir + "/" + m.SHA256 }

// give puts materials there until release is called.
func (c *contents) give(ctx context.Context, materials []check.Material) (release func(), err error) {
	var given []string
	takeBack := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, name := range given {
			if c.users[name]--; c.users[name] == 0 {
				delete(c.users, name)
				_ = os.Remove(filepath.Join(c.dir, name))
			}
		}
	}
	defer func() {
		if err != nil {
			takeBack()
		}
	}()
	var sum int64
	for _, m := range materials {
		if sum += m.Size; m.Size < 0 || sum > maxContents {
			return nil, fmt.Errorf("material %s: with it the files are larger than %d MiB", m.Code, maxContents>>20)
		}
		if digest, err := hex.DecodeString(m.SHA256); err != nil || len(digest) != sha256.Size {
			return nil, fmt.Errorf("material %s: %q is no SHA-256", m.Code, m.SHA256)
		}
		copied, err := c.copy(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("material %s: %w", m.Code, err)
		}
		c.mu.Lock()
		name := m.SHA256
		if c.users[name] == 0 {
			err = os.Rename(copied, filepath.Join(c.dir, name))
		} else {
			_ = os.Remove(copied)
		}
		if err == nil {
			c.users[name]++
			given = append(given, name)
		}
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	return takeBack, nil
}

// copy puts a material into a file of its own, and looks whether it is the one
// that the case tells of.
func (c *contents) copy(ctx context.Context, m check.Material) (path string, err error) {
	if m.Open == nil {
		return "", errors.New("its content is not at hand")
	}
	from, err := m.Open(ctx)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return "", err
	}
	defer func() {
		to.Close()
		if err != nil {
			_ = os.Remove(to.Name())
		}
	}()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), &untilDone{ctx, io.LimitReader(from, m.Size+1)})
	if err == nil && (n != m.Size || hex.EncodeToString(sum.Sum(nil)) != m.SHA256) {
		err = errors.New("its content is not the one that the case tells of")
	}
	if err == nil {
		err = to.Chmod(0o400)
	}
	return to.Name(), err
}

// untilDone reads until the context ends.
type untilDone struct {
	ctx  context.Context
	from io.Reader
}

func (r *untilDone) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.from.Read(p)
}
