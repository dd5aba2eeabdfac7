package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/files"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/plugins/host"
	"github.com/onedoor/onedoor/plugins/kit"
	"github.com/onedoor/onedoor/plugins/manifest"
)

const pluginUsage = kit.Usage + `  plugin install [DIR]      put a signed package into the registry, off
  plugin activate [NAME]    give a version a mode: --mode enforce, shadow or off
  plugin rollback NAME      enforce the version that was enforced before
  plugin compare NAME       ask a version about past cases: which outcomes change?
  plugin list               what is installed, and what it is for
  plugin replay             ask again what was asked in a case, and compare byte for byte
  plugin doctor             how well plugins are kept in on this machine, and why
`

// pluginCommand runs the commands on plugins: those of an author are the kit's,
// those of the central team work on the registry.
func pluginCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("which plugin command?\n%s", pluginUsage)
	}
	verb, args := args[0], args[1:]
	if kit.Has(verb) {
		k := &kit.Kit{Getenv: getenv, Stdout: stdout, Stderr: stderr, Password: kit.Terminal(os.Stdin, stderr)}
		return k.Run(ctx, verb, args)
	}
	commands := map[string]func(*registrar, context.Context, []string) error{
		"install": (*registrar).install, "activate": (*registrar).activate, "rollback": (*registrar).rollback,
		"compare": (*registrar).compare, "list": (*registrar).list, "replay": (*registrar).replay, "doctor": (*registrar).doctor,
	}
	run, ok := commands[verb]
	if !ok {
		return fmt.Errorf("there is no plugin command %q\n%s", verb, pluginUsage)
	}
	r := &registrar{verb: verb, stdout: stdout}
	c, rest, err := parseConfig("plugin "+verb, args, getenv, stderr, r.flags)
	if err != nil {
		return err
	}
	r.config = c
	return run(r, ctx, rest)
}

// registrar is the central team at the registry.
type registrar struct {
	verb   string
	stdout io.Writer
	config config

	mode     check.Mode
	version  string
	policies map[string]check.Policy
	sample   int
	asJSON   bool
	caseName string
	receipt  string
}

// flags are those of the command.
func (r *registrar) flags(flags *flag.FlagSet) {
	r.mode, r.policies = check.Enforce, map[string]check.Policy{}
	if slices.Contains([]string{"activate", "compare"}, r.verb) {
		flags.StringVar(&r.version, "version", "", "the `VERSION`; the one installed last when empty")
	}
	switch r.verb {
	case "activate":
		flags.Func("mode", "enforce (its findings land on reviews), shadow (asked beside, shown to nobody) or off; enforce when empty", func(s string) error {
			r.mode = check.Mode(strings.ToUpper(s))
			if !slices.Contains(r.mode.Values(), string(r.mode)) {
				return errors.New("it is none of enforce, shadow, off")
			}
			return nil
		})
		flags.BoolFunc("shadow", "the same as --mode shadow", func(string) error { r.mode = check.Shadow; return nil })
		flags.Func("policy", "`CHECK=POLICY`, once for each check whose wish is not approved: reject, refer or proceed", func(s string) error {
			id, policy, ok := strings.Cut(s, "=")
			r.policies[id] = check.Policy(strings.ToUpper(policy))
			if !ok || !r.policies[id].Valid() {
				return errors.New("it is no CHECK=reject, refer or proceed")
			}
			return nil
		})
		flags.IntVar(&r.sample, "sample", 0, "with --mode shadow: ask it about this many past cases first, and report which outcomes change")
	case "compare":
		flags.IntVar(&r.sample, "sample", 1000, "how many past cases, the newest first")
		flags.BoolVar(&r.asJSON, "json", false, "as JSON")
	case "list":
		flags.BoolVar(&r.asJSON, "json", false, "as JSON")
	case "replay":
		flags.StringVar(&r.caseName, "case", "", "`NUMBER` of the case whose calls are replayed, all of them")
		flags.StringVar(&r.receipt, "receipt", "", "one `RECEIPT`, as a finding names it")
	}
}

// open opens the database and the store of files.
func (r *registrar) open(ctx context.Context) (*store.Store, *files.Files, error) {
	s, err := store.Open(ctx, r.config.databaseURL)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Migrate(ctx); err != nil {
		s.Close()
		return nil, nil, err
	}
	f, err := files.Open(ctx, r.config.blobURL)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, f, nil
}

func (r *registrar) usage(what string) error {
	return fmt.Errorf("usage: server plugin %s [flags] %s", r.verb, what)
}

// me names who acts, for the record.
func me() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "operator"
}

// install verifies a package and puts it into the registry. Nothing of it runs.
func (r *registrar) install(ctx context.Context, args []string) error {
	if len(args) > 1 {
		return r.usage("[DIR]")
	}
	dir := kit.Folder(args)
	p, err := manifest.ReadPackage(os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("%w\n%s: nothing was installed", err, dir)
	}
	m := p.Manifest
	keys, err := readKeys(r.config.pluginKeys)
	if err != nil {
		return err
	}
	signed := keys.Verify(p.Bytes, p.Signature, m.Department)
	if signed != nil && !r.config.pluginDev {
		return fmt.Errorf("%w\nnothing was installed; while you develop, --dev takes it unsigned, and says so on each finding", signed)
	}
	s, f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	defer f.Close()
	v := check.Version{
		Name: m.Name, Version: m.Version, Department: m.Department, Manifest: p.Bytes, Programs: map[string]check.Program{},
		InstalledAt: time.Now(), InstalledBy: me(),
	}
	if signed == nil {
		v.Signature = p.Signature
	}
	for _, c := range m.Checks {
		v.Checks = append(v.Checks, check.Check{
			ID: c.ID, Clauses: c.Clauses, Facts: c.Facts, OptionalFacts: c.OptionalFacts, Materials: c.Materials, Contents: c.Contents,
			Policy: c.OnFailure, Pure: c.Pure,
		})
	}
	for platform, digest := range m.Programs {
		program, err := os.Open(filepath.Join(dir, m.FileName(platform)))
		if errors.Is(err, os.ErrNotExist) {
			continue // for a machine that this registry does not serve
		}
		if err != nil {
			return err
		}
		key, err := f.SaveProgram(ctx, digest, program)
		_ = program.Close()
		if err != nil {
			return err
		}
		v.Programs[platform] = check.Program{Digest: digest, File: key}
	}
	if err := s.Install(ctx, v); err != nil {
		return err
	}
	by := "signed by " + m.Department
	if signed != nil {
		by = "UNSIGNED"
	}
	fmt.Fprintf(r.stdout, "%s %s is installed, %s, off\nnext: server plugin activate %s --mode shadow --sample 1000\n", m.Name, m.Version, by, m.Name)
	return nil
}

// find gives the version that is meant: of this name, or of the plugin in whose
// folder one stands.
func (r *registrar) find(ctx context.Context, registry check.Registry, args []string) (check.Version, error) {
	name := ""
	switch {
	case len(args) > 1:
		return check.Version{}, r.usage("NAME")
	case len(args) == 1:
		name = args[0]
	default:
		p, err := manifest.ReadPackage(os.DirFS(kit.Folder(nil)))
		if err != nil {
			return check.Version{}, r.usage("NAME")
		}
		name = p.Manifest.Name
		if r.version == "" {
			r.version = p.Manifest.Version
		}
	}
	versions, err := registry.Versions(ctx)
	if err != nil {
		return check.Version{}, err
	}
	k := slices.IndexFunc(versions, func(v check.Version) bool { return v.Name == name && (r.version == "" || v.Version == r.version) })
	if k < 0 {
		return check.Version{}, fmt.Errorf("no %s %s is installed; see server plugin list", name, r.version)
	}
	return versions[k], nil
}

// activate gives a version a mode. Running servers follow within a second.
func (r *registrar) activate(ctx context.Context, args []string) error {
	if r.sample > 0 && r.mode != check.Shadow {
		return errors.New("--sample goes with --mode shadow")
	}
	s, f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	defer f.Close()
	v, err := r.find(ctx, s, args)
	if err != nil {
		return err
	}
	book, err := loadCatalogue(ctx, s)
	if err != nil {
		return err
	}
	if r.sample > 0 {
		if err := r.compareWith(ctx, s, f, book, v); err != nil {
			return err
		}
	}
	office := &check.Office{Registry: s, Catalogue: func() check.Catalogue { return book }, Now: time.Now}
	a, err := office.Activate(ctx, v.Name, v.Version, r.mode, r.policies, me())
	if err != nil {
		return spoken(err)
	}
	r.told(a)
	return nil
}

func (r *registrar) told(a check.Activation) {
	fmt.Fprintf(r.stdout, "%s %s is %s; running servers follow within a second\n", a.Name, a.Version, a.Mode)
	if a.Mode == check.Off {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(a.Policies)) {
		fmt.Fprintf(r.stdout, "  %s: when it cannot be run, %s\n", id, map[check.Policy]string{
			check.Reject:  "the submission is not taken (REJECT)",
			check.Refer:   "an officer judges, within the same limit (REFER)",
			check.Proceed: "the case goes on with a note (PROCEED)",
		}[a.Policies[id]])
	}
}

func (r *registrar) rollback(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return r.usage("NAME")
	}
	s, f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	defer f.Close()
	book, err := loadCatalogue(ctx, s)
	if err != nil {
		return err
	}
	office := &check.Office{Registry: s, Catalogue: func() check.Catalogue { return book }, Now: time.Now}
	a, err := office.Rollback(ctx, args[0], me())
	if err != nil {
		return spoken(err)
	}
	r.told(a)
	return nil
}

func (r *registrar) list(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return r.usage("")
	}
	s, f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	defer f.Close()
	versions, err := s.Versions(ctx)
	if err != nil {
		return err
	}
	if r.asJSON {
		type row struct {
			Name, Version, Department string
			Mode                      check.Mode
			Signed                    bool
			Programs                  map[string]check.Program
			Policies                  map[string]check.Policy
			InstalledAt               time.Time
			InstalledBy, ActivatedBy  string
		}
		out := []row{}
		for _, v := range versions {
			out = append(out, row{v.Name, v.Version, v.Department, v.Mode, len(v.Signature) > 0, v.Programs, v.Policies, v.InstalledAt, v.InstalledBy, v.ActivatedBy})
		}
		return printJSON(r.stdout, out)
	}
	table := tabwriter.NewWriter(r.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tVERSION\tDEPARTMENT\tMODE\tSIGNED\tINSTALLED\tBY")
	for _, v := range versions {
		signed := "yes"
		if len(v.Signature) == 0 {
			signed = "NO"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", v.Name, v.Version, v.Department, v.Mode, signed, v.InstalledAt.Format(time.DateOnly), v.InstalledBy)
	}
	return table.Flush()
}

// doctor says how well plugins are kept in.
func (r *registrar) doctor(_ context.Context, args []string) error {
	if len(args) > 0 {
		return r.usage("")
	}
	h, err := openHost(r.config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer h.Close()
	fmt.Fprint(r.stdout, h.Doctor())
	return nil
}

// compare asks a version about past cases.
func (r *registrar) compare(ctx context.Context, args []string) error {
	s, f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	defer f.Close()
	v, err := r.find(ctx, s, args)
	if err != nil {
		return err
	}
	book, err := loadCatalogue(ctx, s)
	if err != nil {
		return err
	}
	return r.compareWith(ctx, s, f, book, v)
}

// compareWith runs a version in a host of its own and asks it about past cases.
func (r *registrar) compareWith(ctx context.Context, s *store.Store, f *files.Files, book *guide.Catalogue, v check.Version) error {
	h, err := openHost(r.config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer h.Close()
	v.Mode = check.Shadow
	if err := h.Apply(ctx, []host.Release{releaseOf(v, f)}); err != nil {
		return err
	}
	ids, err := s.PastCases(ctx, r.sample)
	if err != nil {
		return err
	}
	desk := &casework.Desk{Cases: s, Notices: s, Files: f, Checks: h, Book: guide.NewBook(book), Now: time.Now}
	last := time.Now()
	out, err := desk.Compare(ctx, h, ids, func(done int) {
		if !r.asJSON && time.Since(last) > time.Second {
			last = time.Now()
			fmt.Fprintf(r.stdout, "%d of %d cases\n", done, len(ids))
		}
	})
	if err != nil {
		return err
	}
	if r.asJSON {
		return printJSON(r.stdout, out)
	}
	changed := map[string]bool{}
	for _, c := range out.Changed {
		changed[c.Case] = true
	}
	fmt.Fprintf(r.stdout, "%s %s: %d of %d outcomes change (%d past cases looked at, %d could not be judged)\n", v.Name, v.Version, len(changed), out.Cases, len(ids), out.Unasked)
	table := tabwriter.NewWriter(r.stdout, 0, 4, 2, ' ', 0)
	for _, c := range out.Changed {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s → %s\t%s\n", c.Number, c.Check, c.Clause, c.Before, c.After, c.Code)
	}
	return table.Flush()
}

// replay asks again what was asked, the program of the stored digest, and
// compares the answers byte for byte.
func (r *registrar) replay(ctx context.Context, args []string) error {
	if len(args) > 0 || (r.caseName == "") == (r.receipt == "") {
		return r.usage("--case NUMBER, or --receipt RECEIPT")
	}
	s, f, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	defer f.Close()
	id := ""
	if r.caseName != "" {
		if id, err = s.Numbered(ctx, r.caseName); err == nil && id == "" {
			err = fmt.Errorf("there is no case %s", r.caseName)
		}
		if err != nil {
			return err
		}
	}
	receipts, err := s.Receipts(ctx, id, r.receipt)
	if err != nil {
		return err
	}
	if len(receipts) == 0 {
		return errors.New("there is no receipt: no plugin was asked")
	}
	versions, err := s.Versions(ctx)
	if err != nil {
		return err
	}
	h, err := openHost(r.config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer h.Close()
	differ := 0
	for _, receipt := range receipts {
		k := slices.IndexFunc(versions, func(v check.Version) bool {
			return v.Name == receipt.Source.Plugin && v.Version == receipt.Source.Version
		})
		if k < 0 {
			return fmt.Errorf("%s: %s %s is not installed any more", receipt.ID, receipt.Source.Plugin, receipt.Source.Version)
		}
		contents, err := s.Attached(ctx, receipt.Case)
		if err != nil {
			return err
		}
		for i := range contents {
			key := files.KeyOf(contents[i].SHA256)
			contents[i].Open = func(ctx context.Context) (io.ReadCloser, error) { return f.Open(ctx, key) }
		}
		same, response, err := h.Replay(ctx, receipt, releaseOf(versions[k], f), contents)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", receipt.ID, err)
		case same:
			fmt.Fprintf(r.stdout, "%s  %s %s  the same %d bytes\n", receipt.ID, receipt.Source.Plugin, receipt.Source.Version, len(response))
		default:
			differ++
			fmt.Fprintf(r.stdout, "%s  %s %s  DIFFERS: %d bytes then, %d now\n", receipt.ID, receipt.Source.Plugin, receipt.Source.Version, len(receipt.Response), len(response))
		}
	}
	if differ > 0 {
		return fmt.Errorf("%d of %d answers differ", differ, len(receipts))
	}
	return nil
}

// spoken gives a fault with all of its problems, a line each.
func spoken(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Problems) == 0 {
		return err
	}
	lines := []string{f.EN}
	for _, p := range f.Problems {
		lines = append(lines, "  "+p.Path+": "+p.EN)
	}
	return errors.New(strings.Join(lines, "\n"))
}

func printJSON(w io.Writer, v any) error {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := out.WriteTo(w)
	return err
}
