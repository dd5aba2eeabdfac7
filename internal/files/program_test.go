package files_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"testing"
)

// A program is kept whatever it is, under the digest that it must have.
func TestSaveProgram(t *testing.T) {
	t.Parallel()
	p := folder(t)
	f := open(t, p.url)
	program := "\x7fELF" + strings.Repeat("x", 1000)
	sum := sha256.Sum256([]byte(program))
	digest := hex.EncodeToString(sum[:])
	if _, err := f.SaveProgram(t.Context(), strings.Repeat("0", 64), strings.NewReader(program)); err == nil {
		t.Error("a program of another digest was kept")
	}
	wantNothing(t, p)
	key, err := f.SaveProgram(t.Context(), digest, strings.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != program {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
