package graph_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/contrib/entgql"
	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/catalog"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/viewer"
)

// stream is a subscription by server-sent events.
type stream struct {
	t          *testing.T
	blocks     chan string   // each event's data; closed at the end
	statements *atomic.Int64 // of SQL that it took
}

// subscribe subscribes as somebody and waits until the server has heard.
func (a api) subscribe(t *testing.T, v viewer.Viewer, query string) *stream {
	t.Helper()
	counting, statements := store.CountStatements(viewer.With(context.Background(), v))
	server := httptest.NewUnstartedServer(a.handler)
	server.Config.BaseContext = func(net.Listener) context.Context { return counting }
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Language", "en")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	s := &stream{t: t, blocks: make(chan string, 1000), statements: statements}
	go func() {
		defer close(s.blocks)
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s.blocks <- data
			}
		}
	}()
	return s
}

// next gives the next event, without the frame around it.
func (s *stream) next() string {
	s.t.Helper()
	select {
	case data := <-s.blocks:
		return data
	case <-time.After(20 * time.Second):
		s.t.Fatal("no event came")
	}
	return ""
}

// happened is what the tests ask of an event.
type happened struct{ Kind, Cursor string }

func (s *stream) event() happened {
	s.t.Helper()
	var answer struct {
		Data   map[string]happened
		Errors []json.RawMessage
	}
	text := s.next()
	if err := json.Unmarshal([]byte(text), &answer); err != nil || len(answer.Errors) > 0 || len(answer.Data) != 1 {
		s.t.Fatalf("%v %s", err, text)
	}
	for _, e := range answer.Data {
		return e
	}
	return happened{}
}

func (s *stream) kinds(n int) []string {
	s.t.Helper()
	var kinds []string
	for range n {
		kinds = append(kinds, s.event().Kind)
	}
	return kinds
}

// end gives the cursor after all that has happened.
func (a api) end(t *testing.T) string {
	t.Helper()
	if err := a.office.store.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	last, err := a.office.store.LastEvent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	entgql.Cursor[string]{ID: fmt.Sprint(last)}.MarshalGQL(&text)
	return strings.Trim(text.String(), `"`)
}

// number gives the number of a case, of which one is asked.
func (a api) number(t *testing.T, id string) string {
	t.Helper()
	cases, err := a.office.Cases.Load(t.Context(), []string{id})
	if err != nil {
		t.Fatal(err)
	}
	return cases[0].Number
}

const zero = "gqFpoTChdsA" // the cursor before the first event

// TestLiveCase follows a case from its beginning, and goes on after a cursor.
func TestLiveCase(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		li := viewer.Viewer{Subject: "li-live", Role: viewer.Applicant}
		id := a.office.must(a.office.Open(a.office.as(li), casework.OpenInput{Item: "biz-reg", Facts: map[string]any{"industry": "catering"}}))
		query := func(after string) string {
			return fmt.Sprintf(`subscription { caseEvents(number: %q, after: %q) { kind cursor } }`, id, after)
		}
		s := a.subscribe(t, li, query(zero))
		first := s.event()
		a.office.must(a.office.Submit(a.office.as(li), id, casework.Order{}))
		a.office.must(a.office.Accept(a.office.as(wang), id, casework.Order{}, nil))
		got := append([]string{first.Kind}, s.kinds(4)...)
		want := []string{"openCase", "submitCase", "acceptCase", "reviewWaits", "reviewOpened"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		again := a.subscribe(t, li, query(first.Cursor))
		if diff := cmp.Diff(got[1:], again.kinds(4)); diff != "" {
			t.Errorf("after a cursor (-want +got):\n%s", diff)
		}
		for what, text := range map[string]string{
			"another applicant": a.subscribe(t, viewer.Viewer{Subject: "zhou", Role: viewer.Applicant}, query(zero)).next(),
			"no case":           a.subscribe(t, li, `subscription { caseEvents(number: "BJ0") { kind } }`).next(),
		} {
			if !strings.Contains(text, `"code":"NOT_FOUND"`) || strings.Contains(text, `"data"`) {
				t.Errorf("%s: %s", what, text)
			}
		}
		if text := a.subscribe(t, viewer.Viewer{}, query(zero)).next(); !strings.Contains(text, "UNAUTHENTICATED") {
			t.Errorf("nobody: %s", text)
		}
		if text := a.subscribe(t, li, query("nonsense")).next(); !strings.Contains(text, "BAD_CURSOR") {
			t.Errorf("a bad cursor: %s", text)
		}
		if text := a.subscribe(t, li, query("gqFppTk5OTk5oXbA")).next(); !strings.Contains(text, "RESUME_GONE") {
			t.Errorf("a cursor of no event: %s", text)
		}
		whole := a.subscribe(t, li, fmt.Sprintf(`subscription { caseEvents(number: %q, after: %q) { kind case { number state allowed reviews { totalCount } } } }`, id, zero))
		if text := whole.next(); !strings.Contains(text, a.number(t, id)) || strings.Contains(text, "errors") {
			t.Errorf("the case of an event: %s", text)
		}
	})
}

// TestLiveDepartment: an inbox has what concerns the department, and nobody gets
// what they may not see.
func TestLiveDepartment(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		end := a.end(t)
		query := func(department string) string {
			return fmt.Sprintf(`subscription { departmentEvents(department: %q, after: %q) { kind cursor } }`, department, end)
		}
		samr := a.subscribe(t, reviewer("samr"), query("samr"))
		drain := a.subscribe(t, reviewer("drain"), query("samr")) // of cases that both review
		window := a.subscribe(t, wang, query("samr"))
		id := a.office.must(a.office.Open(a.office.as(wang), casework.OpenInput{Item: "biz-reg", Applicant: "live", Facts: map[string]any{"industry": "catering"}}))
		a.office.must(a.office.Submit(a.office.as(wang), id, casework.Order{}))
		a.office.must(a.office.Accept(a.office.as(wang), id, casework.Order{}, nil))
		review := a.office.review(id, "biz-reg")
		a.office.must(a.office.Do(a.office.as(reviewer("samr")), "review", review, casework.Order{}, func(c *casework.Case, by casework.By) error { return c.OpenCopyNotice(by, review) }))
		for name, s := range map[string]*stream{"the department": samr, "the window": window} {
			for kind := ""; kind != "openCopyNotice"; {
				if kind = s.event().Kind; kind == "" {
					t.Fatalf("%s got no copy notice", name)
				}
			}
		}
		select {
		case text := <-drain.blocks:
			t.Errorf("a department that has no part in it got %s", text)
		default:
		}
		if text := a.subscribe(t, wang, query("nobody")).next(); !strings.Contains(text, "NOT_FOUND") {
			t.Errorf("no department: %s", text)
		}
	})
}

// TestLiveCatalogue publishes a pack.
func TestLiveCatalogue(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		s := a.subscribe(t, viewer.Viewer{}, fmt.Sprintf(`subscription { catalogEvents(after: %q) { kind cursor } }`, zero))
		if e := s.event(); e.Kind != store.EventPublished || e.Cursor == "" {
			t.Errorf("%v", e)
		}
		pack, err := catalog.Read(catalog.Jiangbei())
		if err != nil {
			t.Fatal(err)
		}
		pack.Items[0].Value.Name += "（新）"
		if _, err := a.office.store.Import(t.Context(), pack, now.AddDate(0, 0, 1)); err != nil {
			t.Fatal(err)
		}
		if e := s.event(); e.Kind != store.EventPublished {
			t.Errorf("%v", e)
		}
		if text := a.subscribe(t, viewer.Viewer{}, `subscription { catalogEvents { case { number } } }`).next(); !strings.Contains(text, "NO_CASE") {
			t.Error(text)
		}
	})
}

// TestLiveIsResolvedOnce: who asks the same and may see it gets the same answer,
// without the database.
func TestLiveIsResolvedOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, a api) {
		// cost gives the statements that the events of a new case take.
		cost := func(clients int, selection string) int64 {
			var streams []*stream
			query := fmt.Sprintf(`subscription { departmentEvents(department: "samr", after: %q) { %s } }`, a.end(t), selection)
			for i := range clients {
				v := viewer.Viewer{Subject: fmt.Sprintf("window-%d", i), Role: viewer.Window}
				streams = append(streams, a.subscribe(t, v, query))
			}
			statements := func() (all int64) {
				a.office.crowd(1)
				for _, s := range streams {
					for s.event().Kind != "reviewOpened" { // the last one
					}
				}
				for _, s := range streams {
					all += s.statements.Load()
				}
				return all
			}
			before := statements() // from here on, all follow
			return statements() - before
		}
		if few, many := cost(2, "id kind cursor actor data"), cost(40, "id kind cursor actor data"); many > few {
			t.Errorf("2 clients take %d statements, 40 take %d", few, many)
		}
		// What depends on who asks is resolved for each.
		if few, many := cost(2, "kind cursor case { allowed }"), cost(4, "kind cursor case { allowed }"); many <= few {
			t.Errorf("2 clients take %d statements, 4 take %d", few, many)
		}
	})
}
