package manifest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/plugins/manifest"
)

// pair makes a key without closing it with a password, which takes seconds.
func pair(t *testing.T) (public string, private minisign.PrivateKey) {
	t.Helper()
	pub, private, err := minisign.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := pub.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n", private
}

func readKeys(t *testing.T, files map[string]string) manifest.Keys {
	t.Helper()
	dir := fstest.MapFS{}
	for name, text := range files {
		dir[name] = &fstest.MapFile{Data: []byte(text)}
	}
	keys, err := manifest.ReadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func sign(t *testing.T, text string, key minisign.PrivateKey) []byte {
	t.Helper()
	signature, err := manifest.Sign([]byte(text), key)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// TestAKeyWithAPassword goes the author's whole way once: a key is made, closed,
// opened, signs, and its public half verifies.
func TestAKeyWithAPassword(t *testing.T) {
	t.Parallel()
	public, private, err := manifest.GenerateKey(nil, "停车 secret")
	if err != nil {
		t.Fatal(err)
	}
	key, err := manifest.OpenKey(private, "停车 secret")
	if err != nil {
		t.Fatal(err)
	}
	signature := sign(t, parking, key)
	keys := readKeys(t, map[string]string{"urban.pub": string(public)})
	if err := keys.Verify([]byte(parking), signature, "urban"); err != nil {
		t.Error(err)
	}
	if _, err := manifest.OpenKey(private, "another"); err == nil || err.Error() != "the password does not open the private key" {
		t.Errorf("another password: %v", err)
	}
	if _, err := manifest.OpenKey(public, "停车 secret"); err == nil {
		t.Error("a public key was opened as a private one")
	}
	if _, _, err := manifest.GenerateKey(nil, ""); err == nil {
		t.Error("a key without a password")
	}

	program, err := exec.LookPath("minisign")
	if err != nil {
		t.Log("minisign is not installed: it is not asked about the signature")
		return
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"plugin.yaml": []byte(parking), "plugin.yaml.minisig": signature, "urban.pub": public} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "-V", "-p", "urban.pub", "-m", "plugin.yaml")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("minisign: %v: %s", err, out)
	}
}

// TestAKnownSignature verifies the example of minisign's own authors, which was
// not made here.
func TestAKnownSignature(t *testing.T) {
	t.Parallel()
	keys := readKeys(t, map[string]string{"urban.pub": "untrusted comment: minisign public key E7620F1842B4E81F\n" +
		"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\n"})
	signature := "untrusted comment: signature from minisign secret key\n" +
		"RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=\n" +
		"trusted comment: timestamp:1556193335\tfile:test\n" +
		"y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==\n"
	if err := keys.Verify([]byte("test"), []byte(signature), "urban"); err != nil {
		t.Error(err)
	}
	if err := keys.Verify([]byte("Test"), []byte(signature), "urban"); !errors.Is(err, manifest.ErrAltered) {
		t.Error(err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	public, private := pair(t)
	newPublic, newPrivate := pair(t)
	firePublic, firePrivate := pair(t)
	_, stranger := pair(t)
	both := readKeys(t, map[string]string{"urban.pub": public + "# since 2026\n" + newPublic, "fire.pub": firePublic, "README.md": "no key"})
	if diff := cmp.Diff([]string{"fire", "urban"}, both.Departments()); diff != "" {
		t.Error(diff)
	}
	afterwards := readKeys(t, map[string]string{"urban.pub": newPublic, "fire.pub": firePublic})
	signature := sign(t, parking, private)
	for name, test := range map[string]struct {
		keys       manifest.Keys
		text       string
		signature  []byte
		department string
		want       error
		says       string
	}{
		"signed":                {both, parking, signature, "urban", nil, ""},
		"with the new key":      {both, parking, sign(t, parking, newPrivate), "urban", nil, ""},
		"the new key alone":     {afterwards, parking, sign(t, parking, newPrivate), "urban", nil, ""},
		"the old key is gone":   {afterwards, parking, signature, "urban", manifest.ErrUnknownKey, "is none of the keys of urban"},
		"in plain minisign":     {both, parking, minisign.Sign(private, []byte(parking)), "urban", nil, ""},
		"unsigned":              {both, parking, nil, "urban", manifest.ErrUnsigned, "server plugin sign"},
		"an empty signature":    {both, parking, []byte("\n"), "urban", manifest.ErrUnsigned, ""},
		"a stranger":            {both, parking, sign(t, parking, stranger), "urban", manifest.ErrUnknownKey, fmt.Sprintf("%016X", stranger.ID())},
		"no key of the sort":    {both, parking, sign(t, parking, stranger), "samr", manifest.ErrUnknownKey, "put its public key into samr.pub"},
		"no keys at all":        {manifest.Keys{}, parking, signature, "urban", manifest.ErrUnknownKey, ""},
		"of another department": {both, parking, sign(t, parking, firePrivate), "urban", manifest.ErrWrongDepartment, "it says that it is of urban, and fire has signed it"},
		"another manifest":      {both, strings.Replace(parking, "1.0.0", "1.0.1", 1), signature, "urban", manifest.ErrAltered, "build and sign again"},
		"no signature":          {both, parking, []byte("approved"), "urban", manifest.ErrAltered, "no signature of minisign"},
	} {
		err := test.keys.Verify([]byte(test.text), test.signature, test.department)
		if !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEachByteCounts changes one byte after the other, of the manifest and of what
// the signature signs.
func TestEachByteCounts(t *testing.T) {
	t.Parallel()
	public, private := pair(t)
	keys := readKeys(t, map[string]string{"urban.pub": public})
	signature := sign(t, parking, private)
	if err := keys.Verify([]byte(parking), signature, "urban"); err != nil {
		t.Fatal(err)
	}
	for i := range parking {
		text := []byte(parking)
		text[i] ^= 1
		if err := keys.Verify(text, signature, "urban"); !errors.Is(err, manifest.ErrAltered) {
			t.Fatalf("byte %d of the manifest: %v", i, err)
		}
	}
	signed := strings.IndexByte(string(signature), '\n') + 1 // the first line is an untrusted comment
	for i := signed; i < len(signature); i++ {
		text := []byte(string(signature))
		if text[i] == '\n' || text[i] == '=' || i+1 < len(text) && text[i+1] == '=' {
			continue // the form of base64, and a digit of which not all bits are used
		}
		text[i] ^= 1
		if err := keys.Verify([]byte(parking), text, "urban"); err == nil {
			t.Fatalf("byte %d of the signature: %s", i, text)
		}
	}
}

func TestReadKeys(t *testing.T) {
	t.Parallel()
	public, _ := pair(t)
	dir := fstest.MapFS{
		"urban.pub": {Data: []byte(public)},
		"fire.pub":  {Data: []byte(public)},
		"samr.pub":  {Data: []byte("# none yet\n")},
		"eco.pub":   {Data: []byte("untrusted comment: x\nabc\n")},
		"A B.pub":   {Data: []byte(public)},
	}
	_, err := manifest.ReadKeys(dir)
	if err == nil {
		t.Fatal("there is no fault")
	}
	for _, want := range []string{
		"A B.pub: the file is named by no department's code", "eco.pub:2: no public key of minisign",
		"samr.pub: it holds no key", "urban.pub: the key", "is also a key of fire",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	_, private := pair(t)
	if _, err := manifest.Sign([]byte("name: x"), private); err == nil || !strings.Contains(err.Error(), "plugin.yaml:1: version is missing") {
		t.Errorf("a faulty manifest: %v", err)
	}
	identity, built, _ := strings.Cut(parking, "programs:")
	_, checks, _ := strings.Cut(built, "checks:")
	unbuilt := identity + "checks:" + checks
	if _, err := manifest.Sign([]byte(unbuilt), private); err == nil || !strings.Contains(err.Error(), "server plugin build") {
		t.Errorf("a manifest without programs: %v", err)
	}
}

func TestReadPackage(t *testing.T) {
	t.Parallel()
	here := runtime.GOOS + "/" + runtime.GOARCH
	program, other := "#!program", "#!other"
	sum := func(text string) string { s := sha256.Sum256([]byte(text)); return hex.EncodeToString(s[:]) }
	text := "name: parking\nversion: 1.0.0\ndepartment: urban\nchecks: [{id: spaces, clauses: [A]}]\n"
	built := text + fmt.Sprintf("programs:\n  %s: %s\n  plan9/386: %s\n", here, sum(program), sum(other))
	name := "parking-" + strings.ReplaceAll(here, "/", "-")
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

	p, err := manifest.ReadPackage(fstest.MapFS{"plugin.yaml": file(built), "plugin.yaml.minisig": file("signed"), name: file(program)})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	read := make([]byte, 100)
	n, _ := opened.Read(read)
	if string(read[:n]) != program || p.Digest != sum(program) || string(p.Bytes) != built || string(p.Signature) != "signed" || p.Manifest.Name != "parking" {
		t.Errorf("%s, %+v", read[:n], p)
	}

	script := text + "interpreter: node\nprograms: {any: " + sum(program) + "}\n"
	p, err = manifest.ReadPackage(fstest.MapFS{"plugin.yaml": file(script), "parking-any": file(program)})
	if err != nil || p.Signature != nil || p.Digest != sum(program) {
		t.Errorf("a script: %+v, %v", p, err)
	}

	for name, test := range map[string]struct {
		dir  fs.FS
		want []string
	}{
		"an empty folder": {fstest.MapFS{}, []string{"the folder is no package, it has no plugin.yaml"}},
		"a faulty one":    {fstest.MapFS{"plugin.yaml": file("name: x\nversion: y")}, []string{"plugin.yaml:1: department is missing", "plugin.yaml:2: version"}},
		"not built":       {fstest.MapFS{"plugin.yaml": file(text)}, []string{"names no program: build the plugin: server plugin build"}},
		"no program":      {fstest.MapFS{"plugin.yaml": file(built)}, []string{name + " is missing"}},
		"not for here":    {fstest.MapFS{"plugin.yaml": file(text + "programs: {plan9/386: " + sum(other) + "}")}, []string{"only for plan9/386", "server plugin build --platform " + here}},
		"all wrong": {fstest.MapFS{"plugin.yaml": file(built), name: file("swapped"), "parking-plan9-386": file("swapped too")}, []string{
			name + " is not the program of plugin.yaml", "parking-plan9-386 is not the program of plugin.yaml",
		}},
		"a folder":         {fstest.MapFS{"plugin.yaml": file(built), name + "/x": file(program)}, []string{name + " is no regular file"}},
		"a huge signature": {fstest.MapFS{"plugin.yaml": file(built), name: file(program), "plugin.yaml.minisig": file(strings.Repeat("x", 2<<20))}, []string{"plugin.yaml.minisig is larger than 1024 KiB"}},
	} {
		p, err := manifest.ReadPackage(test.dir)
		if err == nil {
			t.Errorf("%s: %+v", name, p)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in:\n%v", name, want, err)
			}
		}
	}
}

// TestSetPrograms writes digests and leaves everything else as it was.
func TestSetPrograms(t *testing.T) {
	t.Parallel()
	head := "# 停车位\nname: parking # the name\nversion: 1.0.0\ndepartment: urban\n"
	checks := "checks:\n  # the only one\n  - {id: spaces, clauses: [A]}\n"
	programs := map[string]string{"linux/amd64": digestA, "linux/arm64": digestB}
	block := "programs:\n  linux/amd64: " + digestA + "\n  linux/arm64: " + digestB + "\n"
	for name, test := range map[string]struct{ text, want string }{
		"none":         {head + checks, head + checks + block},
		"without end":  {head + strings.TrimRight(checks, "\n"), head + checks + block},
		"empty":        {head + "programs: {}\n\n" + checks, head + block + "\n" + checks},
		"others":       {head + "# of yesterday\nprograms:\n  plan9/386: " + digestB + "\n# the checks\n" + checks, head + "# of yesterday\n" + block + "# the checks\n" + checks},
		"over lines":   {head + "programs: {\n  plan9/386: " + digestB + ",\n  }\n" + checks, head + block + checks},
		"at the end":   {head + checks + "programs: {}", head + checks + block},
		"the same":     {head + checks + block, head + checks + block},
		"in a message": {head + checks + "messages:\n  a:\n    zh: 程序\n    en: |\n      programs:\n        linux\n", head + checks + "messages:\n  a:\n    zh: 程序\n    en: |\n      programs:\n        linux\n" + block},
	} {
		got, err := manifest.SetPrograms([]byte(test.text), programs)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, test := range map[string]struct{ text, says string }{
		"faulty":       {head, "checks is missing"},
		"all in a row": {"{name: parking, version: 1.0.0, department: urban, checks: [{id: spaces, clauses: [A]}]}", "write there yourself:\nprograms:\n  linux/amd64: "},
		"set off":      {head + checks + "programs:\n\n  plan9/386: " + digestB, "write there yourself"},
		"quoted":       {head + checks + `"programs": {}`, "write there yourself"},
	} {
		if got, err := manifest.SetPrograms([]byte(test.text), programs); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}
