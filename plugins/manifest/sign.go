package manifest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"aead.dev/minisign"
)

// SignatureFile is the name of the manifest's signature in a package, as minisign
// itself would name it.
const SignatureFile = File + ".minisig"

// KeySuffix ends the name of a file with a department's public keys.
const KeySuffix = ".pub"

// Why a manifest is not trusted.
var (
	ErrUnsigned        = errors.New("the manifest is not signed")
	ErrUnknownKey      = errors.New("the manifest is signed with a key that is not known here")
	ErrWrongDepartment = errors.New("the manifest is signed with the key of another department")
	ErrAltered         = errors.New("the manifest is not what was signed")
)

// Keys are the public keys of departments. The zero value trusts nobody.
type Keys struct {
	of map[string][]minisign.PublicKey
}

// ReadKeys reads a folder of public keys: "urban.pub" holds the keys of the
// department urban, one below the other, as minisign writes them. All of them
// count, so that a department can hand over to a new key; a key that is taken out
// counts no more. It says everything that is wrong in the folder.
func ReadKeys(dir fs.FS) (Keys, error) {
	if _, err := fs.Stat(dir, "."); err != nil {
		return Keys{}, fmt.Errorf("the folder of departments' public keys: %w", err)
	}
	names, err := fs.Glob(dir, "*"+KeySuffix)
	if err != nil {
		return Keys{}, err
	}
	k := Keys{of: map[string][]minisign.PublicKey{}}
	var found []error
	for _, name := range names {
		department := strings.TrimSuffix(path.Base(name), KeySuffix)
		if !IsDepartment(department) {
			found = append(found, fmt.Errorf("%s: the file is named by no department's code", name))
			continue
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			found = append(found, err)
			continue
		}
		keys, err := parseKeys(name, text)
		if err != nil {
			found = append(found, err)
			continue
		}
		for _, key := range keys {
			if other := k.holder(key); other != "" {
				found = append(found, fmt.Errorf("%s: the key %016X is also a key of %s", name, key.ID(), other))
			}
		}
		k.of[department] = keys
	}
	if len(found) > 0 {
		return Keys{}, errors.Join(found...)
	}
	return k, nil
}

// parseKeys reads the keys of one file.
func parseKeys(name string, text []byte) ([]minisign.PublicKey, error) {
	var keys []minisign.PublicKey
	var found []error
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "untrusted comment:") {
			continue
		}
		var key minisign.PublicKey
		if err := key.UnmarshalText([]byte(line)); err != nil {
			found = append(found, fmt.Errorf("%s:%d: no public key of minisign: %w", name, i+1, err))
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 && len(found) == 0 {
		found = append(found, fmt.Errorf("%s: it holds no key", name))
	}
	return keys, errors.Join(found...)
}

// Departments lists those that have a key.
func (k Keys) Departments() []string { return slices.Sorted(maps.Keys(k.of)) }

// holder gives the department that has this very key.
func (k Keys) holder(key minisign.PublicKey) string {
	for _, department := range k.Departments() {
		for _, own := range k.of[department] {
			if own.Equal(key) {
				return department
			}
		}
	}
	return ""
}

// Verify says whether the department has signed these very bytes. The error is
// one of ErrUnsigned, ErrUnknownKey, ErrWrongDepartment and ErrAltered, with what
// to do about it.
func (k Keys) Verify(manifest, signature []byte, department string) error {
	if len(bytes.TrimSpace(signature)) == 0 {
		return fmt.Errorf("%w: sign it with the key of %s: server plugin sign", ErrUnsigned, department)
	}
	var s minisign.Signature
	if err := s.UnmarshalText(signature); err != nil {
		return fmt.Errorf("%w: %s is no signature of minisign (%w): sign it again", ErrAltered, SignatureFile, err)
	}
	known := false
	for _, key := range k.of[department] {
		if key.ID() != s.KeyID {
			continue
		}
		known = true
		if minisign.Verify(key, manifest, signature) {
			return nil
		}
	}
	if known {
		return fmt.Errorf("%w: it or its signature was changed since %s signed with the key %016X: build and sign again", ErrAltered, department, s.KeyID)
	}
	for _, other := range k.Departments() {
		for _, key := range k.of[other] {
			if key.ID() == s.KeyID && minisign.Verify(key, manifest, signature) {
				return fmt.Errorf("%w: it says that it is of %s, and %s has signed it with the key %016X", ErrWrongDepartment, department, other, s.KeyID)
			}
		}
	}
	if len(k.of[department]) == 0 {
		return fmt.Errorf("%w: no key of %s is here: put its public key into %s%s", ErrUnknownKey, department, department, KeySuffix)
	}
	return fmt.Errorf("%w: %016X is none of the keys of %s: add its public key to %s%s if %s has a new one", ErrUnknownKey, s.KeyID, department, department, KeySuffix, department)
}

// GenerateKey makes a department's key: the public key for the host's folder of
// keys, and the private key, closed with a password, which the department keeps.
// It takes a gigabyte of memory for some seconds, and so does each guess at the
// password.
func GenerateKey(random io.Reader, password string) (public, private []byte, err error) {
	if password == "" {
		return nil, nil, errors.New("a private key needs a password")
	}
	pub, priv, err := minisign.GenerateKey(random)
	if err != nil {
		return nil, nil, err
	}
	if public, err = pub.MarshalText(); err != nil {
		return nil, nil, err
	}
	if private, err = minisign.EncryptKey(password, priv); err != nil {
		return nil, nil, err
	}
	return append(public, '\n'), append(private, '\n'), nil
}

// OpenKey opens a private key file.
func OpenKey(file []byte, password string) (minisign.PrivateKey, error) {
	if !minisign.IsEncrypted(bytes.TrimSpace(file)) {
		return minisign.PrivateKey{}, errors.New("the file holds no private key that is closed with a password: server plugin keygen makes one")
	}
	private, err := minisign.DecryptKey(password, bytes.TrimSpace(file))
	if err != nil {
		return minisign.PrivateKey{}, errors.New("the password does not open the private key")
	}
	return private, nil
}

// Sign signs a manifest, which must be without fault and built: whoever trusts
// the signature trusts the programs whose digests are in it.
func Sign(manifest []byte, key minisign.PrivateKey) ([]byte, error) {
	m, err := Parse(manifest)
	if err != nil {
		return nil, err
	}
	if len(m.Programs) == 0 {
		return nil, errors.New("the manifest names no program: build the plugin first: server plugin build")
	}
	said := fmt.Sprintf("department:%s plugin:%s version:%s sha256:%x", m.Department, m.Name, m.Version, sha256.Sum256(manifest))
	hashed := minisign.NewReader(bytes.NewReader(manifest)) // as minisign itself signs since 0.8
	if _, err := io.Copy(io.Discard, hashed); err != nil {
		return nil, err
	}
	return hashed.SignWithComments(key, said, "signature of "+File), nil
}
