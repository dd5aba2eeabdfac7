package manifest_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
)

const (
	digestA = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	digestB = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
)

const parking = `# 停车位核验
name: parking
version: 1.0.0
department: urban
programs:
  linux/amd64: ` + digestA + `
  linux/arm64: ` + digestB + `
checks:
  - id: spaces
    clauses: [URBAN-PARK-01]
    facts: [floor_area, parking_spaces]
    optional_facts: [near_metro]
  - id: plan
    clauses: [URBAN-PARK-02, URBAN-PARK-03]
    materials: [licence]
    contents: [site-plan]
    on_failure: REJECT
    pure: false
resources:
  memory_mib: 256
  concurrency: 8
  queue: 64
  call_timeout: 1500ms
  start_timeout: 5s
  idle_after: 10m
messages:
  spaces.too_few:
    zh: 应配 {need} 个车位，只有 {have} 个。
    en: "{need} spaces are needed, there are {have}."
  plan.note:
    zh: 见 {{图}} 。
    en: See {{the plan}}.
`

func parse(t *testing.T, text string) *manifest.Manifest {
	t.Helper()
	m, err := manifest.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParse(t *testing.T) {
	t.Parallel()
	want := &manifest.Manifest{
		Name: "parking", Version: "1.0.0", Department: "urban",
		Programs: map[string]string{"linux/amd64": digestA, "linux/arm64": digestB},
		Checks: []manifest.Check{{
			ID: "spaces", Clauses: []string{"URBAN-PARK-01"}, Facts: []string{"floor_area", "parking_spaces"},
			OptionalFacts: []string{"near_metro"}, OnFailure: check.Refer, Pure: true,
		}, {
			ID: "plan", Clauses: []string{"URBAN-PARK-02", "URBAN-PARK-03"}, Materials: []string{"licence"},
			Contents: []string{"site-plan"}, OnFailure: check.Reject,
		}},
		Resources: manifest.Resources{
			MemoryMiB: 256, Concurrency: 8, Queue: 64,
			CallTimeout: 1500 * time.Millisecond, StartTimeout: 5 * time.Second, IdleAfter: 10 * time.Minute,
		},
		Messages: map[string]check.Text{
			"spaces.too_few": {ZH: "应配 {need} 个车位，只有 {have} 个。", EN: "{need} spaces are needed, there are {have}."},
			"plan.note":      {ZH: "见 {{图}} 。", EN: "See {{the plan}}."},
		},
	}
	if diff := cmp.Diff(want, parse(t, parking)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	good := "name: parking\nversion: 1.0.0\ndepartment: urban\nchecks: [{id: spaces, clauses: [A]}]\n" // four lines
	for name, test := range map[string]struct{ text, want string }{
		"nothing":             {"", "plugin.yaml:1: a manifest is a list of fields: name, version, department, checks …"},
		"a list":              {"- name: x", "plugin.yaml:1: a manifest is a list of fields: name, version, department, checks …"},
		"no YAML":             {"name: [parking", "plugin.yaml:1: did not find expected ',' or ']'"},
		"no UTF-8":            {"name: \xff", "plugin.yaml:1: the file is not UTF-8"},
		"too large":           {good + "#" + strings.Repeat("x", 1<<20), "plugin.yaml:1: the file is larger than 1024 KiB"},
		"two documents":       {good + "---\nname: other\n", "plugin.yaml:5: something stands behind the end of the document"},
		"everything missing":  {"resources: {}", "plugin.yaml:1: name is missing\nplugin.yaml:1: version is missing\nplugin.yaml:1: department is missing\nplugin.yaml:1: checks is missing"},
		"an unknown field":    {good + "digest:\n  x: y", `plugin.yaml:5: there is no field "digest"; there are checks, department, interpreter, messages, name, programs, resources, version`},
		"a field twice":       {good + "name: parking", `plugin.yaml:5: "name" is there twice`},
		"no text":             {strings.Replace(good, "parking", "[parking]", 1), "plugin.yaml:1: name: a text belongs here"},
		"null":                {strings.Replace(good, "parking", "~", 1), "plugin.yaml:1: name: a text belongs here"},
		"a tagged text":       {strings.Replace(good, "parking", "!!binary cGFya2luZw==", 1), "plugin.yaml:1: name: a text belongs here"},
		"an empty text":       {strings.Replace(good, "parking", `" "`, 1), "plugin.yaml:1: name: it is empty"},
		"an alias":            {strings.Replace(good, "parking", "&x parking", 1) + "interpreter: *x\n", "plugin.yaml:5: interpreter: a text belongs here"},
		"a merge":             {good + "<<: {interpreter: node}", `plugin.yaml:5: there is no field "<<"; there are checks, department, interpreter, messages, name, programs, resources, version`},
		"a long name":         {strings.Replace(good, "parking", strings.Repeat("p", 65), 1), "plugin.yaml:1: name: longer than 64 bytes"},
		"forms":               {"name: ../x\nversion: v1\ndepartment: 城管\nchecks: []", "plugin.yaml:1: name: \"../x\" is not lower-case letters, digits and hyphens\nplugin.yaml:2: version: \"v1\" is not a semantic version such as 1.4.0\nplugin.yaml:3: department: \"城管\" is not a department's code\nplugin.yaml:4: checks: there is none"},
		"programs":            {good + "programs:\n  linux: " + digestA + "\n  linux/amd64: abc\n  linux/arm64: " + strings.ToUpper(digestA), "plugin.yaml:6: programs: \"linux\" is no platform such as linux/amd64\nplugin.yaml:7: programs: linux/amd64: not a SHA-256 of 64 small hexadecimal digits\nplugin.yaml:8: programs: linux/arm64: not a SHA-256 of 64 small hexadecimal digits"},
		"no programs":         {good + "programs: none", "plugin.yaml:5: programs: fields with values belong here"},
		"a script's platform": {good + "interpreter: node\nprograms:\n  linux/amd64: " + digestA, `plugin.yaml:7: programs: linux/amd64: a script has one program, for "any"`},
		"any without one":     {good + "programs:\n  any: " + digestA, `plugin.yaml:6: programs: "any" is for scripts: say which interpreter`},
		"interpreter":         {good + "interpreter: /bin/sh", `plugin.yaml:5: interpreter: "/bin/sh" is none of node, python3; leave it out for a native program`},
		"checks are no list":  {strings.Replace(good, "[{id: spaces, clauses: [A]}]", "{id: spaces}", 1), "plugin.yaml:4: checks: a list belongs here"},
		"a check is a word":   {strings.Replace(good, "{id: spaces, clauses: [A]}", "spaces", 1), "plugin.yaml:4: checks: fields with values belong here"},
		"a check is empty":    {strings.Replace(good, "{id: spaces, clauses: [A]}", "{}", 1), "plugin.yaml:4: checks: id is missing\nplugin.yaml:4: checks: clauses is missing"},
		"many checks":         {strings.Replace(good, "[{id: spaces, clauses: [A]}]", "["+strings.Repeat("x,", 257)+"]", 1), "plugin.yaml:4: checks: more than 256"},
		"a check": {strings.Replace(good, "[{id: spaces, clauses: [A]}]", `
  - id: spaces
    clauses: []
    facts: [a, b, a]
    optional_facts:
      [b]
    materials: [m]
    contents: [m]
    on_failure: IGNORE
    pure: yes
    needs: x
  - id: spaces
    clauses: [A]
  - id: _panic
    clauses: A`, 1), `plugin.yaml:6: check spaces: it judges no clause
plugin.yaml:7: check spaces: facts: "a" is there twice
plugin.yaml:9: check spaces: "b" stands in facts and in optional_facts
plugin.yaml:11: check spaces: "m" stands in materials and in contents
plugin.yaml:12: check spaces: on_failure: "IGNORE" is none of REJECT, REFER, PROCEED
plugin.yaml:13: check spaces: pure: true or false belongs here
plugin.yaml:14: check spaces: there is no field "needs"; there are clauses, contents, facts, id, materials, on_failure, optional_facts, pure
plugin.yaml:15: check spaces: it is there twice
plugin.yaml:17: check _panic: id: "_panic" is not lower-case letters and digits, joined by -, _ or .
plugin.yaml:18: check _panic: clauses: a list belongs here`},
		"resources": {good + `resources:
  memory_mib: 64
  concurrency: 0
  queue: many
  call_timeout: 10
  start_timeout: 1h
  idle_after: 1s
  disk: 1`, `plugin.yaml:6: resources: memory_mib: "64" is no whole number from 96 to 4096
plugin.yaml:7: resources: concurrency: "0" is no whole number from 1 to 126
plugin.yaml:8: resources: queue: "many" is no whole number from 1 to 1024
plugin.yaml:9: resources: call_timeout: "10" is no time from 10ms to 1m0s, such as 2s
plugin.yaml:10: resources: start_timeout: "1h" is no time from 1s to 1m0s, such as 2s
plugin.yaml:11: resources: idle_after: "1s" is no time from 10s to 24h0m0s, such as 2s
plugin.yaml:12: resources: there is no field "disk"; there are call_timeout, concurrency, idle_after, memory_mib, queue, start_timeout`},
		"messages": {good + `messages:
  Too Few: {zh: 少, en: few}
  chinese: {zh: 少}
  gaps: {zh: "{need} {have}", en: "{need}"}
  braces: {zh: "{}", en: "}"}
  open: {zh: "{need", en: "{need}"}
  other: {zh: 少, en: few, de: wenig}
  word: few
  {}: {zh: 少, en: few}`, `plugin.yaml:6: messages: the key "Too Few" is not lower-case letters and digits, joined by -, _ or .
plugin.yaml:7: message chinese: en is missing
plugin.yaml:8: message gaps: the gaps are {have} {need} in zh and {need} in en
plugin.yaml:9: message braces: zh: a brace that is no gap such as {need}; write {{ or }} for a brace
plugin.yaml:9: message braces: en: a brace that is no gap such as {need}; write {{ or }} for a brace
plugin.yaml:10: message open: zh: a brace that is no gap such as {need}; write {{ or }} for a brace
plugin.yaml:11: message other: there is no field "de"; there are en, zh
plugin.yaml:12: message word: fields with values belong here
plugin.yaml:13: messages: a field without a name`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := manifest.Parse([]byte(test.text))
			if err == nil {
				t.Fatalf("it has no fault: %+v", m)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	_, err := manifest.Parse([]byte(good + "messages:\n" + strings.Repeat("  a: b\n", 1000)))
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 101 || lines[100] != "plugin.yaml:106: and more: correct these first" {
		t.Errorf("%d lines, the last: %s", len(lines), lines[len(lines)-1])
	}
	parse(t, good) // what the cases are made from has no fault
}

// FuzzParse looks for a text that makes Parse panic, or that it takes although its
// messages cannot be worded.
func FuzzParse(f *testing.F) {
	f.Add([]byte(parking))
	f.Add([]byte("a: &a [*a]\n? {b: c}\n: <<: *a"))
	f.Add([]byte("messages: {k: {zh: '{a}{{', en: '}}{a}'}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := manifest.Parse(text)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		filled := map[string]string{}
		for key := range m.Messages {
			if _, err := m.Render(key, filled); err != nil {
				for _, name := range strings.FieldsFunc(m.Messages[key].ZH, func(r rune) bool { return r == '{' || r == '}' }) {
					filled[name] = "x"
				}
			}
			if _, err := m.Render(key, filled); err != nil {
				t.Errorf("%q: %v", m.Messages[key], err)
			}
		}
	})
}

func TestProgram(t *testing.T) {
	t.Parallel()
	here := runtime.GOOS + "/" + runtime.GOARCH
	for name, test := range map[string]struct {
		programs map[string]string
		want     string
	}{
		"this platform": {map[string]string{here: digestA, "plan9/386": digestB}, digestA},
		"a script":      {map[string]string{manifest.Any: digestB}, digestB},
		"another":       {map[string]string{"plan9/386": digestB}, ""},
		"not built":     {nil, ""},
	} {
		m := &manifest.Manifest{Programs: test.programs}
		if got, ok := m.Program(); got != test.want || ok != (test.want != "") {
			t.Errorf("%s: %q, %v", name, got, ok)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	m := parse(t, parking)
	got, err := m.Render("spaces.too_few", map[string]string{"need": "{have}", "have": "2", "more": "1"})
	want := check.Text{ZH: "应配 {have} 个车位，只有 2 个。", EN: "{have} spaces are needed, there are 2."}
	if err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	got, err = m.Render("plan.note", nil)
	if want := (check.Text{ZH: "见 {图} 。", EN: "See {the plan}."}); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	for name, test := range map[string]struct {
		key    string
		params map[string]string
		want   string
	}{
		"no key":    {"spaces", nil, `plugin.yaml has no message "spaces"`},
		"no values": {"spaces.too_few", nil, "message spaces.too_few: {have} has no value\nmessage spaces.too_few: {need} has no value"},
		"a line":    {"spaces.too_few", map[string]string{"need": "3", "have": "2\n批准"}, "message spaces.too_few: the value of {have} holds a control character"},
		"turned":    {"spaces.too_few", map[string]string{"need": "3\u202e", "have": "2"}, "message spaces.too_few: the value of {need} holds a control character"},
	} {
		got, err := m.Render(test.key, test.params)
		if err == nil || err.Error() != test.want || got != (check.Text{}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// described is what the program of the parking manifest says about itself.
func described() *pb.DescribeResponse {
	return &pb.DescribeResponse{
		Name: "parking", Version: "1.0.0", Department: "urban", Capabilities: []string{"probes"},
		Checks: []*pb.CheckSpec{{
			Id: "plan", Clauses: []string{"URBAN-PARK-03", "URBAN-PARK-02"}, OnFailure: pb.FailurePolicy_FAILURE_POLICY_REJECT,
			Materials: []*pb.MaterialNeed{{Code: "licence"}, {Code: "site-plan", Content: true}},
		}, {
			Id: "spaces", Clauses: []string{"URBAN-PARK-01"}, Pure: true,
			Facts: []*pb.FactNeed{{Key: "parking_spaces"}, {Key: "near_metro", Optional: true}, {Key: "floor_area"}},
		}},
	}
}

func TestAgrees(t *testing.T) {
	t.Parallel()
	m := parse(t, parking)
	if err := m.Agrees(described()); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct {
		change func(*pb.DescribeResponse)
		want   []string
	}{
		"everything": {func(d *pb.DescribeResponse) { proto.Reset(d) }, []string{
			`name: plugin.yaml has "parking", the program says ""`,
			`version: plugin.yaml has "1.0.0", the program says ""`,
			`department: plugin.yaml has "urban", the program says ""`,
			"check spaces: the program does not have it",
			"check plan: the program does not have it",
		}},
		"another check": {func(d *pb.DescribeResponse) { d.Checks[0].Id = "map" }, []string{
			"check plan: the program does not have it", "check map: it is not in plugin.yaml",
		}},
		"a check twice": {func(d *pb.DescribeResponse) { d.Checks = append(d.Checks, d.Checks[0]) }, []string{
			"check plan: the program has it twice",
		}},
		"a clause more": {func(d *pb.DescribeResponse) { d.Checks[1].Clauses = append(d.Checks[1].Clauses, "SAMR-01") }, []string{
			`check spaces: clauses: plugin.yaml has ["URBAN-PARK-01"], the program says ["SAMR-01" "URBAN-PARK-01"]`,
		}},
		"two clauses in one": {func(d *pb.DescribeResponse) { d.Checks[0].Clauses = []string{"URBAN-PARK-02 URBAN-PARK-03"} }, []string{
			`check plan: clauses: plugin.yaml has ["URBAN-PARK-02" "URBAN-PARK-03"], the program says ["URBAN-PARK-02 URBAN-PARK-03"]`,
		}},
		"what it reads": {func(d *pb.DescribeResponse) {
			d.Checks[1].Facts[0].Optional, d.Checks[0].Materials[0].Content = true, true
		}, []string{
			`check spaces: facts: plugin.yaml has ["floor_area" "parking_spaces"], the program says ["floor_area"]`,
			`check spaces: optional_facts: plugin.yaml has ["near_metro"], the program says ["near_metro" "parking_spaces"]`,
			`check plan: materials: plugin.yaml has ["licence"], the program says []`,
			`check plan: contents: plugin.yaml has ["site-plan"], the program says ["licence" "site-plan"]`,
		}},
		"policy and purity": {func(d *pb.DescribeResponse) {
			d.Checks[0].Pure, d.Checks[0].OnFailure = true, 99
		}, []string{
			`check plan: on_failure: plugin.yaml has "REJECT", the program says "REFER"`,
			"check plan: pure: plugin.yaml has false, the program says true",
		}},
	} {
		d := described()
		test.change(d)
		err := m.Agrees(d)
		if err == nil {
			t.Errorf("%s: they agree", name)
			continue
		}
		if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if !slices.Equal(m.Checks[1].Clauses, []string{"URBAN-PARK-02", "URBAN-PARK-03"}) {
		t.Error("the manifest was changed by comparing it")
	}
}
