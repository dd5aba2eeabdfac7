// Package catalog reads, checks and writes catalogue packs: a folder of YAML
// files with everything that a district publishes. It knows the files; what the
// entries mean belongs to the rooms whose types it fills.
package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/onedoor/onedoor/internal/district"
	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/scheme"
	"github.com/onedoor/onedoor/internal/standard"
	"github.com/onedoor/onedoor/internal/workday"
)

//go:embed packs/jiangbei/*.yaml
var packs embed.FS

// Jiangbei is the pack that ships with the product.
func Jiangbei() fs.FS {
	pack, err := fs.Sub(packs, "packs/jiangbei")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return pack
}

// Entry is one entry of a list in a pack: its typed value, and what the pack
// says beyond our types (see leftover.go).
type Entry[T any] struct {
	Value T              `json:"value"`
	Extra map[string]any `json:"extra,omitempty"`
	place place
}

// Pack is a catalogue in memory. Rules holds every list and section for which
// there is no type: time rules, lamps, privacy masks, derived facts, samples.
type Pack struct {
	Departments []Entry[district.Department]
	Regions     []Entry[district.Region]
	Zones       []Entry[district.Zone]
	Facts       []Entry[standard.Fact]
	Items       []Entry[item.Item]
	Clauses     []Entry[standard.Clause]
	Schemes     []Entry[scheme.Scheme]
	Laws        []Entry[law.Law]
	Calendar    string // code of the working calendar
	Years       []Entry[workday.Year]
	Rules       []Entry[law.Rule]
}

// The files and keys that have types. Everything else in a pack becomes Rules.
const (
	fileDepartments = "departments.yaml"
	fileRegions     = "regions.yaml"
	fileFacts       = "facts.yaml"
	fileItems       = "items.yaml"
	fileClauses     = "clauses.yaml"
	fileIndustries  = "industries.yaml"
	fileHolidays    = "holidays.yaml"
	fileLaws        = "laws.yaml"
)

// Fault is one fault of a pack.
type Fault struct {
	File   string
	Line   int
	Path   string // below the file: clauses[3].applies_when; "" where it is about the file
	Reason string
}

func (f Fault) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Reason) }

// Faults is every fault of a pack, in the order of files and lines. It is the
// error of Read.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sorted() Faults {
	sort.SliceStable(f, func(i, j int) bool {
		if f[i].File != f[j].File {
			return f[i].File < f[j].File
		}
		return f[i].Line < f[j].Line
	})
	return f
}
