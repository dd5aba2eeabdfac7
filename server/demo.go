package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	_ "embed"

	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/viewer"
)

// restaurant is a hot-pot restaurant of 180 m² on a commercial street.
//
//go:embed demo/restaurant.json
var restaurant []byte

// demoCommand plays a restaurant from notice to delivery on a running server,
// through the public API alone, and prints what happened.
func demoCommand(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var url string
	c, rest, err := parseConfig("demo", args, getenv, stderr, func(flags *flag.FlagSet) {
		flags.StringVar(&url, "url", "http://127.0.0.1:8080", "the `URL` of the running server; it and the demo share the data folder")
	})
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return fmt.Errorf("demo takes no %q", rest[0])
	}
	issuer, err := identity.OpenIssuer(c.data)
	if err != nil {
		return err
	}
	p := &player{url: strings.TrimSuffix(url, "/"), issuer: issuer, say: stdout, sandbox: true}
	if err := p.play(ctx, delivered); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return p.timeline(ctx)
}

// stage is how far a play goes.
type stage int

const (
	opened stage = iota
	submitted
	inReview
	supplementing
	decided
	delivered
)

// player plays a case as all the people who have a part in it.
type player struct {
	url     string
	issuer  *identity.Issuer
	say     io.Writer
	run     string // makes the keys of this play its own
	keys    int
	number  string
	lead    string
	sandbox bool // time is let pass, as long as the server allows
}

// role signs in.
func role(role viewer.Role, subject, department string) viewer.Viewer {
	return viewer.Viewer{Subject: subject, Role: role, Department: department}
}

var (
	anybody   viewer.Viewer
	applicant = role(viewer.Applicant, "zhang-san", "")
	window    = role(viewer.Window, "wang-wu", "")
)

func officer(department string) viewer.Viewer {
	return role(viewer.Reviewer, "officer-"+department, department)
}

// ask sends an operation as a viewer and reads its data into into. A mutation
// carries an Idempotency-Key and is tried again when its answer got lost.
func (p *player) ask(ctx context.Context, v viewer.Viewer, query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	return p.send(ctx, v, "application/json", body, into)
}

func (p *player) send(ctx context.Context, v viewer.Viewer, contentType string, body []byte, into any) error {
	p.keys++
	key := fmt.Sprintf("demo-%s-%d", p.run, p.keys)
	var reply *http.Response
	for try := 0; ; try++ {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Accept-Language", "zh")
		request.Header.Set("Idempotency-Key", key)
		request.Header.Set("GraphQL-Require-Preflight", "1") // for files
		if !v.Anonymous() {
			token, err := p.issuer.Mint(v, time.Now(), time.Hour)
			if err != nil {
				return err
			}
			request.Header.Set("Authorization", "Bearer "+token)
		}
		if reply, err = http.DefaultClient.Do(request); err == nil {
			break
		}
		if try == 3 || ctx.Err() != nil {
			return fmt.Errorf("is a server running there? %w", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second << try):
		}
	}
	defer reply.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s: %w", reply.Status, err)
	}
	if len(answer.Errors) > 0 {
		return &refusedError{answer.Errors[0].Extensions.Code, answer.Errors[0].Message}
	}
	return json.Unmarshal(answer.Data, into)
}

// refusedError is an error that the API gave.
type refusedError struct{ code, message string }

func (e *refusedError) Error() string { return e.code + ": " + e.message }

// command gives a mutation on the case; extra is more of its input.
func (p *player) command(ctx context.Context, v viewer.Viewer, name string, input map[string]any) error {
	query := fmt.Sprintf("mutation($input: %sInput!) { %s(input: $input) { case { number } } }", strings.ToUpper(name[:1])+name[1:], name)
	var data map[string]struct{ Case struct{ Number string } }
	if err := p.ask(ctx, v, query, map[string]any{"input": input}, &data); err != nil {
		return fmt.Errorf("%s by %s: %w", name, v.Subject, err)
	}
	p.number = data[name].Case.Number
	return nil
}

// review is a review as the play sees it.
type review struct {
	ID         string
	State      string
	Opinion    *string
	Lead       bool
	Item       struct{ Code, Name string }
	Department struct{ Code string }
}

func (p *player) reviews(ctx context.Context) ([]review, error) {
	var data struct {
		Case *struct {
			Lead    struct{ Code string }
			Reviews struct{ Edges []struct{ Node review } }
		}
	}
	err := p.ask(ctx, window, `query($n: String!) { case(number: $n) { lead { code }
		reviews(first: 50) { edges { node { id state opinion lead item { code name } department { code } } } } } }`,
		map[string]any{"n": p.number}, &data)
	if err != nil {
		return nil, err
	}
	if data.Case == nil {
		return nil, fmt.Errorf("case %s is not there", p.number)
	}
	p.lead = data.Case.Lead.Code
	all := make([]review, len(data.Case.Reviews.Edges))
	for i, e := range data.Case.Reviews.Edges {
		all[i] = e.Node
	}
	return all, nil
}

// play goes from the notice as far as it is told.
func (p *player) play(ctx context.Context, until stage) error {
	if p.run == "" {
		p.run = fmt.Sprintf("%x", time.Now().UnixNano())
	}
	var facts map[string]any
	if err := json.Unmarshal(restaurant, &facts); err != nil {
		return err
	}
	if err := p.open(ctx, facts, until); err != nil || until == opened {
		return err
	}
	if err := p.command(ctx, applicant, "submitCase", map[string]any{"case": p.number}); err != nil || until == submitted {
		return err
	}
	p.pass(ctx, 24*time.Hour)
	if err := p.command(ctx, window, "acceptCase", map[string]any{"case": p.number}); err != nil || until == inReview {
		return err
	}
	if err := p.handle(ctx, until); err != nil || until == supplementing {
		return err
	}
	if err := p.command(ctx, officer(p.lead), "decideCase", map[string]any{"case": p.number, "decision": "GRANT"}); err != nil || until == decided {
		return err
	}
	p.pass(ctx, 24*time.Hour)
	return p.command(ctx, window, "deliverResult", map[string]any{"case": p.number})
}

// open takes the notice, opens the case from it and attaches a paper.
func (p *player) open(ctx context.Context, facts map[string]any, until stage) error {
	var noticed struct {
		IssueNotice struct {
			Notice struct {
				Number string
				Guide  struct {
					Materials []struct{ Code, Name, Source string }
				}
			}
		}
	}
	err := p.ask(ctx, anybody, `mutation($input: IssueNoticeInput!) { issueNotice(input: $input) { notice { number guide { materials { code name source } } } } }`,
		map[string]any{"input": map[string]any{"scheme": "catering", "facts": facts}}, &noticed)
	if err != nil {
		return fmt.Errorf("issueNotice: %w", err)
	}
	notice := noticed.IssueNotice.Notice
	if err := p.command(ctx, applicant, "openCase", map[string]any{"notice": notice.Number}); err != nil || until == opened {
		return err
	}
	for _, m := range notice.Guide.Materials {
		if m.Source == "APPLICANT" {
			if err := p.attach(ctx, applicant, m.Code, m.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// paper is a PDF of one empty page.
const paper = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n" +
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

// attach uploads a paper by the multipart request of GraphQL.
func (p *player) attach(ctx context.Context, v viewer.Viewer, code, name string) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	operations, err := json.Marshal(map[string]any{
		"query":     `mutation($input: AttachMaterialInput!) { attachMaterial(input: $input) { material { code file { sha256 } } } }`,
		"variables": map[string]any{"input": map[string]any{"case": p.number, "material": code, "file": nil}},
	})
	if err != nil {
		return err
	}
	_ = form.WriteField("operations", string(operations))
	_ = form.WriteField("map", `{"0":["variables.input.file"]}`)
	part, _ := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="0"; filename="paper.pdf"`}, "Content-Type": {"application/pdf"}})
	_, _ = io.WriteString(part, paper+"% "+name+"\n")
	_ = form.Close() // a buffer takes everything
	var data struct {
		AttachMaterial struct{ Material struct{ Code string } }
	}
	if err := p.send(ctx, v, form.FormDataContentType(), body.Bytes(), &data); err != nil {
		return fmt.Errorf("attachMaterial %s: %w", code, err)
	}
	return nil
}

// handle plays what happens inside: copies, a site visit, a supplement, a
// special procedure, and the opinions in their order.
func (p *player) handle(ctx context.Context, until stage) error {
	all, err := p.reviews(ctx)
	if err != nil {
		return err
	}
	var departments []string
	for _, r := range all {
		if !slices.Contains(departments, r.Department.Code) {
			departments = append(departments, r.Department.Code)
		}
		if err := p.command(ctx, officer(r.Department.Code), "openCopyNotice", map[string]any{"review": r.ID}); err != nil {
			return err
		}
	}
	today, err := p.today(ctx)
	if err != nil {
		return err
	}
	lead := officer(p.lead)
	var called struct {
		CallMeeting struct{ Meeting struct{ ID string } }
	}
	err = p.ask(ctx, lead, `mutation($input: CallMeetingInput!) { callMeeting(input: $input) { meeting { id } } }`,
		map[string]any{"input": map[string]any{"case": p.number, "kind": "SITE_VISIT", "departments": departments, "on": today}}, &called)
	if err != nil {
		return fmt.Errorf("callMeeting: %w", err)
	}
	if err := p.command(ctx, lead, "recordMeeting", map[string]any{"meeting": called.CallMeeting.Meeting.ID, "present": departments}); err != nil {
		return err
	}
	asks := all[slices.IndexFunc(all, func(r review) bool { return r.State == "OPEN" && !r.Lead })]
	due := time.Now().AddDate(0, 0, 14)
	if day, err := time.Parse(time.DateOnly, today); err == nil {
		due = day.AddDate(0, 0, 14)
	}
	err = p.command(ctx, lead, "requestSupplement", map[string]any{"case": p.number, "dueOn": due.Format(time.DateOnly),
		"asks": []any{map[string]any{"review": asks.ID, "text": "请补充油烟管道走向图"}}})
	if err != nil || until == supplementing {
		return err
	}
	p.pass(ctx, 24*time.Hour)
	if err := p.command(ctx, applicant, "supplyCase", map[string]any{"case": p.number}); err != nil {
		return err
	}
	var started struct {
		StartSpecialProcedure struct{ Procedure struct{ ID string } }
	}
	err = p.ask(ctx, officer(asks.Department.Code), `mutation($input: StartSpecialProcedureInput!) { startSpecialProcedure(input: $input) { procedure { id } } }`,
		map[string]any{"input": map[string]any{"review": asks.ID, "kind": "TEST", "days": 3}}, &started)
	if err != nil {
		return fmt.Errorf("startSpecialProcedure: %w", err)
	}
	p.pass(ctx, 24*time.Hour)
	if err := p.command(ctx, officer(asks.Department.Code), "endSpecialProcedure", map[string]any{"procedure": started.StartSpecialProcedure.Procedure.ID}); err != nil {
		return err
	}
	return p.answer(ctx)
}

// answer lets every department consent, as its review opens.
func (p *player) answer(ctx context.Context) error {
	for {
		all, err := p.reviews(ctx)
		if err != nil {
			return err
		}
		gave := false
		for _, r := range all {
			if r.State != "OPEN" {
				continue
			}
			if err := p.command(ctx, officer(r.Department.Code), "giveOpinion", map[string]any{"review": r.ID, "opinion": "CONSENT"}); err != nil {
				return err
			}
			gave = true
		}
		if !gave {
			return nil
		}
	}
}

// today is the day on the server's own clock.
func (p *player) today(ctx context.Context) (string, error) {
	var data struct {
		Guide struct{ AsOf string }
	}
	err := p.ask(ctx, anybody, `{ guide(input: {item: "biz-reg", facts: {}}) { asOf } }`, nil, &data)
	return data.Guide.AsOf, err
}

// pass lets time pass, where the server is a sandbox.
func (p *player) pass(ctx context.Context, d time.Duration) {
	if !p.sandbox {
		return
	}
	var data struct{ SetClock struct{ Now time.Time } }
	now, err := p.last(ctx)
	if err == nil {
		err = p.ask(ctx, anybody, `mutation($now: DateTime!) { setClock(input: {now: $now}) { now } }`,
			map[string]any{"now": now.Add(d).UTC().Format(time.RFC3339)}, &data)
	}
	if refused := (*refusedError)(nil); errors.As(err, &refused) {
		p.sandbox = false
	}
}

// last is when the last event of the case was recorded.
func (p *player) last(ctx context.Context) (time.Time, error) {
	var data struct {
		Case struct{ RecordedAt time.Time }
	}
	err := p.ask(ctx, window, `query($n: String!) { case(number: $n) { recordedAt } }`, map[string]any{"n": p.number}, &data)
	return data.Case.RecordedAt, err
}

// timeline prints what happened, from the API.
func (p *player) timeline(ctx context.Context) error {
	type clock struct {
		DueOn         *string
		RemainingDays *int
	}
	var data struct {
		Case struct {
			Number, State string
			Promised      clock
			Statutory     clock
			Decision      struct{ Granted []string }
			Events        struct {
				Edges []struct {
					Node struct {
						OccurredAt        time.Time
						Kind, Actor, Role string
						Data              map[string]any
					}
				}
			}
		}
	}
	err := p.ask(ctx, window, `query($n: String!) { case(number: $n) { number state promised { dueOn remainingDays } statutory { dueOn remainingDays }
		decision { granted } events(first: 100) { edges { node { occurredAt kind actor role data } } } } }`, map[string]any{"n": p.number}, &data)
	if err != nil {
		return err
	}
	c := data.Case
	table := tabwriter.NewWriter(p.say, 0, 0, 2, ' ', 0)
	for _, e := range c.Events.Edges {
		var about []string
		for _, key := range []string{"department", "item", "review", "opinion", "material", "kind", "number", "decision"} {
			if v, ok := e.Node.Data[key].(string); ok && v != "" {
				about = append(about, v)
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s %s\t%s\n", e.Node.OccurredAt.In(shanghai).Format("2006-01-02 15:04:05"), e.Node.Kind, e.Node.Role, e.Node.Actor, strings.Join(about, " "))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	day := func(c clock) string {
		if c.DueOn == nil {
			return "—"
		}
		return *c.DueOn
	}
	_, err = fmt.Fprintf(p.say, "%s is %s; granted: %s; promised until %s, statutory until %s\n",
		c.Number, c.State, strings.Join(c.Decision.Granted, ", "), day(c.Promised), day(c.Statutory))
	return err
}

// shanghai is the zone in which people read times here.
var shanghai = time.FixedZone("CST", 8*3600)
