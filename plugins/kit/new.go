package kit

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"text/template"

	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/plugins/manifest"
)

// module is what a plugin in Go imports the SDK from.
const module = "github.com/onedoor/onedoor"

//go:embed template
var templates embed.FS

// exampleLaw is the law of the example. What is built on it is not signed.
const exampleLaw = "示例规定"

var (
	clauseForm  = regexp.MustCompile(`^[A-Za-z0-9]+([-_.][A-Za-z0-9]+)*$`)
	releaseForm = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
)

// example fills the templates.
type example struct {
	Name, Department, Clause string
	Main                     string // the file with the checks
	Interpreter              string
	SDK                      string // of node: where the SDK is
}

func (k *Kit) create(ctx context.Context, args []string) error {
	var dir, department, clause, language, checkout string
	names, err := k.parse("new", args, []string{"NAME"}, func(flags *flag.FlagSet) {
		flags.StringVar(&dir, "dir", "", "the `FOLDER` to write; NAME when empty, plugins/NAME where you stand in the source of onedoor")
		flags.StringVar(&department, "department", "", "the `CODE` of the department that answers for it; NAME when that is a department, or else urban, when empty")
		flags.StringVar(&clause, "clause", "", "the `CODE` of the clause that the example judges; one of the department's that an officer judges by hand when empty")
		flags.StringVar(&language, "language", inGo, "go or node")
		flags.StringVar(&checkout, "onedoor", "", "a `FOLDER` with the source of onedoor, outside of which the plugin stands; found when empty and you stand in one")
	})
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("which name has the plugin? server plugin new NAME --department CODE")
	}
	e := example{Name: names[0], Department: department, Clause: clause, Main: "main.go"}
	source, err := findCheckout(checkout)
	if err != nil {
		return err
	}
	if dir == "" {
		dir = e.Name
		if _, err := os.Stat(filepath.Join("plugins", "sdk", "sdk.go")); err == nil && checkout == "" && source != "" {
			dir = filepath.Join("plugins", e.Name)
		}
	}
	switch {
	case !manifest.IsName(e.Name):
		return fmt.Errorf("%q is no name of a plugin: take lower-case letters, digits and hyphens, such as exit-width", e.Name)
	case e.Department != "" && !manifest.IsDepartment(e.Department):
		return fmt.Errorf("--department: %q is no code of a department, such as fire", e.Department)
	case language != inGo && language != inNode:
		return fmt.Errorf("--language: %q is none of go, node", language)
	}
	if err := e.choose(); err != nil {
		return err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty: name another folder with --dir", dir)
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if parent, err := filepath.EvalSymlinks(filepath.Dir(absolute)); err == nil { // a path with .. means the real folders
		absolute = filepath.Join(parent, filepath.Base(absolute))
	}
	inside := checkoutAround(absolute) != ""
	files := map[string][]byte{}
	if language == inNode {
		e.Main, e.Interpreter = "checks.js", inNode
		if source == "" {
			return errors.New("the SDK for node stands in the source of onedoor: say where that is: --onedoor FOLDER")
		}
		if e.SDK, err = filepath.Rel(absolute, filepath.Join(source, "plugins", "sdk", "node")); err != nil {
			return err
		}
		e.SDK = filepath.ToSlash(e.SDK)
	} else if !inside {
		if err := moduleFiles(files, e.Name, absolute, source); err != nil {
			return err
		}
	}
	if err := fill(files, e, "both", language); err != nil {
		return err
	}
	for name, text := range files {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return err
		}
	}
	p := &project{dir: dir, language: language}
	if files["go.mod"] != nil {
		var said bytes.Buffer
		quiet := Kit{Stdout: &said, Stderr: &said}
		if err := quiet.run(ctx, p, nil, "go", "mod", "tidy"); err != nil {
			if source == "" {
				return fmt.Errorf("%s is written, but its SDK cannot be fetched (go mod tidy: %w):\n%s", dir, err, said.String())
			}
			fmt.Fprintf(k.Stderr, "go mod tidy: %v\n%s(the plugin builds as it is; go.mod names more than it needs)\n", err, said.String())
		}
	}
	fmt.Fprintf(k.Stdout, "%s: the plugin %s of the department %s, with an example of a check\n", dir, e.Name, e.Department)
	if inside && language == inGo {
		fmt.Fprintf(k.Stdout, "it is a package of the platform: internal/deptest needs a line for it, which lets it import plugins/sdk\n")
	}
	if language == inNode {
		k.next("cd %s && npm install, then server plugin test", dir)
	} else {
		k.next("cd %s, then server plugin test", dir)
	}
	return nil
}

// someDepartment is whose plugin an example is when nobody says whose.
const someDepartment = "urban"

// choose finds the department and the clause where they are not named. A plugin
// judges only clauses that the catalogue has, so that the example can be
// activated as it is.
func (e *example) choose() error {
	pack, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		return err
	}
	byHand := func(department string) string {
		for _, c := range pack.Clauses {
			if c.Value.Department == department && c.Value.Requires == nil {
				return c.Value.Code
			}
		}
		return ""
	}
	if e.Department == "" {
		if e.Department = e.Name; byHand(e.Name) == "" {
			e.Department = someDepartment
		}
	}
	if e.Clause == "" {
		e.Clause = byHand(e.Department)
	}
	if e.Clause == "" {
		return fmt.Errorf("which clause does it judge? The shipped catalogue has none that %s judges by hand: name one with --clause", e.Department)
	}
	if !clauseForm.MatchString(e.Clause) {
		return fmt.Errorf("--clause: %q is no code of a clause, such as C-FIR-002", e.Clause)
	}
	return nil
}

// fill writes the files of templates.
func fill(files map[string][]byte, e example, sets ...string) error {
	for _, set := range sets {
		root := path.Join("template", set)
		err := fs.WalkDir(templates, root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			parsed, err := template.New(path.Base(name)).Delims("<<", ">>").ParseFS(templates, name) // source in Go has {{
			if err != nil {
				return err
			}
			var out bytes.Buffer
			if err := parsed.Execute(&out, e); err != nil {
				return err
			}
			to := strings.TrimSuffix(strings.TrimPrefix(name, root+"/"), ".tmpl")
			if to == "gitignore" || to == "npmrc" {
				to = "." + to // hidden files are not embedded
			}
			files[to] = out.Bytes()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// moduleFiles writes go.mod and go.sum of a plugin outside of onedoor. With a
// source at hand the plugin is built against it, with the very versions that
// onedoor has; "go mod tidy" then takes out what is too much. Without one, the
// SDK is that of this program's release.
func moduleFiles(files map[string][]byte, name, dir, source string) error {
	head := "module plugin.local/" + name + "\n"
	if source == "" {
		info, ok := debug.ReadBuildInfo()
		if !ok || info.Main.Path != module || !releaseForm.MatchString(info.Main.Version) {
			return errors.New("this program is no release whose SDK could be fetched: say where the source of onedoor is: --onedoor FOLDER")
		}
		files["go.mod"] = []byte(head + "\ngo " + strings.TrimPrefix(info.GoVersion, "go") + "\n\nrequire " + module + " " + info.Main.Version + "\n")
		return nil
	}
	text, err := os.ReadFile(filepath.Join(source, "go.mod"))
	if err != nil {
		return err
	}
	if files["go.sum"], err = os.ReadFile(filepath.Join(source, "go.sum")); err != nil {
		return err
	}
	to, err := filepath.Rel(dir, source)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s\nrequire %s v0.0.0\n\n// The SDK is that of the source beside; take a release where there is one.\nreplace %[2]s => %s\n", head, module, filepath.ToSlash(to))
	out.Write(requirements(text))
	files["go.mod"] = out.Bytes()
	return nil
}

// requirements takes the version of Go and what is required out of a go.mod.
func requirements(text []byte) []byte {
	var out bytes.Buffer
	inside := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		inside = inside || line == "require ("
		if inside || strings.HasPrefix(line, "go ") || strings.HasPrefix(line, "require ") {
			out.WriteString(line + "\n")
		}
		inside = inside && line != ")"
	}
	return out.Bytes()
}

// findCheckout gives the source of onedoor: the one that is named, or the one
// around the folder where one stands, or none.
func findCheckout(named string) (string, error) {
	absolute, err := filepath.Abs(named) // "" is where one stands
	if err != nil {
		return "", err
	}
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return "", fmt.Errorf("--onedoor: %w", err)
	}
	found := checkoutAround(absolute)
	if named != "" && found != absolute {
		return "", fmt.Errorf("--onedoor: %s is not the source of onedoor: it has no go.mod of %s with plugins/sdk", named, module)
	}
	return found, nil
}

// checkoutAround gives the source of onedoor in which a folder lies, or nothing.
func checkoutAround(dir string) string {
	for {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil {
			_, err := os.Stat(filepath.Join(dir, "plugins", "sdk", "sdk.go"))
			if err == nil && strings.HasPrefix(string(text), "module "+module+"\n") {
				return dir
			}
			return ""
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}
