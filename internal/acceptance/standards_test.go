package acceptance_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/viewer"
)

// The people who work on standards.
var (
	qualityOfficer = viewer.Viewer{Subject: "zhao-quality", Role: viewer.Quality}
	legalOfficer   = viewer.Viewer{Subject: "qian-legal", Role: viewer.Legal}
	coordinatorA   = viewer.Viewer{Subject: "sun-coordinator", Role: viewer.Coordinator}
	coordinatorB   = viewer.Viewer{Subject: "zhou-coordinator", Role: viewer.Coordinator}
	admin          = viewer.Viewer{Subject: "admin", Role: viewer.Admin}
)

type draftView struct {
	ID, State, Digest string
	Version           int
	PublishedVersion  *int
	EffectiveFrom     *string
	Refusals          []struct{ Kind string }
	Department        struct{ Code string }
	Allowed           []string
}

const draftFields = `id state digest version publishedVersion effectiveFrom refusals { kind } department { code } allowed`

// write drafts or changes a standard.
func (c client) draft(t *testing.T, input map[string]any) draftView {
	t.Helper()
	var data struct{ DraftStandard struct{ Draft draftView } }
	c.granted(t, mutation(t, "draftStandard", input, "draft { "+draftFields+" }"), &data)
	return data.DraftStandard.Draft
}

// through takes a draft through both reviews and gives it as the last one left it.
func (in instance) through(t *testing.T, d draftView, by viewer.Viewer) draftView {
	t.Helper()
	var submitted struct{ SubmitStandard struct{ Draft draftView } }
	in.as(t, by).granted(t, mutation(t, "submitStandard", map[string]any{"draft": d.ID, "expectedVersion": d.Version}, "draft { "+draftFields+" }"), &submitted)
	var reviewed struct{ ReviewStandard struct{ Draft draftView } }
	in.as(t, qualityOfficer).granted(t, mutation(t, "reviewStandard", map[string]any{"draft": d.ID, "kind": "QUALITY", "outcome": "PASS"}, "draft { "+draftFields+" }"), &reviewed)
	in.as(t, legalOfficer).granted(t, mutation(t, "reviewStandard", map[string]any{"draft": d.ID, "kind": "LEGALITY", "outcome": "PASS"}, "draft { "+draftFields+" }"), &reviewed)
	return reviewed.ReviewStandard.Draft
}

type findingView struct {
	ID, Kind, Severity string
	Proved             bool
	Clauses            []struct{ Code string }
	Departments        []struct{ Code string }
	Witness            map[string]any
	Ruling             *struct{ Number string }
	Text, TextEn       string
}

const analysisFields = `id kind severity proved clauses { code } departments { code } witness ruling { number } text textEn`

// contradictions asks the analysis.
func (in instance) contradictions(t *testing.T) []findingView {
	t.Helper()
	var data struct {
		Analysis struct{ Findings []findingView }
	}
	in.ask(t, `{ analysis(input: {kinds: [CONTRADICTION]}) { digest findings { `+analysisFields+` } } }`, nil, &data)
	return data.Analysis.Findings
}

func between(findings []findingView, clauses ...string) *findingView {
	for i, f := range findings {
		var codes []string
		for _, k := range f.Clauses {
			codes = append(codes, k.Code)
		}
		slices.Sort(codes)
		if slices.Equal(codes, clauses) {
			return &findings[i]
		}
	}
	return nil
}

// Every known conflict that says what its applicant can choose is shown as it is
// expected by the project alone: without a way out, and with its clauses at fault
// though nobody names them; or with the choice that does.
func TestWaysOutOfKnownConflicts(t *testing.T) {
	var file struct {
		Conflicts []struct {
			ID, Expect    string
			Clauses       []string
			Departments   []string
			Witness, Vary map[string]any
		}
	}
	readYAML(t, "conflicts.yaml", &file)
	var dictionary struct {
		Facts []struct {
			ID      string
			Default any
		}
	}
	readYAML(t, "facts.yaml", &dictionary)
	var law struct {
		Clauses []struct {
			ID        string
			Effective struct{ To string }
		}
	}
	readYAML(t, "clauses.yaml", &law)
	onBoth(t, func(t *testing.T, in instance) {
		tried := 0
		for _, k := range file.Conflicts {
			if len(k.Vary) == 0 {
				continue
			}
			facts := map[string]any{}
			for _, f := range dictionary.Facts {
				if f.Default != nil {
					facts[f.ID] = f.Default
				}
			}
			maps.Copy(facts, k.Witness)
			var data struct {
				WayOut struct {
					Proved bool
					Choice map[string]any
					Faults []struct{ Clauses, Departments []struct{ Code string } }
				}
			}
			input := map[string]any{"facts": facts, "free": k.Vary}
			for _, c := range law.Clauses {
				if slices.Contains(k.Clauses, c.ID) && c.Effective.To != "" {
					input["asOf"] = c.Effective.To // it was law until then
				}
			}
			if k.Expect == "sat" {
				input["clauses"] = k.Clauses // the defaults of other facts fail clauses of their own
			}
			in.ask(t, `query($input: WayOutInput!) { wayOut(input: $input) { proved choice faults { clauses { code } departments { code } } } }`, map[string]any{"input": input}, &data)
			tried++
			at := map[string]bool{}
			for _, f := range data.WayOut.Faults {
				for _, c := range f.Clauses {
					at[c.Code] = true
				}
				if len(f.Departments) == 0 {
					t.Errorf("%s: nobody is named", k.ID)
				}
			}
			switch {
			case !data.WayOut.Proved:
				t.Errorf("%s: not proved", k.ID)
			case k.Expect == "sat" && (len(data.WayOut.Choice) != len(k.Vary) || len(at) > 0):
				t.Errorf("%s: there is a way out: %+v", k.ID, data.WayOut)
			case k.Expect == "unsat" && data.WayOut.Choice != nil:
				t.Errorf("%s: there is no way out: %v", k.ID, data.WayOut.Choice)
			case k.Expect == "unsat":
				for _, c := range k.Clauses {
					if !at[c] {
						t.Errorf("%s: %s is not named: %v", k.ID, c, at)
					}
				}
			}
		}
		if tried < 8 {
			t.Errorf("only %d were tried", tried)
		}
		for input, code := range map[string]string{
			`{facts: {}, free: {nothing: []}}`:                     "UNKNOWN_FACT",
			`{facts: {}, free: {exits: 1}}`:                        "BAD_VALUE",
			`{facts: {exits: "two"}, free: {}}`:                    "WRONG_TYPE",
			`{facts: {}, free: {}, clauses: ["C-NO"]}`:             "UNKNOWN_CLAUSE",
			`{facts: {}, free: {}, scheme: "no"}`:                  "UNKNOWN_SCHEME",
			`{facts: {}, free: {window_bars: ["made of bamboo"]}}`: "UNKNOWN_VALUE",
		} {
			body, _ := json.Marshal(map[string]string{"query": `{ wayOut(input: ` + input + `) { proved } }`})
			if _, got := in.exchange(t, http.MethodPost, "/graphql", body, "Content-Type", "application/json"); !strings.Contains(got, `"`+code+`"`) {
				t.Errorf("%s: %s", input, got)
			}
		}
	})
}

// A fume duct must stand outside of a house whose front must stay free of it:
// found in what is in force, coordinated, ruled on, patched, published, gone.
func TestCoordinationFromFindingToPublishedPatch(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		found := between(in.contradictions(t), "C-ENV-004", "C-PLN-013")
		if found == nil {
			t.Fatal("the analysis does not find the contradiction of C-ENV-004 and C-PLN-013")
		}
		if !found.Proved || found.Severity != "REFUSE" || len(found.Witness) == 0 || len(found.Departments) < 2 {
			t.Errorf("the finding is %+v", found)
		}

		type coordination struct {
			ID, Number, State string
			Gone              bool
			Allowed           []string
			Drafts            struct {
				Edges []struct{ Node draftView }
			}
		}
		const fields = `id number state gone allowed drafts { edges { node { ` + draftFields + ` } } }`
		var opened struct {
			OpenCoordination struct{ Coordination coordination }
		}
		eco := in.as(t, officer(found.Departments[0].Code))
		eco.granted(t, mutation(t, "openCoordination", map[string]any{"finding": found.ID, "reason": "古县城餐饮排烟"}, "coordination { "+fields+" }"), &opened)
		c := opened.OpenCoordination.Coordination
		if c.State != "OPEN" || c.Gone {
			t.Fatalf("opened: %+v", c)
		}

		// Nobody rules before the parties have been heard, and only the coordinating body does.
		ruling := map[string]any{"coordination": c.Number, "kind": "YIELDS", "clause": "C-ENV-004", "to": "C-PLN-013",
			"text": "古县城内的餐饮项目，外挂排烟管道让位于风貌保护，另行净化排放", "basis": []any{map[string]any{"law": "宁波市慈城古县城保护条例", "article": "第25条"}}}
		in.as(t, coordinatorA).refused(t, mutation(t, "ruleCoordination", ruling, "coordination { id }"), "CONFLICT")
		eco.refused(t, mutation(t, "ruleCoordination", ruling, "coordination { id }"), "DENIED")
		for _, d := range found.Departments {
			in.as(t, officer(d.Code)).granted(t, mutation(t, "statePosition", map[string]any{"coordination": c.ID, "text": "本部门意见"}, "coordination { id }"), nil)
		}
		// A ruling that leaves the conflict is refused.
		idle := map[string]any{"coordination": c.ID, "kind": "EXCEPTION", "clause": "C-ENV-004", "when": `facts.zone == "rural"`, "text": "t",
			"basis": []any{map[string]any{"law": "大气污染防治法"}}}
		in.as(t, coordinatorA).refused(t, mutation(t, "ruleCoordination", idle, "coordination { id }"), "INVALID")
		var ruled struct {
			RuleCoordination struct {
				Coordination coordination
				Drafts       []draftView
			}
		}
		in.as(t, coordinatorA).granted(t, mutation(t, "ruleCoordination", ruling, "coordination { "+fields+" } drafts { "+draftFields+" }"), &ruled)
		if got := ruled.RuleCoordination; got.Coordination.State != "RULED" || len(got.Drafts) == 0 || got.Coordination.Gone {
			t.Fatalf("ruled: %+v", got)
		}

		for _, d := range ruled.RuleCoordination.Drafts {
			ready := in.through(t, d, coordinatorA)
			if ready.State != "READY" {
				t.Fatalf("after both reviews the patch is %+v", ready)
			}
			// Who has ruled has drafted it: somebody else publishes.
			in.as(t, coordinatorA).refused(t, mutation(t, "publishStandard", map[string]any{"draft": d.ID}, "draft { id }"), "DENIED")
			var published struct{ PublishStandard struct{ Draft draftView } }
			in.as(t, coordinatorB).granted(t, mutation(t, "publishStandard", map[string]any{"draft": d.ID, "expectedVersion": ready.Version}, "draft { "+draftFields+" }"), &published)
			if got := published.PublishStandard.Draft; got.State != "PUBLISHED" || got.PublishedVersion == nil {
				t.Fatalf("published: %+v", got)
			}
		}
		if f := between(in.contradictions(t), "C-ENV-004", "C-PLN-013"); f != nil {
			t.Errorf("the conflict is still found: %+v", f)
		}
		var after struct{ Coordination coordination }
		in.as(t, legalOfficer).ask(t, `query($id: ID!) { coordination(id: $id) { `+fields+` } }`, map[string]any{"id": c.Number}, &after)
		if after.Coordination.State != "SETTLED" || !after.Coordination.Gone {
			t.Errorf("afterwards: %+v", after.Coordination)
		}

		// The guide cites the ruling to everybody.
		var guide struct {
			Guide struct {
				Clauses []struct {
					Clause struct {
						Code    string
						Rulings []struct{ Number, Dated, Text string }
					}
					Because []struct{ Text string }
				}
			}
		}
		in.ask(t, `query($facts: FactSet!) { guide(input: {scheme: "catering", facts: $facts}) { clauses { clause { code rulings { number dated text } } because { text } } } }`,
			map[string]any{"facts": map[string]any{"zone": "commercial", "produces_fume": true, "dedicated_flue": false}}, &guide)
		cited := false
		for _, k := range guide.Guide.Clauses {
			if k.Clause.Code == "C-ENV-004" && len(k.Clause.Rulings) == 1 && k.Clause.Rulings[0].Number == c.Number {
				cited = slices.ContainsFunc(k.Because, func(r struct{ Text string }) bool { return strings.Contains(r.Text, c.Number) })
			}
		}
		if !cited {
			t.Errorf("the guide does not cite ruling %s on C-ENV-004: %+v", c.Number, guide.Guide.Clauses)
		}
	})
}

// A department drafts a clause that contradicts another's: the draft can be
// previewed, and it cannot be published.
func TestDraftIsPreviewedAndKeptFromContradicting(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		eco := in.as(t, officer("eco"))
		d := eco.draft(t, map[string]any{"standard": "eia-register", "reason": "试行", "clauses": []any{
			map[string]any{"clause": "C-NEW-1", "department": "eco", "category": "环保", "kind": "condition", "text": "餐饮项目应设室外烟管", "promisable": false,
				"appliesWhen": `facts.industry == "catering" && facts.use_area >= 100.0 && facts.zone in ["commercial", "rural"]`, "requires": "facts.exterior_duct == true", "basis": []any{map[string]any{"law": "大气污染防治法", "article": "第81条"}}},
			map[string]any{"clause": "C-NEW-2", "department": "eco", "category": "环保", "kind": "condition", "text": "面积不小于一百平方米的餐饮项目不得设室外烟管",
				"appliesWhen": `facts.industry == "catering" && facts.use_area >= 100.0 && facts.zone == "rural"`, "requires": "facts.exterior_duct == false", "basis": []any{map[string]any{"law": "大气污染防治法"}}},
		}})
		preview := func(c client, draft any) answer {
			return c.send(t, operation(t, `query($draft: ID, $facts: FactSet!) { guide(input: {item: "eia-register", facts: $facts, draft: $draft}) { clauses { clause { code } met } } }`,
				map[string]any{"draft": draft, "facts": map[string]any{"industry": "catering", "use_area": 120, "zone": "commercial", "exterior_duct": false}}))
		}
		if got := string(preview(eco, d.ID).Data); !strings.Contains(got, `{"clause":{"code":"C-NEW-1"},"met":"FALSE"}`) {
			t.Errorf("the preview: %s", got)
		}
		if got := string(preview(in.as(t, anybody), nil).Data); strings.Contains(got, "C-NEW-1") {
			t.Errorf("the public guide has the draft: %s", got)
		}
		if got := preview(in.as(t, anybody), d.ID); len(got.Errors) != 1 || got.Errors[0].Extensions.Code != "NOT_FOUND" {
			t.Errorf("a stranger's preview: %s", got.body)
		}
		var gate struct {
			PublishGate struct {
				Open     bool
				Refusals []findingView
			}
		}
		eco.ask(t, `query($id: ID!) { publishGate(draft: $id) { open refusals { `+analysisFields+` } } }`, map[string]any{"id": d.ID}, &gate)
		if gate.PublishGate.Open || between(gate.PublishGate.Refusals, "C-NEW-1", "C-NEW-2") == nil {
			t.Errorf("the gate: %+v", gate.PublishGate)
		}
		stuck := in.through(t, d, officer("eco"))
		if stuck.State != "COORDINATION" || len(stuck.Refusals) == 0 {
			t.Errorf("after both reviews: %+v", stuck)
		}
		refusal := in.as(t, admin).refused(t, mutation(t, "publishStandard", map[string]any{"draft": d.ID}, "draft { id }"), "CONFLICT")
		if refusal.Extensions.Problems == nil || len(*refusal.Extensions.Problems) == 0 {
			t.Errorf("the refusal does not name the finding: %+v", refusal)
		}

		// Changed, it is reviewed anew and published from a later day.
		d = eco.draft(t, map[string]any{"draft": d.ID, "reason": "删去", "clauses": []any{map[string]any{"clause": "C-NEW-2", "remove": true}}})
		if ready := in.through(t, d, officer("eco")); ready.State != "READY" {
			t.Fatalf("after both reviews: %+v", ready)
		}
		var published struct {
			PublishStandard struct {
				Draft    draftView
				Standard struct {
					Version int
					State   string
					History []struct {
						Version                    int
						EffectiveFrom, EffectiveTo *string
						State                      string
						Changes                    []struct{ Kind, Subject, Text, TextEn string }
					}
				}
			}
		}
		in.as(t, admin).granted(t, mutation(t, "publishStandard", map[string]any{"draft": d.ID, "effectiveFrom": "2030-01-01"},
			"draft { "+draftFields+" } standard { version state history { version effectiveFrom effectiveTo state changes { kind subject text textEn } } }"), &published)
		p := published.PublishStandard
		if p.Standard.Version != 2 || p.Standard.State != "SCHEDULED" || len(p.Standard.History) != 2 {
			t.Fatalf("published: %+v", p)
		}
		if h := p.Standard.History; *h[0].EffectiveFrom != "2030-01-01" || *h[1].EffectiveTo != "2030-01-01" || h[1].State != "IN_FORCE" || len(h[0].Changes) != 1 || h[0].Changes[0].Subject != "C-NEW-1" {
			t.Errorf("history: %+v", h)
		}
		var diff struct {
			StandardDiff struct {
				Digest  string
				Changes []struct{ Kind, Subject string }
				Effects []struct {
					Kind    string
					Proved  bool
					Clauses []string
					Witness map[string]any
				}
			}
		}
		in.ask(t, `{ standardDiff(input: {standard: "eia-register", from: 1, to: 2}) { digest changes { kind subject } effects { kind proved clauses witness } } }`, nil, &diff)
		if got := diff.StandardDiff; len(got.Changes) != 1 || !slices.ContainsFunc(got.Effects, func(e struct {
			Kind    string
			Proved  bool
			Clauses []string
			Witness map[string]any
		}) bool {
			return e.Kind == "NEWLY_REFUSED" && e.Proved && slices.Contains(e.Clauses, "C-NEW-1") && len(e.Witness) > 0
		}) {
			t.Errorf("the difference of versions 1 and 2: %+v", got)
		}
		in.ask(t, `{ standardDiff(input: {standard: "eia-register", from: 1, to: 1}) { changes { kind subject } effects { kind proved clauses witness } } }`, nil, &diff)
		if got := diff.StandardDiff; len(got.Changes)+len(got.Effects) != 0 {
			t.Errorf("a version differs from itself: %+v", got)
		}
		asOf := func(day string) string {
			return string(in.as(t, anybody).send(t, operation(t, `query($d: Date) { item(code: "eia-register", asOf: $d) { version } }`, map[string]any{"d": day})).Data)
		}
		if diff := cmp.Diff([]string{`{"item":{"version":1}}`, `{"item":{"version":2}}`}, []string{asOf("2029-12-31"), asOf("2030-01-01")}); diff != "" {
			t.Error(diff)
		}
	})
}

// An ADMIN imports a pack that ends the old version in the same step.
func TestImportPublishesTheNewAndEndsTheOld(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		archive := zipped(t, pack, func(name string, text []byte) []byte {
			if name == "items.yaml" {
				return bytes.Replace(text, []byte("name: 经营主体设立登记（营业执照）"), []byte("name: 经营主体设立登记（营业执照，改）"), 1)
			}
			return text
		})
		request := func(dryRun bool, content []byte) request { return packUpload(t, dryRun, content) }
		in.as(t, officer("samr")).refused(t, request(false, archive), "DENIED")
		in.as(t, admin).refused(t, request(false, []byte("no zip")), "INVALID")
		type result struct {
			ImportCatalog struct {
				Applied, Unchanged          bool
				Revision, Published, Closed int
			}
		}
		var dry, done result
		in.as(t, admin).granted(t, request(true, archive), &dry)
		in.as(t, admin).granted(t, request(false, archive), &done)
		want := result{}
		want.ImportCatalog.Applied, want.ImportCatalog.Revision, want.ImportCatalog.Published, want.ImportCatalog.Closed = true, 2, 1, 1
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("import (-want +got):\n%s", diff)
		}
		want.ImportCatalog.Applied = false
		if diff := cmp.Diff(want, dry); diff != "" {
			t.Errorf("dry run (-want +got):\n%s", diff)
		}
		var data struct {
			Standard struct {
				Version int
				History []struct {
					Version int
					State   string
				}
			}
		}
		in.ask(t, `{ standard(code: "biz-reg") { version history { version state } } }`, nil, &data)
		if data.Standard.Version != 2 || data.Standard.History[1].State != "SUPERSEDED" {
			t.Errorf("afterwards: %+v", data.Standard)
		}
	})
}

func zipped(t *testing.T, dir string, change func(name string, text []byte) []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no pack in %s: %v", dir, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := w.Create("pack/" + filepath.Base(file))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(change(filepath.Base(file), text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func packUpload(t *testing.T, dryRun bool, content []byte) request {
	t.Helper()
	operations, err := json.Marshal(map[string]any{
		"query":     mutationText("importCatalog", "applied unchanged revision published closed"),
		"variables": map[string]any{"input": map[string]any{"dryRun": dryRun, "pack": nil}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("operations", string(operations))
	_ = form.WriteField("map", `{"0":["variables.input.pack"]}`)
	part, _ := form.CreateFormFile("0", "pack.zip")
	_, _ = part.Write(content)
	_ = form.Close() // a buffer takes everything
	return request{contentType: form.FormDataContentType(), body: body.Bytes(), key: newKey()}
}

// The published catalogue is open data, of today and of any day.
func TestTheCatalogueIsOpenData(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		get := func(path string) (*http.Response, []byte) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp, body
		}
		for path, kind := range map[string]string{"/catalogue.json": "application/json", "/catalogue.jsonld": "application/ld+json", "/catalogue.json?asOf=2026-01-01": "application/json"} {
			resp, body := get(path)
			var doc map[string]any
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != kind || resp.Header.Get("ETag") == "" || json.Unmarshal(body, &doc) != nil {
				t.Errorf("%s: %s %s", path, resp.Status, resp.Header)
			}
		}
		if resp, _ := get("/catalogue.json?asOf=yesterday"); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("a bad day: %s", resp.Status)
		}
		// The ZIP is a pack: imported again it changes nothing.
		_, archive := get("/catalogue.zip")
		var done struct {
			ImportCatalog struct{ Published, Closed int }
		}
		in.as(t, admin).granted(t, packUpload(t, false, archive), &done)
		if done.ImportCatalog.Published != 0 || done.ImportCatalog.Closed != 0 {
			t.Errorf("imported again: %+v", done)
		}
	})
}
