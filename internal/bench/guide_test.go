package bench_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/graph"
	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/graph/model"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/workday"
)

const pack = "../catalog/packs/jiangbei"

// query asks for the whole answer.
const query = `query($facts: FactSet!) { guide(input: {scheme: "catering", facts: $facts}) {
  complete asOf facts digest obligations
  items { item { code name version kind department { code name } } needed stage after { code } afterOrPromised { code }
    promisedDays statutoryDays because { fact { key label } operator needed actual text basis { law article } } }
  outside { item { code name } needed }
  clauses { clause { code text category department { name } basis { law article } } applies met manual binding promisable judgedIn
    because { text } reasons { fact { key } operator needed actual text basis { law article } } missingFacts { key } }
  materials { name source tolerable items { code } from { code } }
  missingFacts { key label kind unit } nextQuestion { key label }
  zoning { verdict reason clauses }
  schedule { promisedWorkdays statutoryWorkdays promisedSum statutorySum promisedDueOn statutoryDueOn provisional criticalPath { code } stages { name items { code } } joint { promised statutory } }
  fee { amount currency } } }`

// hotpot is the sample of the 180 m² hot-pot restaurant with every fact answered.
func hotpot(b *testing.B) map[string]any {
	read := func(name string, into any) {
		text, err := os.ReadFile(filepath.Join(pack, name))
		if err == nil {
			err = yaml.Unmarshal(text, into)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	var vocabulary struct {
		Facts []struct {
			ID      string
			Default any
		}
	}
	var samples struct {
		Samples []struct{ Facts map[string]any }
	}
	read("facts.yaml", &vocabulary)
	read("samples.yaml", &samples)
	facts := map[string]any{"investment": 50}
	for _, f := range vocabulary.Facts {
		if f.Default != nil {
			facts[f.ID] = f.Default
		}
	}
	for k, v := range samples.Samples[0].Facts {
		facts[k] = v
	}
	return facts
}

func openStore(b *testing.B) *store.Store {
	s, err := store.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	p, err := catalog.Read(catalog.Jiangbei())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.Import(b.Context(), p, time.Now()); err != nil {
		b.Fatal(err)
	}
	return s
}

func resolver(b *testing.B) *graph.Resolver {
	s := openStore(b)
	c, err := s.Catalogue(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	desk := &casework.Desk{Cases: s, Notices: s, Checks: check.None{}, Book: guide.NewBook(c), Now: time.Now, Random: rand.Reader}
	return &graph.Resolver{Client: s.Client(), Desk: desk, Answers: s}
}

// prepared answers guide with a value made before: what the executor costs.
type prepared struct {
	*graph.Resolver
	value *model.Guide
}

func (p prepared) Query() generated.QueryResolver { return preparedQuery{p.Resolver.Query(), p.value} }

type preparedQuery struct {
	generated.QueryResolver
	value *model.Guide
}

func (p preparedQuery) Guide(context.Context, model.GuideInput) (*model.Guide, error) {
	return p.value, nil
}

// BenchmarkGuideHTTP compares the whole answer over HTTP: computed each time,
// prepared (the executor's own cost), and canned bytes from net/http.
func BenchmarkGuideHTTP(b *testing.B) {
	r := resolver(b)
	facts := hotpot(b)
	body, err := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"facts": facts}})
	if err != nil {
		b.Fatal(err)
	}
	g, err := r.Desk.Book.Current().Compute(guide.Input{Scheme: "catering", Facts: facts, AsOf: workday.DateOf(time.Now())})
	if err != nil {
		b.Fatal(err)
	}
	view := model.NewGuide(r.Client, g)
	computed := graph.NewHandler(r, graph.Options{})
	fromPrepared := graph.Serve(generated.NewExecutableSchema(generated.Config{Resolvers: prepared{r, view}}), graph.Options{})

	answer := func(h http.Handler) []byte {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodPost, "/graphql", bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		h.ServeHTTP(w, req)
		return w.Body.Bytes()
	}
	want := answer(computed)
	if bytes.Contains(want, []byte(`"errors"`)) || !bytes.Equal(want, answer(fromPrepared)) {
		b.Fatalf("the prepared answer is another: %.300s", want)
	}
	canned := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(want)
	})
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{{"computed", computed}, {"prepared", fromPrepared}, {"canned", canned}} {
		b.Run(c.name, func(b *testing.B) { load(b, c.handler, body, len(want)) })
	}
}

// load sends the body from 16 clients over loopback and reports requests a second.
func load(b *testing.B, h http.Handler, body []byte, size int) {
	server := httptest.NewServer(h)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	b.SetParallelism(8)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Post(server.URL, "application/json", bytes.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			n, err := io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if err != nil || int(n) != size || resp.StatusCode != http.StatusOK {
				b.Errorf("%d bytes, status %d, %v", n, resp.StatusCode, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

// BenchmarkCompute is the guide alone, without GraphQL.
func BenchmarkCompute(b *testing.B) {
	r := resolver(b)
	in := guide.Input{Scheme: "catering", Facts: hotpot(b), AsOf: workday.DateOf(time.Now())}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Desk.Book.Current().Compute(in); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDigest is the canonical answer and its hash.
func BenchmarkDigest(b *testing.B) {
	r := resolver(b)
	g, err := r.Desk.Book.Current().Compute(guide.Input{Scheme: "catering", Facts: hotpot(b), AsOf: workday.DateOf(time.Now())})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Digest(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkImport is a first import of the pack on SQLite, reading it included.
func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		openStore(b).Close()
	}
}

// BenchmarkLoad is what a start does with a catalogue that is there: read all
// of it and compile it.
func BenchmarkLoad(b *testing.B) {
	s := openStore(b)
	for b.Loop() {
		if _, err := s.Catalogue(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
