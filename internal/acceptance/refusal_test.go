package acceptance_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/viewer"
)

// TestRefusals: whatever is refused says what is wrong, and changes nothing.
func TestRefusals(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		for name, test := range map[string]func(t *testing.T, in instance){
			"parties":     refuseParties,
			"transitions": refuseTransitions,
			"materials":   refuseMaterials,
			"keys":        refuseKeys,
			"same time":   oneEffectOfManyRequests,
			"clock":       refuseClock,
		} {
			t.Run(name, func(t *testing.T) { test(t, in) })
		}
	})
}

// draft opens a case of somebody new.
func draft(t *testing.T, in instance) (client, shown) {
	t.Helper()
	person := in.as(t, applicant(newKey()))
	return person, person.do(t, "openCase", joint(t))
}

// accepted opens a case of somebody new and brings it to its departments.
func accepted(t *testing.T, in instance) (client, shown) {
	t.Helper()
	person, c := draft(t, in)
	person.do(t, "submitCase", map[string]any{"case": c.Number})
	return person, in.as(t, clerk).do(t, "acceptCase", map[string]any{"case": c.Number})
}

// unchanged checks that a case is what it was.
func unchanged(t *testing.T, in instance, before shown) {
	t.Helper()
	after := in.as(t, clerk).show(t, before.Number)
	reminders := after.count("remindDepartment") - before.count("remindDepartment") // limits of one day are reminded of at once
	if after.Version != before.Version+reminders || len(after.Events.Edges) != len(before.Events.Edges)+reminders {
		t.Errorf("%s was version %d with %d events and is version %d with %d, %d of them reminders",
			before.Number, before.Version, len(before.Events.Edges), after.Version, len(after.Events.Edges), reminders)
	}
}

func refuseParties(t *testing.T, in instance) {
	_, c := accepted(t, in)
	nobody, other := in.as(t, anybody), in.as(t, applicant("somebody-else"))
	var seen struct{ Case *struct{ ID string } }
	for _, who := range []client{nobody, other, in.as(t, officer("met"))} {
		who.ask(t, `query($n: String!) { case(number: $n) { id } }`, map[string]any{"n": c.Number}, &seen)
		if seen.Case != nil {
			t.Errorf("%s %q sees another's case", who.who.Role, who.who.Subject)
		}
		who.ask(t, `query($n: String!) { case(number: $n) { id } }`, map[string]any{"n": c.ID}, &seen)
		if seen.Case != nil {
			t.Errorf("%s %q sees another's case by its id", who.who.Role, who.who.Subject)
		}
		var listed struct{ Cases struct{ TotalCount int } }
		who.ask(t, `query($id: ID!) { cases(where: {id: $id}) { totalCount } }`, map[string]any{"id": c.ID}, &listed)
		if listed.Cases.TotalCount != 0 {
			t.Errorf("%s %q counts another's case", who.who.Role, who.who.Subject)
		}
	}
	var viewerShown struct{ Viewer *struct{ Subject string } }
	nobody.ask(t, `{ viewer { subject } }`, nil, &viewerShown)
	if viewerShown.Viewer != nil {
		t.Errorf("nobody is %+v", viewerShown.Viewer)
	}

	named := map[string]any{"case": c.Number}
	nobody.refused(t, mutation(t, "openCase", joint(t), "case { id }"), "UNAUTHENTICATED")
	nobody.refused(t, mutation(t, "withdrawCase", named, "case { id }"), "UNAUTHENTICATED")
	nobody.refused(t, upload(t, map[string]any{"case": c.Number, "material": "x"}, "x.pdf", pdf("x")), "UNAUTHENTICATED")
	forged := in.as(t, clerk)
	forged.token = forged.token[:len(forged.token)-4] + "AAAA"
	if a := forged.send(t, mutation(t, "openCase", joint(t), "case { id }")); a.status != http.StatusUnauthorized || len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "UNAUTHENTICATED" {
		t.Errorf("a forged token: %d %s", a.status, a.body)
	}

	other.refused(t, mutation(t, "withdrawCase", named, "case { id }"), "NOT_FOUND")
	other.refused(t, mutation(t, "withdrawCase", map[string]any{"case": "BJ20260101-0000000000"}, "case { id }"), "NOT_FOUND")
	other.refused(t, upload(t, map[string]any{"case": c.Number, "material": "x"}, "x.pdf", pdf("x")), "NOT_FOUND")

	r := c.reviews()[slices.IndexFunc(c.reviews(), func(r reviewShown) bool { return r.State == "OPEN" && !r.Lead })]
	opinion := map[string]any{"review": r.ID, "opinion": "CONSENT"}
	concerned := c.reviews()[slices.IndexFunc(c.reviews(), func(o reviewShown) bool { return o.Department != r.Department })]
	in.as(t, officer(concerned.Department.Code)).refused(t, mutation(t, "giveOpinion", opinion, "case { id }"), "DENIED")
	in.as(t, officer("met")).refused(t, mutation(t, "giveOpinion", opinion, "case { id }"), "NOT_FOUND")
	in.as(t, clerk).refused(t, mutation(t, "giveOpinion", opinion, "case { id }"), "DENIED")
	in.as(t, officer(r.Department.Code)).refused(t, mutation(t, "decideCase", map[string]any{"case": c.Number, "decision": "GRANT"}, "case { id }"), "DENIED")
	in.as(t, viewer.Viewer{Subject: "li-si", Role: viewer.Agent}).refused(t, mutation(t, "openCase", joint(t), "case { id }"), "INVALID") // without a mandate
	unchanged(t, in, c)
}

func refuseTransitions(t *testing.T, in instance) {
	window := in.as(t, clerk)
	person, d := draft(t, in)
	r := window.refused(t, mutation(t, "acceptCase", map[string]any{"case": d.Number}, "case { id }"), "CONFLICT")
	if e := r.Extensions; e.State != "DRAFT" || e.Version != d.Version || e.Allowed == nil || !slices.Contains(*e.Allowed, "submitCase") || slices.Contains(*e.Allowed, "acceptCase") {
		t.Errorf("accepting a draft: %+v", r)
	}
	r = person.refused(t, mutation(t, "submitCase", map[string]any{"case": d.Number, "expectedVersion": d.Version + 1}, "case { id }"), "STALE")
	if e := r.Extensions; e.Version != d.Version || e.State != "DRAFT" || e.Allowed == nil || !r.has("expectedVersion", "STALE") {
		t.Errorf("a wrong version: %+v", r)
	}
	for _, version := range []int{0, -1} { // no case has it: never taken for any
		person.refused(t, mutation(t, "submitCase", map[string]any{"case": d.Number, "expectedVersion": version}, "case { id }"), "STALE")
	}
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	if r := person.refused(t, mutation(t, "submitCase", map[string]any{"case": d.Number, "occurredAt": tomorrow}, "case { id }"), "INVALID"); !r.has("occurredAt", "FUTURE") {
		t.Errorf("what is to happen tomorrow: %+v", r)
	}
	unchanged(t, in, d)

	_, c := accepted(t, in)
	lead := in.as(t, officer(c.Lead.Code))
	r = lead.refused(t, mutation(t, "decideCase", map[string]any{"case": c.Number, "decision": "GRANT"}, "case { id }"), "CONFLICT")
	if e := r.Extensions; e.State != "IN_REVIEW" || e.Allowed == nil || slices.Contains(*e.Allowed, "decideCase") || !r.has("blockers", "REVIEW") || !r.has("guard", "mayGrant") {
		t.Errorf("a decision before the opinions: %+v", r)
	}
	open := c.reviews()[slices.IndexFunc(c.reviews(), func(r reviewShown) bool { return r.State == "OPEN" })]
	department := in.as(t, officer(open.Department.Code))
	opinion := func(opinion string, reasons ...any) request {
		input := map[string]any{"review": open.ID, "opinion": opinion}
		if reasons != nil {
			input["reasons"] = reasons
		}
		return mutation(t, "giveOpinion", input, "case { id }")
	}
	if r := department.refused(t, opinion("DISSENT"), "INVALID"); !r.has("reasons", "REQUIRED") {
		t.Errorf("a dissent without reasons: %+v", r)
	}
	if r := department.refused(t, opinion("DISSENT", map[string]any{}), "INVALID"); !r.has("reasons[0]", "REQUIRED") {
		t.Errorf("a dissent with an empty reason: %+v", r)
	}
	for _, o := range []string{"DEEMED_CONSENT", "RECUSED"} {
		if r := department.refused(t, opinion(o), "INVALID"); !r.has("opinion", "NOT_TO_BE_GIVEN") {
			t.Errorf("%s by hand: %+v", o, r)
		}
	}
	department.refused(t, opinion("NO_OBJECTION"), "INVALID") // no word of the schema
	unchanged(t, in, c)
	department.granted(t, opinion("CONSENT"), nil)
	if r := department.refused(t, opinion("CONSENT"), "CONFLICT"); r.Extensions.State != "IN_REVIEW" {
		t.Errorf("a second opinion: %+v", r)
	}
	if n := window.show(t, c.Number).count("giveOpinion"); n != 1 {
		t.Errorf("%d opinions", n)
	}
	in.as(t, anybody).refused(t, operation(t, `{ nothing }`, nil), "INVALID")
	window.refused(t, operation(t, `mutation { acceptCase(input: {}) { case { id } } }`, nil), "INVALID")
}

func refuseMaterials(t *testing.T, in instance) {
	person, c := draft(t, in)
	paper := c.papers()[0].Code
	attach := func(material, name string, content []byte) request {
		return upload(t, map[string]any{"case": c.Number, "material": material}, name, content)
	}
	for name, test := range map[string]struct {
		request    request
		path, code string
	}{
		"unknown":    {attach("房产证复印件三份", "a.pdf", pdf("a")), "material", "NOT_ASKED"},
		"empty":      {attach(paper, "a.pdf", nil), "file", "EMPTY"},
		"wrong type": {attach(paper, "a.pdf", []byte("MZ this is a program, whatever its name says")), "file", "UNSUPPORTED_TYPE"},
		"an archive": {attach(paper, "a.docx", []byte("PK\x03\x04 and nothing that a document has")), "file", "UNSUPPORTED_TYPE"},
		"too large":  {attach(paper, "a.pdf", append(pdf("a"), make([]byte, 50<<20)...)), "file", "TOO_LARGE"},
	} {
		if r := person.refused(t, test.request, "INVALID"); !r.has(test.path, test.code) {
			t.Errorf("%s: %+v", name, *r.Extensions.Problems)
		}
	}
	trusted := upload(t, map[string]any{"case": c.Number, "material": paper, "trust": "A"}, "a.pdf", pdf("a"))
	if r := person.refused(t, trusted, "INVALID"); !r.has("trust", "NOT_YOURS") {
		t.Errorf("an applicant vouches as an agency: %+v", r)
	}
	unchanged(t, in, c)

	// With a notice, what it does not name is outside of it.
	var issued struct {
		IssueNotice struct{ Notice struct{ Number string } }
	}
	project := joint(t)
	person.granted(t, mutation(t, "issueNotice", project, "notice { number }"), &issued)
	noticed := person.do(t, "openCase", map[string]any{"notice": issued.IssueNotice.Notice.Number})
	outside := upload(t, map[string]any{"case": noticed.Number, "material": "房产证复印件三份"}, "a.pdf", pdf("a"))
	if r := person.refused(t, outside, "INVALID"); !r.has("material", "OUTSIDE_NOTICE") {
		t.Errorf("a material outside of the notice: %+v", r)
	}

	// What is taken is served to those who see the case, and to nobody else.
	content := pdf("平面图")
	person.granted(t, attach(paper, `..\..\平面图.pdf`, content), nil)
	file := person.show(t, c.Number).material(t, paper).File
	if file == nil || file.Name != "平面图.pdf" {
		t.Fatalf("attached: %+v", file)
	}
	get := func(who client) (int, []byte) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.url+file.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if who.token != "" {
			req.Header.Set("Authorization", "Bearer "+who.token)
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
		return resp.StatusCode, body
	}
	for _, who := range []client{person, in.as(t, clerk)} {
		if status, body := get(who); status != http.StatusOK || !bytes.Equal(body, content) {
			t.Errorf("%s reads %d %q", who.who.Role, status, body)
		}
	}
	for _, who := range []client{in.as(t, anybody), in.as(t, applicant("somebody-else"))} {
		if status, _ := get(who); status != http.StatusNotFound {
			t.Errorf("%s %s reads another's file: %d", who.who.Role, who.who.Subject, status)
		}
	}
}

// refuseKeys: the same request under the same key has the same answer, to the
// byte, and its effect once.
func refuseKeys(t *testing.T, in instance) {
	person := in.as(t, applicant(newKey()))
	var opened struct {
		OpenCase struct{ Case struct{ Number string } }
	}
	open := mutation(t, "openCase", single(findItem(t, "that is an ordinary licence", licence20)), "case { id number version recordedAt }")
	first := person.granted(t, open, &opened)
	number := opened.OpenCase.Case.Number
	submit := mutation(t, "submitCase", map[string]any{"case": number}, "case { number version state recordedAt } receipt { number queryCode receivedAt }")
	receipt := person.granted(t, submit, nil)
	in.as(t, clerk).do(t, "acceptCase", map[string]any{"case": number})
	person.do(t, "withdrawCase", map[string]any{"case": number}) // however far the case has gone
	for range 3 {
		if again := person.granted(t, open, nil); !bytes.Equal(again.body, first.body) {
			t.Errorf("openCase first:\n%s\nagain:\n%s", first.body, again.body)
		}
		if again := person.granted(t, submit, nil); !bytes.Equal(again.body, receipt.body) {
			t.Errorf("submitCase first:\n%s\nagain:\n%s", receipt.body, again.body)
		}
	}
	if c := person.show(t, number); c.State != "WITHDRAWN" || c.Version != 4 || c.count("openCase") != 1 || c.count("submitCase") != 1 {
		t.Errorf("%s of version %d", c.State, c.Version)
	}
	var all struct{ Cases struct{ TotalCount int } }
	person.ask(t, `{ cases { totalCount } }`, nil, &all)
	if all.Cases.TotalCount != 1 {
		t.Errorf("one request has opened %d cases", all.Cases.TotalCount)
	}

	another := mutation(t, "withdrawCase", map[string]any{"case": number}, "case { id }")
	another.key = open.key
	if r := person.refused(t, another, "CONFLICT"); !r.has("Idempotency-Key", "KEY_REUSED") {
		t.Errorf("another request under the key: %+v", r)
	}
	for _, key := range []string{"a key", "ключ", strings.Repeat("k", 256)} {
		bad := open
		bad.key = key
		if r := person.refused(t, bad, "INVALID"); !r.has("Idempotency-Key", "BAD_IDEMPOTENCY_KEY") {
			t.Errorf("the key %q: %+v", key, r)
		}
	}

	// A key is the viewer's own.
	other := in.as(t, applicant(newKey()))
	if theirs := other.granted(t, open, nil); bytes.Equal(theirs.body, first.body) {
		t.Error("somebody else's key gives their answer")
	}

	// What was refused may be sent again, and is judged anew.
	fresh, c := draft(t, in)
	early := mutation(t, "acceptCase", map[string]any{"case": c.Number}, "case { version }")
	in.as(t, clerk).refused(t, early, "CONFLICT")
	fresh.do(t, "submitCase", map[string]any{"case": c.Number})
	in.as(t, clerk).granted(t, early, nil)

	// A file belongs to the request.
	uploader, c := draft(t, in)
	paper := map[string]any{"case": c.Number, "material": c.papers()[0].Code}
	one, two := upload(t, paper, "a.pdf", pdf("one")), upload(t, paper, "a.pdf", pdf("two"))
	two.key = one.key
	attached := uploader.granted(t, one, nil)
	if again := uploader.granted(t, one, nil); !bytes.Equal(again.body, attached.body) {
		t.Errorf("attachMaterial first:\n%s\nagain:\n%s", attached.body, again.body)
	}
	uploader.refused(t, two, "CONFLICT")
	if c = uploader.show(t, c.Number); c.count("attachMaterial") != 1 {
		t.Errorf("attached %d times", c.count("attachMaterial"))
	}
}

// oneEffectOfManyRequests sends one request many times at once.
func oneEffectOfManyRequests(t *testing.T, in instance) {
	person := in.as(t, applicant(newKey()))
	open := mutation(t, "openCase", joint(t), "case { id number version }")
	answers := atOnce(t, 20, func(int) answer { return person.send(t, open) })
	for _, a := range answers {
		if len(a.Errors) > 0 || !bytes.Equal(a.Data, answers[0].Data) {
			t.Errorf("got %s and %s", answers[0].body, a.body)
		}
	}
	var opened struct {
		OpenCase struct{ Case struct{ Number string } }
	}
	if err := json.Unmarshal(answers[0].Data, &opened); err != nil {
		t.Fatal(err)
	}
	submit := mutation(t, "submitCase", map[string]any{"case": opened.OpenCase.Case.Number}, "receipt { number queryCode }")
	answers = atOnce(t, 20, func(int) answer { return person.send(t, submit) })
	for _, a := range answers {
		if len(a.Errors) > 0 || !bytes.Equal(a.Data, answers[0].Data) {
			t.Errorf("got %s and %s", answers[0].body, a.body)
		}
	}
	var all struct{ Cases struct{ TotalCount int } }
	person.ask(t, `{ cases { totalCount } }`, nil, &all)
	c := person.show(t, opened.OpenCase.Case.Number)
	if all.Cases.TotalCount != 1 || c.Version != 2 || len(c.Events.Edges) != 2 {
		t.Errorf("%d cases, version %d, %d events", all.Cases.TotalCount, c.Version, len(c.Events.Edges))
	}
}

// atOnce does something n times at the same time.
func atOnce[T any](t *testing.T, n int, do func(i int) T) []T {
	t.Helper()
	all, begin := make([]T, n), make(chan struct{})
	var done sync.WaitGroup
	for i := range n {
		done.Go(func() {
			<-begin
			all[i] = do(i)
		})
	}
	close(begin)
	done.Wait()
	return all
}

func refuseClock(t *testing.T, in instance) {
	set := operation(t, `mutation { setClock(input: {now: "2030-01-01T00:00:00Z"}) { now } }`, nil)
	for _, who := range []client{in.as(t, anybody), in.as(t, clerk), in.as(t, viewer.Viewer{Subject: "root", Role: viewer.Admin})} {
		if a := who.send(t, set); len(a.Errors) != 1 || !slices.Contains([]string{"CONFLICT", "DENIED"}, a.Errors[0].Extensions.Code) {
			t.Errorf("%s sets the clock: %s", who.who.Role, a.body)
		}
	}
	_, c := draft(t, in)
	if d := time.Since(c.RecordedAt); d < -time.Minute || d > time.Minute {
		t.Errorf("it is %v there", c.RecordedAt)
	}
}

// TestFiftyClients: of fifty who change one version of a case, one does.
func TestFiftyClients(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		// A limit of some days: no reminder comes between.
		opening := single(findItem(t, "that is an ordinary licence", licence20))
		person := in.as(t, applicant(newKey()))
		c := person.do(t, "openCase", opening)
		window := in.as(t, clerk)
		lead := in.as(t, officer(c.Lead.Code))
		for _, round := range []struct {
			who     client
			command string
			input   map[string]any
		}{
			{person, "changeCase", map[string]any{"facts": opening["facts"]}},
			{person, "submitCase", nil},
			{window, "acceptCase", nil},
			{lead, "placeHold", map[string]any{"milestone": "DECISION", "reason": "核查"}},
		} {
			input := map[string]any{"case": c.Number, "expectedVersion": c.Version}
			for k, v := range round.input {
				input[k] = v
			}
			requests := make([]request, 50)
			for i := range requests {
				requests[i] = mutation(t, round.command, input, "case { version }")
			}
			won := 0
			for _, a := range atOnce(t, len(requests), func(i int) answer { return round.who.send(t, requests[i]) }) {
				switch {
				case len(a.Errors) == 0:
					won++
				case a.Errors[0].Extensions.Code != "STALE" || a.Errors[0].Extensions.Version != c.Version+1:
					t.Errorf("%s: %s", round.command, a.body)
				}
			}
			after := window.show(t, c.Number)
			if won != 1 || after.Version != c.Version+1 || after.count(round.command) != 1 {
				t.Errorf("%s: %d won; version %d became %d, with %d events", round.command, won, c.Version, after.Version, after.count(round.command))
			}
			c = after
		}
	})
}
