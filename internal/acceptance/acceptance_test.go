package acceptance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(pack, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

type sample struct {
	ID, Scheme string
	Facts      map[string]any
	Expected   struct {
		NeededItems         []string `yaml:"needed_items"`
		NeededOutsideScheme []string `yaml:"needed_outside_scheme"`
		ApplicableClauses   int      `yaml:"applicable_clauses"`
		FailedClauses       []string `yaml:"failed_clauses"`
	}
}

func samples(t *testing.T) []sample {
	var file struct{ Samples []sample }
	readYAML(t, "samples.yaml", &file)
	if len(file.Samples) == 0 {
		t.Fatal("no samples")
	}
	return file.Samples
}

// withDefaults fills the facts that a sample does not name, as the header of
// samples.yaml says.
func withDefaults(t *testing.T, facts map[string]any) map[string]any {
	var file struct {
		Facts []struct {
			ID      string
			Default any
		}
	}
	readYAML(t, "facts.yaml", &file)
	all := map[string]any{}
	for _, f := range file.Facts {
		if f.Default != nil {
			all[f.ID] = f.Default
		}
	}
	for k, v := range facts {
		all[k] = v
	}
	return all
}

type reply struct {
	Guide struct {
		Complete bool
		Items    []struct {
			Item   struct{ Code string }
			Needed string
			After  []struct{ Code string }
		}
		Outside []struct {
			Item   struct{ Code string }
			Needed string
		}
		Clauses []struct {
			Clause       struct{ Code string }
			Applies, Met string
			Manual       bool
			Binding      bool
			MissingFacts []struct{ Key string }
		}
		MissingFacts []struct{ Key string }
		NextQuestion *struct{ Key string }
		Digest       string
	}
}

const guideQuery = `query($scheme: String!, $facts: FactSet!) {
  guide(input: {scheme: $scheme, facts: $facts, asOf: "2026-11-23"}) {
    complete digest
    items { item { code } needed after { code } }
    outside { item { code } needed }
    clauses { clause { code } applies met manual binding missingFacts { key } }
    missingFacts { key } nextQuestion { key }
  }
}`

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

func TestSamples(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		for _, s := range samples(t) {
			var r reply
			in.ask(t, guideQuery, map[string]any{"scheme": s.Scheme, "facts": withDefaults(t, s.Facts)}, &r)
			var needed, outside, failed []string
			applicable := 0
			for _, i := range r.Guide.Items {
				if i.Needed != "TRUE" {
					t.Errorf("%s: %s is needed %s though every fact is answered", s.ID, i.Item.Code, i.Needed)
				}
				needed = append(needed, i.Item.Code)
			}
			for _, i := range r.Guide.Outside {
				outside = append(outside, i.Item.Code)
			}
			for _, c := range r.Guide.Clauses {
				if c.Applies == "TRUE" {
					applicable++
				}
				if c.Met == "FALSE" {
					failed = append(failed, c.Clause.Code)
				}
			}
			if diff := cmp.Diff(sorted(s.Expected.NeededItems), sorted(needed)); diff != "" {
				t.Errorf("%s: needed items (-expected +got):\n%s", s.ID, diff)
			}
			for i, item := range r.Guide.Items {
				for _, before := range item.After {
					if slices.Index(needed, before.Code) >= i {
						t.Errorf("%s: %s stands before %s, which comes first", s.ID, item.Item.Code, before.Code)
					}
				}
			}
			if len(outside) != len(s.Expected.NeededOutsideScheme) {
				t.Errorf("%s: needed outside of the scheme: %v, want %v", s.ID, outside, s.Expected.NeededOutsideScheme)
			}
			if diff := cmp.Diff(append([]string(nil), sorted(s.Expected.FailedClauses)...), append([]string(nil), sorted(failed)...)); diff != "" {
				t.Errorf("%s: failed clauses (-expected +got):\n%s", s.ID, diff)
			}
			if applicable != s.Expected.ApplicableClauses {
				t.Errorf("%s: %d clauses apply, want %d", s.ID, applicable, s.Expected.ApplicableClauses)
			}
			// The total investment has no default and no sample names it.
			if len(r.Guide.MissingFacts) != 1 || r.Guide.MissingFacts[0].Key != "investment" || r.Guide.Complete {
				t.Errorf("%s: complete is %v, asks for %v", s.ID, r.Guide.Complete, r.Guide.MissingFacts)
			}
		}
	})
}

// TestSamplesWithFewFacts sends only the facts that a sample names: the answer
// may know less, and must not say anything else.
func TestSamplesWithFewFacts(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		for _, s := range samples(t) {
			var r reply
			in.ask(t, guideQuery, map[string]any{"scheme": s.Scheme, "facts": s.Facts}, &r)
			asked := map[string]bool{}
			for _, f := range r.Guide.MissingFacts {
				asked[f.Key] = true
				if _, known := s.Facts[f.Key]; known {
					t.Errorf("%s: asks for %s, which was answered", s.ID, f.Key)
				}
			}
			open := map[string]bool{}
			for _, i := range r.Guide.Items {
				expected := slices.Contains(s.Expected.NeededItems, i.Item.Code)
				if i.Needed == "TRUE" && !expected {
					t.Errorf("%s: %s is said to be needed", s.ID, i.Item.Code)
				}
				open[i.Item.Code] = true
			}
			for _, code := range s.Expected.NeededItems {
				if !open[code] {
					t.Errorf("%s: %s is said not to be needed", s.ID, code)
				}
			}
			mentioned := map[string]bool{}
			for _, c := range r.Guide.Clauses {
				mentioned[c.Clause.Code] = true
				if c.Applies == "TRUE" && c.Met == "FALSE" && !slices.Contains(s.Expected.FailedClauses, c.Clause.Code) {
					t.Errorf("%s: %s is said to fail", s.ID, c.Clause.Code)
				}
				if c.Met == "TRUE" && slices.Contains(s.Expected.FailedClauses, c.Clause.Code) {
					t.Errorf("%s: %s is said to be met", s.ID, c.Clause.Code)
				}
				unknown := c.Applies == "UNKNOWN" || c.Met == "UNKNOWN" && !c.Manual && c.Binding
				if unknown && len(c.MissingFacts) == 0 {
					t.Errorf("%s: %s is unknown and asks for nothing", s.ID, c.Clause.Code)
				}
				for _, f := range c.MissingFacts {
					if !asked[f.Key] {
						t.Errorf("%s: %s depends on %s, which nobody asks for", s.ID, c.Clause.Code, f.Key)
					}
				}
			}
			for _, code := range s.Expected.FailedClauses {
				if !mentioned[code] {
					t.Errorf("%s: %s is said not to apply", s.ID, code)
				}
			}
			if r.Guide.Complete != (len(asked) == 0) {
				t.Errorf("%s: complete is %v with %d questions open", s.ID, r.Guide.Complete, len(asked))
			}
		}
	})
}

// TestTheNextQuestionLeadsToTheEnd answers what is asked, from the sample and
// its defaults, until nothing is asked any more.
func TestTheNextQuestionLeadsToTheEnd(t *testing.T) {
	t.Parallel()
	in := start(t, []string{"ONEDOOR_DATA=" + t.TempDir()})
	s := samples(t)[0]
	all := withDefaults(t, s.Facts)
	all["investment"] = 50
	facts := map[string]any{}
	for range len(all) + 1 {
		var r reply
		in.ask(t, guideQuery, map[string]any{"scheme": s.Scheme, "facts": facts}, &r)
		if r.Guide.NextQuestion == nil {
			var needed []string
			for _, i := range r.Guide.Items {
				needed = append(needed, i.Item.Code)
			}
			if diff := cmp.Diff(sorted(s.Expected.NeededItems), sorted(needed)); diff != "" || !r.Guide.Complete {
				t.Errorf("at the end (-expected +got):\n%s", diff)
			}
			if len(facts) >= len(all) {
				t.Errorf("all %d facts were asked for; the facts answered ought to spare some", len(facts))
			}
			return
		}
		key := r.Guide.NextQuestion.Key
		if _, again := facts[key]; again {
			t.Fatalf("%s is asked for again", key)
		}
		facts[key] = all[key]
	}
	t.Error("the questions never end")
}

func TestDeadlineVectors(t *testing.T) {
	var file struct {
		Vectors struct {
			Add []struct {
				Accepted string
				Workdays int
				Due      string
			} `yaml:"add_workdays"`
			Scenarios []struct {
				Name, Accepted, Due string
				ExtendedDue         string `yaml:"extended_due"`
				Statutory           int
				Pauses              []struct{ From, To, Reason string }
			}
		} `yaml:"test_vectors"`
	}
	readYAML(t, "rules.yaml", &file)
	if len(file.Vectors.Add) == 0 || len(file.Vectors.Scenarios) == 0 {
		t.Fatal("no vectors")
	}
	onBoth(t, func(t *testing.T, in instance) {
		due := func(start string, amount int, pauses any) string {
			var r struct{ Deadline struct{ DueOn string } }
			in.ask(t, `query($in: DeadlineInput!) { deadline(input: $in) { dueOn } }`,
				map[string]any{"in": map[string]any{"start": start, "amount": amount, "unit": "WORKDAY", "pauses": pauses}}, &r)
			return r.Deadline.DueOn
		}
		for _, v := range file.Vectors.Add {
			if got := due(v.Accepted, v.Workdays, nil); got != v.Due {
				t.Errorf("%s + %d: %s, want %s", v.Accepted, v.Workdays, got, v.Due)
			}
		}
		extension := map[int]int{20: 10, 45: 15} // 行政许可法 第42条
		for _, v := range file.Vectors.Scenarios {
			pauses := []map[string]string{}
			for _, p := range v.Pauses {
				pauses = append(pauses, map[string]string{"from": p.From, "to": p.To, "reason": p.Reason})
			}
			if got := due(v.Accepted, v.Statutory, pauses); got != v.Due {
				t.Errorf("%s: %s, want %s", v.Name, got, v.Due)
			}
			if v.ExtendedDue != "" {
				if got := due(v.Accepted, v.Statutory+extension[v.Statutory], pauses); got != v.ExtendedDue {
					t.Errorf("%s, extended: %s, want %s", v.Name, got, v.ExtendedDue)
				}
			}
		}
	})
}

type noticeReply struct {
	Number, IssuedAt, Digest, Document string
	Guide                              struct {
		Digest string
		Items  []struct {
			Item struct {
				Name, Version any
				Department    struct{ Name string }
			}
			PromisedDays int
		}
		Clauses []struct{ Clause struct{ Code, Text string } }
	}
}

const noticeFields = `number issuedAt digest document
  guide { digest items { item { name version department { name } } promisedDays } clauses { clause { code text } } }`

// TestANoticeOutlivesTheCatalogue issues a notice, changes the catalogue under
// the running server, and reads the notice again.
func TestANoticeOutlivesTheCatalogue(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		s := samples(t)[0]
		var issued struct {
			IssueNotice struct{ Notice noticeReply }
		}
		in.ask(t, `mutation($in: IssueNoticeInput!) { issueNotice(input: $in) { notice { `+noticeFields+` } } }`,
			map[string]any{"in": map[string]any{"scheme": s.Scheme, "facts": s.Facts}}, &issued)
		before := issued.IssueNotice.Notice

		changed := filepath.Join(t.TempDir(), "pack")
		in.command(t, "catalog", "export", changed)
		for file, change := range map[string][2]string{
			"departments.yaml": {"name: 区市场监督管理局", "name: 改名后的局"},
			"items.yaml":       {"promised: 1\n", "promised: 2\n"},
			"clauses.yaml":     {"text: 提交住所（经营场所）使用证明或申报承诺书", "text: 改写后的条款"},
		} {
			path := filepath.Join(changed, file)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), change[0]) {
				t.Fatalf("%s does not hold %q", file, change[0])
			}
			if err := os.WriteFile(path, []byte(strings.Replace(string(text), change[0], change[1], 1)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		in.command(t, "catalog", "import", changed)

		deadline := time.Now().Add(15 * time.Second)
		for { // the running server serves the new version soon
			var r struct {
				Item  struct{ Version int }
				Guide struct {
					Items []struct{ PromisedDays int }
				}
			}
			in.ask(t, `{ item(code: "biz-reg") { version } guide(input: {item: "biz-reg", facts: {industry: "catering"}}) { items { promisedDays } } }`, nil, &r)
			if r.Item.Version == 2 && r.Guide.Items[0].PromisedDays == 2 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the import is not served: %+v", r)
			}
		}

		var kept struct{ Notice noticeReply }
		in.ask(t, `query($n: String!) { notice(number: $n) { `+noticeFields+` } }`, map[string]any{"n": before.Number}, &kept)
		if diff := cmp.Diff(before, kept.Notice); diff != "" {
			t.Errorf("the notice changed (-issued +now):\n%s", diff)
		}
		sum := sha256.Sum256([]byte(kept.Notice.Document))
		if hex.EncodeToString(sum[:]) != kept.Notice.Digest || kept.Notice.Guide.Digest != kept.Notice.Digest {
			t.Errorf("the digest does not verify: %s, guide %s", kept.Notice.Digest, kept.Notice.Guide.Digest)
		}
	})
}
