package kit

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/term"

	"github.com/onedoor/onedoor/plugins/manifest"
)

// keySuffix ends the name of a private key file.
const keySuffix = ".key"

func (k *Kit) keygen(ctx context.Context, args []string) error {
	var dir string
	names, err := k.parse("keygen", args, []string{"DEPARTMENT"}, func(flags *flag.FlagSet) {
		flags.StringVar(&dir, "dir", ".", "the `FOLDER` for both files")
	})
	if err != nil {
		return err
	}
	if len(names) == 0 || !manifest.IsDepartment(names[0]) {
		return errors.New("whose key is it? server plugin keygen DEPARTMENT, by its code, such as fire")
	}
	department := names[0]
	private, public := filepath.Join(dir, department+keySuffix), filepath.Join(dir, department+manifest.KeySuffix)
	for _, name := range []string{private, public} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s is there already and is kept: name another folder with --dir", name)
		}
	}
	password, err := k.password(ctx, "password for the new key of "+department+": ", true)
	if err != nil {
		return err
	}
	pub, priv, err := manifest.GenerateKey(nil, password)
	if err != nil {
		return err
	}
	if err := writeNew(private, priv, 0o600); err != nil {
		return err
	}
	if err := writeNew(public, pub, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(k.Stdout, "%s  the private key: keep it off the network; who has it and the password speaks for %s\n", private, department)
	fmt.Fprintf(k.Stdout, "%s  the public key: bring it to the central team in person\n", public)
	k.next("server plugin sign [DIR] --key %s", private)
	return nil
}

// writeNew writes a file that is not there yet.
func writeNew(name string, text []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

func (k *Kit) sign(ctx context.Context, args []string) error {
	var keyFile string
	rest, err := k.parse("sign", args, []string{"[DIR]"}, func(flags *flag.FlagSet) {
		flags.StringVar(&keyFile, "key", "", "the `FILE` of the department's private key")
	})
	if err != nil {
		return err
	}
	p, err := open(rest)
	if err != nil {
		return err
	}
	if keyFile == "" {
		return fmt.Errorf("with which key? server plugin sign%s --key FILE (server plugin keygen %s makes one)", p.arg(), p.manifest.Department)
	}
	built, err := manifest.ReadPackage(os.DirFS(p.dir)) // the programs are those of the digests
	if err != nil {
		return fmt.Errorf("%s: %w", p.dir, err)
	}
	for _, name := range []string{"main.go", "checks.js"} {
		if text, err := os.ReadFile(p.path(name)); err == nil && bytes.Contains(text, []byte(exampleLaw)) {
			return fmt.Errorf("%s still rests on %s, the example's law: name the law of your check, build and conform again", p.path(name), exampleLaw)
		}
	}
	file, err := os.ReadFile(keyFile)
	if err != nil {
		return fmt.Errorf("%w: server plugin keygen %s makes a key", err, p.manifest.Department)
	}
	password, err := k.password(ctx, "password of "+keyFile+": ", false)
	if err != nil {
		return err
	}
	key, err := manifest.OpenKey(file, password)
	if err != nil {
		return fmt.Errorf("%s: %w", keyFile, err)
	}
	signature, err := manifest.Sign(built.Bytes, key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(p.path(manifest.SignatureFile), signature, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(k.Stdout, "%s  %s %s of %s, signed with the key %016X\n", p.path(manifest.SignatureFile), p.manifest.Name, p.manifest.Version, p.manifest.Department, key.ID())
	k.next("server plugin pack%s", p.arg())
	return nil
}

// password is that of the environment, or a person is asked, for a new one twice.
func (k *Kit) password(ctx context.Context, prompt string, twice bool) (string, error) {
	if password := k.Getenv(EnvPassword); password != "" {
		return password, nil
	}
	if k.Password == nil {
		return "", fmt.Errorf("there is no terminal to ask for the password: set %s", EnvPassword)
	}
	password, err := k.Password(prompt)
	if err == nil && twice {
		var again string
		if again, err = k.Password("the same again: "); err == nil && again != password {
			err = errors.New("the passwords differ: try again")
		}
	}
	return password, errors.Join(err, ctx.Err()) // who gave up has typed half of it
}

// Terminal asks at the terminal, without showing what is typed; it is nil where
// there is none.
func Terminal(in *os.File, out io.Writer) func(string) (string, error) {
	if !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return func(prompt string) (string, error) {
		fmt.Fprint(out, prompt)
		password, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(out)
		return string(password), err
	}
}

func (k *Kit) pack(_ context.Context, args []string) error {
	var out string
	rest, err := k.parse("pack", args, []string{"[DIR]"}, func(flags *flag.FlagSet) {
		flags.StringVar(&out, "out", "", "the `FOLDER` to write; NAME-VERSION when empty")
	})
	if err != nil {
		return err
	}
	p, err := open(rest)
	if err != nil {
		return err
	}
	built, err := manifest.ReadPackage(os.DirFS(p.dir))
	if err != nil {
		return fmt.Errorf("%s: %w", p.dir, err)
	}
	if built.Signature == nil {
		return fmt.Errorf("%s is not signed: server plugin sign%s --key FILE", p.dir, p.arg())
	}
	if out == "" {
		out = p.manifest.Name + "-" + p.manifest.Version
	}
	if err := os.Mkdir(out, 0o755); err != nil {
		return fmt.Errorf("%w: name another folder with --out", err)
	}
	names := []string{manifest.File, manifest.SignatureFile}
	for platform := range p.manifest.Programs {
		names = append(names, p.manifest.FileName(platform))
	}
	for _, name := range names {
		text, err := os.ReadFile(p.path(name))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: build again, for all platforms of %s, and sign", err, manifest.File)
		}
		if err != nil {
			return err
		}
		if err := writeNew(filepath.Join(out, name), text, 0o644); err != nil {
			return err
		}
	}
	if _, err := manifest.ReadPackage(os.DirFS(out)); err != nil {
		return fmt.Errorf("%s: %w", out, err)
	}
	fmt.Fprintf(k.Stdout, "%s  %d files\n", out, len(names))
	k.next("hand it over; the central team runs server plugin install %s", out)
	return nil
}
