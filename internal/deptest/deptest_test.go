package deptest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/onedoor/onedoor"

// layers are the rooms of the core, low to high. A room may import the rooms of
// lower layers, never those of its own layer. Rooms that are not built yet stand
// here already, for their place is decided.
var layers = [][]string{
	{"internal/fault", "internal/viewer", "internal/conflict/sat"},
	{"internal/district", "internal/law", "internal/ref", "internal/workday", "internal/conflict/theory"},
	{"internal/item"},
	{"internal/scheme", "internal/standard"},
	{"internal/check", "internal/guide"},
	{"internal/casework", "internal/conflict"},
	{"internal/drafting", "internal/webhook"},
	{"internal/service"},
	{"internal/supervision"},
}

// libraries are what rooms of the core may import beyond the standard library.
var libraries = map[string][]string{
	"internal/standard": {"cel.dev/cel-go/...", "go.yaml.in/yaml/v3"}, // yaml: Decimal reads itself
}

// rules say what the files of every other folder may import beyond the standard
// library; tests may import more. "/..." means the folder and all below it, core
// means every room above, anything means anything. The most exact folder counts.
var rules = []rule{
	// What is written by hand below ent knows values, never generated code.
	{"ent/schema", "entgo.io/ent/... entgo.io/contrib/entgql ent/schema/mixin values"},
	{"ent/schema/mixin", "entgo.io/ent/... entgo.io/contrib/entgql values"},
	{"ent/migrate/migrations", ""},
	{"ent/...", "entgo.io/ent/... entgo.io/contrib/entgql github.com/99designs/gqlgen/graphql/... github.com/hashicorp/go-multierror github.com/vektah/gqlparser/v2/gqlerror ent/... values"},

	// The API reads through ent and changes through the core. It knows no store,
	// no cache and no plugin.
	{"graph/protocol", "github.com/99designs/gqlgen/graphql/... github.com/vektah/gqlparser/v2/... core"},
	{"graph/...", "github.com/99designs/gqlgen/graphql/... github.com/vektah/gqlparser/v2/... entgo.io/contrib/entgql entgo.io/ent/dialect/sql ent/... graph/... core"},

	// Adapters know the core and their technology.
	{"internal/bus", "github.com/redis/go-redis/v9 core"},
	{"internal/cache", "github.com/alicebob/miniredis/v2 github.com/redis/go-redis/v9 core"},
	{"internal/catalog", "go.yaml.in/yaml/v3 core"},
	{"internal/courier", "core"},
	{"internal/files", "gocloud.dev/blob/... gocloud.dev/gcerrors core"},
	{"internal/identity", "github.com/hashicorp/golang-lru/v2 github.com/lestrrat-go/jwx/v3/... core"},
	{"internal/jobs", ""},
	{"internal/limit", "core"},
	{"internal/store", "entgo.io/ent/dialect/... github.com/gofrs/flock github.com/jackc/pgx/v5/... github.com/pressly/goose/v3/... modernc.org/sqlite ent/... internal/catalog core"},

	// Departments' checks. What a department imports knows nothing of the platform.
	{"plugins/proto", ""},
	{"plugins/eco", "plugins/sdk"},
	{"plugins/fire", "plugins/sdk"},
	{"plugins/nrp", "plugins/sdk"},
	{"plugins/police", "plugins/sdk plugins/internal/citation plugins/internal/surroundings plugins/internal/term"},
	{"plugins/samr", "plugins/sdk plugins/internal/citation plugins/internal/creditcode plugins/internal/surroundings plugins/internal/term"},
	{"plugins/urban", "plugins/sdk plugins/internal/citation plugins/internal/creditcode plugins/internal/geodesic plugins/internal/term"},
	{"plugins/internal/citation", "plugins/sdk"},
	{"plugins/internal/creditcode", ""},
	{"plugins/internal/geodesic", ""},
	{"plugins/internal/surroundings", "plugins/sdk plugins/internal/citation plugins/internal/geodesic plugins/internal/term"},
	{"plugins/internal/term", ""},
	{"plugins/internal/...", "google.golang.org/grpc/... google.golang.org/protobuf/... plugins/internal/..."},
	{"plugins/internal/packtest", "go.yaml.in/yaml/v3 plugins/internal/pb plugins/manifest plugins/sdk plugins/sdk/plugintest internal/catalog internal/item internal/standard"},
	{"plugins/sdk/...", "github.com/hashicorp/go-plugin/... github.com/hashicorp/go-hclog google.golang.org/grpc/... google.golang.org/protobuf/... golang.org/x/sys/unix go.yaml.in/yaml/v3 plugins/internal/... plugins/sdk/..."},
	{"plugins/manifest", "aead.dev/minisign go.yaml.in/yaml/v3 plugins/internal/... plugins/sdk/... core"},
	{"plugins/kit", "github.com/hashicorp/go-plugin github.com/hashicorp/go-hclog google.golang.org/grpc golang.org/x/term internal/catalog plugins/internal/... plugins/proto plugins/sdk/... plugins/manifest core"},
	{"plugins/host/...", "github.com/hashicorp/go-plugin/... github.com/hashicorp/go-hclog google.golang.org/grpc/... google.golang.org/protobuf/... golang.org/x/sys/unix plugins/internal/... plugins/sdk/... plugins/manifest plugins/host/... core"},

	// An example for others, and a module of its own.
	{"clients/go", "github.com/Khan/genqlient/graphql github.com/vektah/gqlparser/v2/gqlerror"},

	// Tools of the build and of tests.
	{"internal/codegen", "graph/words entgo.io/... github.com/99designs/gqlgen/... github.com/vektah/gqlparser/v2/ast github.com/vektah/gqlparser/v2/formatter github.com/bufbuild/protocompile google.golang.org/protobuf/..."},
	{"internal/migrationgen", "ariga.io/atlas/... entgo.io/ent/dialect/... github.com/jackc/pgx/v5/stdlib modernc.org/sqlite ent/migrate"},
	{"internal/testservices", "github.com/jackc/pgx/v5 github.com/redis/go-redis/v9"},
	{"internal/acceptance", ""},
	{"internal/bench", ""},
	{"internal/deptest", ""},
	{".", ""},

	// The program puts everything together.
	{"server", "anything"},
	{"server/explorer", ""},
}

// departments are the folders of departments' checks. What a check finds must be the
// same when it is replayed next year: it reads its question and nothing else.
var departments = []string{"plugins/eco", "plugins/fire", "plugins/nrp", "plugins/police", "plugins/samr", "plugins/urban"}

// outside is what of the standard library leads out of a question.
var outside = []string{"crypto/rand", "math/rand/...", "net/...", "os/...", "syscall", "unsafe"}

// Two folders are not for everybody, whatever the rules above say.
const (
	program   = "server"                // imported by nothing outside of itself, tests neither
	testsOnly = "internal/testservices" // imported by tests only
)

type rule struct{ folder, may string }

// values are the rooms whose types are kept in the database as they are.
var values = slices.Concat(layers[1:7]...)

// mayImport gives what a folder may import; false means that nobody has decided.
func mayImport(folder string) ([]string, bool) {
	var lower []string
	for _, layer := range layers {
		if slices.Contains(layer, folder) {
			return append(lower, libraries[folder]...), true
		}
		lower = append(lower, layer...)
	}
	best := rule{}
	for _, r := range rules {
		if matches(r.folder, folder) && len(r.folder) > len(best.folder) {
			best = r
		}
	}
	var may []string
	for _, word := range strings.Fields(best.may) {
		switch word {
		case "core":
			may = append(may, slices.Concat(layers...)...)
		case "values":
			may = append(may, values...)
		default:
			may = append(may, word)
		}
	}
	return may, best.folder != ""
}

func isCore(folder string) bool { return slices.Contains(slices.Concat(layers...), folder) }

// matches says whether a pattern of the table names a folder or library.
func matches(pattern, name string) bool {
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == below || strings.HasPrefix(name, below+"/")
	}
	return pattern == name || pattern == "anything"
}

// breaches reads every Go file of a module and gives each breach of the rules in
// a line. It reads all files, also those for other systems.
func breaches(tree fs.FS) ([]string, error) {
	var found []string
	undecided := map[string]bool{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		folder, isTest := path.Dir(name), strings.HasSuffix(name, "_test.go")
		may, decided := mayImport(folder)
		if !decided {
			if !undecided[folder] {
				found = append(found, folder+": no rule; decide what it may import and add it to the table in internal/deptest")
			}
			undecided[folder] = true
			return nil
		}
		file, err := parse(tree, name)
		if err != nil {
			return err
		}
		for _, imported := range importsOf(file) {
			if reason := refusal(folder, imported, may, isTest); reason != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", name, imported, reason))
			}
		}
		if slices.Contains(departments, folder) && !isTest {
			for _, imported := range standardOf(file) {
				if slices.ContainsFunc(outside, func(pattern string) bool { return matches(pattern, imported) }) {
					found = append(found, fmt.Sprintf("%s imports %s: a check reads its question and nothing else", name, imported))
				}
			}
			for _, call := range clockReads(file) {
				found = append(found, fmt.Sprintf("%s uses %s: the day is in the question", name, call))
			}
		}
		if isCore(folder) && !isTest {
			for _, call := range clockReads(file) {
				found = append(found, fmt.Sprintf("%s uses %s: the core is told the time", name, call))
			}
		}
		return nil
	})
	return found, err
}

func parse(tree fs.FS, name string) (*ast.File, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return nil, err
	}
	mode := parser.ImportsOnly
	if isCore(path.Dir(name)) || slices.Contains(departments, path.Dir(name)) {
		mode = parser.SkipObjectResolution
	}
	return parser.ParseFile(token.NewFileSet(), name, text, mode)
}

// importsOf gives what a file imports beyond the standard library; folders of
// this module without its name.
func importsOf(file *ast.File) []string {
	var imports []string
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser has read it
		}
		folder, own := strings.CutPrefix(name, module+"/")
		host, _, _ := strings.Cut(name, "/")
		if own || strings.Contains(host, ".") {
			imports = append(imports, folder)
		}
	}
	return imports
}

// standardOf gives what a file imports of the standard library.
func standardOf(file *ast.File) []string {
	var imports []string
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser has read it
		}
		if host, _, _ := strings.Cut(name, "/"); !strings.Contains(host, ".") {
			imports = append(imports, name)
		}
	}
	return imports
}

// refusal says why a folder may not import something, or nothing.
func refusal(folder, imported string, may []string, isTest bool) string {
	switch {
	case imported == folder: // a black-box test
		return ""
	case matches(program+"/...", imported) && !matches(program+"/...", folder):
		return "nobody imports the program"
	case isTest:
		return ""
	case imported == testsOnly:
		return "it is for tests only"
	case !slices.ContainsFunc(may, func(pattern string) bool { return matches(pattern, imported) }):
		return "the rules do not allow it"
	}
	return ""
}

// clockReads gives the uses of the machine's clock in a file.
func clockReads(file *ast.File) []string {
	clock := ""
	for _, spec := range file.Imports {
		if spec.Path.Value == `"time"` {
			clock = "time"
			if spec.Name != nil {
				clock = spec.Name.Name
			}
		}
	}
	if clock == "." {
		return []string{"a dot import of time"}
	}
	var reads []string
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := selector.X.(*ast.Ident)
		if ok && clock != "" && x.Name == clock && slices.Contains([]string{"Now", "Since", "Until"}, selector.Sel.Name) {
			reads = append(reads, "time."+selector.Sel.Name)
		}
		return true
	})
	return reads
}

func TestImports(t *testing.T) {
	t.Parallel()
	tree := os.DirFS("../..")
	if _, err := fs.Stat(tree, "go.mod"); err != nil {
		t.Fatalf("this is not the module: %v", err)
	}
	found, err := breaches(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, breach := range found {
		t.Error(breach)
	}
}

// TestBreachesAreFound breaks each rule once in a small module: a check that
// finds nothing would please everybody.
func TestBreachesAreFound(t *testing.T) {
	t.Parallel()
	tree := fstest.MapFS{}
	write := func(name, imports, body string) {
		text := "package p\n"
		for _, name := range strings.Fields(imports) {
			text += "import " + strconv.Quote(strings.Replace(name, "@", module, 1)) + "\n"
		}
		tree[name] = &fstest.MapFile{Data: []byte(text + body)}
	}
	write("ent/schema/item.go", "regexp entgo.io/ent/schema/field @/internal/item @/ent/schema/mixin @/ent @/internal/service", "")
	write("ent/item/item.go", "entgo.io/ent/dialect/sql @/ent/predicate @/graph", "")
	write("graph/handler.go", "net/http @/ent @/graph/model @/internal/guide @/internal/store github.com/redis/go-redis/v9", "")
	write("graph/handler_test.go", "@/internal/store @/internal/testservices @/server/explorer", "")
	write("internal/cache/cache.go", "@/internal/fault @/internal/store", "")
	write("internal/guide/guide.go", "@/internal/standard time", "var Day = time.Now()\n")
	write("internal/guide/guide_test.go", "@/internal/catalog time", "var Day = time.Now()\n")
	write("internal/item/item.go", "@/internal/law @/internal/standard @/ent", "")
	write("internal/scheme/scheme.go", "@/internal/item @/internal/standard cel.dev/cel-go/cel", "")
	write("internal/standard/clause.go", "cel.dev/cel-go/cel cel.dev/cel-go/common/ast", "")
	write("internal/workday/date.go", "", "import clock \"time\"\nvar Age = clock.Since(clock.Unix(0, 0))\n")
	write("internal/shed/shed.go", "@/internal/store", "")
	write("internal/shed/rake.go", "@/internal/store", "")
	write("plugins/police/main.go", "math net/http time @/plugins/sdk @/internal/law", "var Day = time.Now()\n")
	write("plugins/police/main_test.go", "os time @/plugins/sdk/plugintest", "var Day = time.Now()\n")
	write("server/main.go", "@/graph @/internal/store @/server/explorer @/internal/testservices github.com/anybody/anything", "")
	write("testdata/no.go", "@/server", "")
	found, err := breaches(tree)
	if err != nil {
		t.Fatal(err)
	}
	const notAllowed = ": the rules do not allow it"
	want := []string{
		"ent/item/item.go imports graph" + notAllowed,
		"ent/schema/item.go imports ent" + notAllowed,
		"ent/schema/item.go imports internal/service" + notAllowed,
		"graph/handler.go imports internal/store" + notAllowed,
		"graph/handler.go imports github.com/redis/go-redis/v9" + notAllowed,
		"graph/handler_test.go imports server/explorer: nobody imports the program",
		"internal/cache/cache.go imports internal/store" + notAllowed,
		"internal/guide/guide.go uses time.Now: the core is told the time",
		"internal/item/item.go imports internal/standard" + notAllowed,
		"internal/item/item.go imports ent" + notAllowed,
		"internal/scheme/scheme.go imports internal/standard" + notAllowed,
		"internal/scheme/scheme.go imports cel.dev/cel-go/cel" + notAllowed,
		"internal/shed: no rule; decide what it may import and add it to the table in internal/deptest",
		"internal/workday/date.go uses time.Since: the core is told the time",
		"plugins/police/main.go imports internal/law" + notAllowed,
		"plugins/police/main.go imports net/http: a check reads its question and nothing else",
		"plugins/police/main.go uses time.Now: the day is in the question",
		"server/main.go imports internal/testservices: it is for tests only",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("breaches (-want +found):\n%s", diff)
	}
}
