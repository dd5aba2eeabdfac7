package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/onedoor/onedoor/internal/webhook"
)

// secretFile holds the key that seals secrets where the operator gives none.
const secretFile = "secret.key"

// parseSecretKey reads a key of 32 bytes in base64.
func parseSecretKey(text string) (webhook.Key, error) {
	var key webhook.Key
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(raw) != webhook.KeySize {
		return key, fmt.Errorf("is %d bytes in base64: openssl rand -base64 %d", webhook.KeySize, webhook.KeySize)
	}
	copy(key[:], raw)
	return key, nil
}

// openSecretKey gives the operator's key, or that of the data folder, which is
// made first when there is none.
func openSecretKey(given, data string) (webhook.Key, error) {
	if given != "" {
		key, err := parseSecretKey(given)
		if err != nil {
			return key, fmt.Errorf("ONEDOOR_SECRET_KEY %w", err)
		}
		return key, nil
	}
	path := filepath.Join(data, secretFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeSecretKey(data, path); err != nil {
			return webhook.Key{}, err
		}
		text, err = os.ReadFile(path) // ours, or that of who was faster
	}
	if err != nil {
		return webhook.Key{}, err
	}
	key, err := parseSecretKey(string(text))
	if err != nil {
		return key, fmt.Errorf("%s %w", path, err)
	}
	return key, nil
}

// makeSecretKey makes the file. It appears whole, by a link, which exactly one of
// several makers gets.
func makeSecretKey(data, path string) error {
	if err := os.MkdirAll(data, 0o750); err != nil {
		return err
	}
	draft, err := os.CreateTemp(data, "."+secretFile+"-*") // new, with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	var key webhook.Key
	_, _ = rand.Read(key[:]) // never fails
	_, err = draft.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err == nil {
		err = draft.Sync()
	}
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
