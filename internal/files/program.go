package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// MaxProgram is how large a program may be, in bytes.
const MaxProgram = 256 << 20

// SaveProgram keeps a program of a plugin, whatever its bytes are, and gives the
// key under which Open finds it. It holds no more than a few buffers in memory,
// and keeps the whole program or nothing. The caller says which digest it must
// have (SHA-256, hex); another content is refused.
func (f *Files) SaveProgram(ctx context.Context, digest string, content io.Reader) (key string, err error) {
	spool, err := os.CreateTemp(f.spool, "*.tmp")
	if err != nil {
		return "", unavailable("files.SaveProgram", err)
	}
	defer discard(spool)
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(spool, hash), io.LimitReader(&source{ctx: ctx, content: content}, MaxProgram+1))
	switch found := hex.EncodeToString(hash.Sum(nil)); {
	case err != nil:
		return "", unavailable("files.SaveProgram", err)
	case size > MaxProgram:
		return "", fmt.Errorf("files.SaveProgram: a program has at most %d MiB", MaxProgram>>20)
	case found != digest:
		return "", fmt.Errorf("files.SaveProgram: the program's SHA-256 is %s, not %s", found, digest)
	}
	file := File{Key: KeyOf(digest), Type: "application/octet-stream", Size: size, SHA256: digest}
	if err := f.keep(ctx, file, spool); err != nil {
		return "", unavailable("files.SaveProgram", err)
	}
	return file.Key, nil
}
