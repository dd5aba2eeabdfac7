package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/viewer"
)

// The people.
var (
	anybody viewer.Viewer
	clerk   = viewer.Viewer{Subject: "wang-wu", Role: viewer.Window}
)

func applicant(name string) viewer.Viewer {
	return viewer.Viewer{Subject: name, Role: viewer.Applicant}
}

func officer(department string) viewer.Viewer {
	return viewer.Viewer{Subject: "officer-" + department, Role: viewer.Reviewer, Department: department}
}

// client is somebody at an instance.
type client struct {
	url   string
	who   viewer.Viewer
	token string
}

// as signs somebody in.
func (in instance) as(t *testing.T, v viewer.Viewer) client {
	t.Helper()
	c := client{url: in.url, who: v}
	if !v.Anonymous() {
		token, err := in.issuer.Mint(v, time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		c.token = token
	}
	return c
}

// answer is what the API said.
type answer struct {
	status int
	body   []byte
	Data   json.RawMessage
	Errors []refusal
}

// refusal is an error of the API.
type refusal struct {
	Message    string
	Extensions struct {
		Code, Op string
		Problems *[]struct{ Path, Code, Message, MessageEn string }
		State    string
		Version  int
		Allowed  *[]string
	}
}

// has says whether the refusal names a problem.
func (r refusal) has(path, code string) bool {
	for _, p := range *r.Extensions.Problems {
		if p.Path == path && p.Code == code {
			return true
		}
	}
	return false
}

// request is what is sent: always the same bytes, so that it can be sent again.
type request struct {
	contentType string
	body        []byte
	key         string // Idempotency-Key; "": none
}

var keys atomic.Int64

// newKey gives a key that no other request has.
func newKey() string { return fmt.Sprintf("key-%d", keys.Add(1)) }

func operation(t *testing.T, query string, variables any) request {
	t.Helper()
	return request{contentType: "application/json", body: encode(t, map[string]any{"query": query, "variables": variables})}
}

// mutation is a command with its input; it answers with selection.
func mutation(t *testing.T, name string, input map[string]any, selection string) request {
	t.Helper()
	r := operation(t, mutationText(name, selection), map[string]any{"input": input})
	r.key = newKey()
	return r
}

func mutationText(name, selection string) string {
	return fmt.Sprintf("mutation($input: %sInput!) { %s(input: $input) { %s } }", strings.ToUpper(name[:1])+name[1:], name, selection)
}

// pdf is a page that says a text.
func pdf(text string) []byte { return []byte("%PDF-1.4\n% " + text + "\n%%EOF\n") }

// upload is attachMaterial with a file.
func upload(t *testing.T, input map[string]any, fileName string, content []byte) request {
	t.Helper()
	r, err := uploadOf(input, fileName, content)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func uploadOf(input map[string]any, fileName string, content []byte) (request, error) {
	input["file"] = nil
	operations, err := json.Marshal(map[string]any{
		"query":     mutationText("attachMaterial", "case { version } material { code trust file { name type size sha256 url } }"),
		"variables": map[string]any{"input": input},
	})
	if err != nil {
		return request{}, err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	_ = form.WriteField("operations", string(operations))
	_ = form.WriteField("map", `{"0":["variables.input.file"]}`)
	part, _ := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="0"; filename=%q`, fileName)}, "Content-Type": {"application/octet-stream"}})
	_, _ = part.Write(content)
	_ = form.Close() // a buffer takes everything
	return request{contentType: form.FormDataContentType(), body: body.Bytes(), key: newKey()}, nil
}

// post sends a request once. An error is a request without an answer.
func (c client) post(ctx context.Context, r request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/graphql", bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", r.contentType)
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("GraphQL-Require-Preflight", "1") // only requests with files need it
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{status: resp.StatusCode}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return answer{}, err
	}
	if err := json.Unmarshal(a.body, &a); err != nil {
		return answer{}, fmt.Errorf("%s: %q is no answer: %w", resp.Status, a.body, err)
	}
	return a, nil
}

// send sends a request that has to be answered, well or not.
func (c client) send(t *testing.T, r request) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a, err := c.post(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range a.Errors { // whatever it is, it has its form
		if e.Message == "" || e.Extensions.Code == "" || e.Extensions.Op == "" || e.Extensions.Problems == nil {
			t.Errorf("an error without code, op or problems: %s", a.body)
		}
	}
	return a
}

// ask sends an operation that has to be granted, and decodes its data.
func (c client) ask(t *testing.T, query string, variables any, data any) {
	t.Helper()
	c.granted(t, operation(t, query, variables), data)
}

func (c client) granted(t *testing.T, r request, data any) answer {
	t.Helper()
	a := c.send(t, r)
	if len(a.Errors) > 0 {
		t.Fatalf("%s %s: %s", c.who.Role, c.who.Subject, a.body)
	}
	if data != nil {
		if err := json.Unmarshal(a.Data, data); err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
	}
	return a
}

// refused sends a request that has to be refused with a code.
func (c client) refused(t *testing.T, r request, code string) refusal {
	t.Helper()
	a := c.send(t, r)
	if len(a.Errors) != 1 || a.Errors[0].Extensions.Code != code {
		t.Fatalf("%s %s: got %s, want %s", c.who.Role, c.who.Subject, a.body, code)
	}
	return a.Errors[0]
}

// do gives a command that has to be granted, and shows the case after it.
func (c client) do(t *testing.T, name string, input map[string]any) shown {
	t.Helper()
	var data map[string]struct{ Case shown }
	c.granted(t, mutation(t, name, input, "case { "+caseFields+" }"), &data)
	return data[name].Case
}

// show shows a case to who may see it.
func (c client) show(t *testing.T, number string) shown {
	t.Helper()
	var data struct{ Case *shown }
	c.ask(t, `query($n: String!) { case(number: $n) { `+caseFields+` } }`, map[string]any{"n": number}, &data)
	if data.Case == nil {
		t.Fatalf("%s %s does not see %s", c.who.Role, c.who.Subject, number)
	}
	return *data.Case
}

// shown is a case as the API shows it.
type shown struct {
	ID, Number, State, Mode           string
	Version                           int
	ReceivedAt, AcceptedAt, DecidedAt *time.Time
	RecordedAt                        time.Time
	Lead                              struct{ Code string }
	Allowed                           []string
	Promised, Statutory               clockShown
	Blockers                          []struct{ Kind, ID string }
	Duties                            []struct {
		Kind, DueOn string
		DoneAt      *time.Time
	}
	Supplements       []struct{ ID string }
	SpecialProcedures []struct{ ID string }
	Reviews           struct{ Edges []struct{ Node reviewShown } }
	Materials         struct {
		Edges []struct{ Node materialShown }
	}
	Events struct{ Edges []struct{ Node eventShown } }
}

type clockShown struct {
	DueOn         *string
	RemainingDays *int
	Running       bool
	Limit         struct {
		Amount int
		Unit   string
	}
	Pauses      []map[string]string
	Explanation deadlineShown
}

type deadlineShown struct {
	DueOn       string
	Provisional bool
	Days        []struct {
		Date             string
		Counts           bool
		Number           *int
		Reason, ReasonEn string
		Source           *string
	}
}

type reviewShown struct {
	ID, State, DueOn     string
	Opinion              *string
	Lead, SafetyOfLife   bool
	OpenedAt, AnsweredAt *time.Time
	Item, Department     struct{ Code string }
	Clock                *struct{ Limit struct{ Amount int } }
}

type materialShown struct {
	ID, Code, Source, DueOn string
	Tolerable, OnPaper      bool
	MissedAt                *time.Time
	File                    *struct{ Name, SHA256, URL string }
}

type eventShown struct {
	Position int
	Kind     string
	Late     bool
	Cursor   string
	Data     map[string]any
}

const (
	deadlineFields = `dueOn provisional days { date counts number reason reasonEn source }`
	clockFields    = `dueOn remainingDays running limit { amount unit } pauses { from to reason } explanation { ` + deadlineFields + ` }`
	caseFields     = `id number state mode version receivedAt acceptedAt decidedAt recordedAt lead { code } allowed promised { ` + clockFields + ` } statutory { ` + clockFields + ` }
  blockers { kind id } duties { kind dueOn doneAt } supplements { id } specialProcedures { id }
  reviews(first: 20) { edges { node { id state dueOn opinion lead safetyOfLife openedAt answeredAt item { code } department { code } clock { limit { amount } } } } }
  materials(first: 50) { edges { node { id code source dueOn tolerable onPaper missedAt file { name sha256 url } } } }
  events(first: 100) { edges { node { position kind late cursor data } } }`
)

// reviews lists a case's reviews.
func (s shown) reviews() []reviewShown {
	all := make([]reviewShown, len(s.Reviews.Edges))
	for i, e := range s.Reviews.Edges {
		all[i] = e.Node
	}
	return all
}

// review gives the review of an item.
func (s shown) review(t *testing.T, item string) reviewShown {
	t.Helper()
	for _, r := range s.reviews() {
		if r.Item.Code == item {
			return r
		}
	}
	t.Fatalf("%s has no review of %s", s.Number, item)
	return reviewShown{}
}

// material gives the material with a code.
func (s shown) material(t *testing.T, code string) materialShown {
	t.Helper()
	for _, e := range s.Materials.Edges {
		if e.Node.Code == code {
			return e.Node
		}
	}
	t.Fatalf("%s has no material %s", s.Number, code)
	return materialShown{}
}

// papers lists the materials that the applicant brings.
func (s shown) papers() []materialShown {
	var all []materialShown
	for _, e := range s.Materials.Edges {
		if e.Node.Source == "APPLICANT" {
			all = append(all, e.Node)
		}
	}
	return all
}

// count counts the events of a kind.
func (s shown) count(kind string) int {
	n := 0
	for _, e := range s.Events.Edges {
		if e.Node.Kind == kind {
			n++
		}
	}
	return n
}
