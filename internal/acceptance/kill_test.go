package acceptance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/contrib/entgql"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/store"
)

// The figures of TestKill; `make soak` asks for more.
var (
	killCases   = flag.Int("cases", 60, "TestKill: how many `cases` are handled on each database")
	killClients = flag.Int("clients", 16, "TestKill: how many `clients` work at once")
	killTimes   = flag.Int("kills", 3, "TestKill: how many `times` the server is killed while they work; with -kill-every: at least")
	killEvery   = flag.Duration("kill-every", 0, "TestKill: kill after half to one and a half of this `time`, until all is done; else at moments spread over the work")
	killSeed    = flag.Uint64("kill-seed", 0, "TestKill: `seed` of the moments; 0: another one each time, which is printed")
)

// goal is how far a wish goes, and the state in which its case then is.
type goal int

const (
	opened goal = iota
	submitted
	inReview
	answered
	decided
	delivered
)

var goalStates = []string{"DRAFT", "SUBMITTED", "IN_REVIEW", "IN_REVIEW", "GRANTED", "DELIVERED"}

// wish is one client's: a case, brought to a goal. Its person has no other.
type wish struct {
	person   client
	goal     goal
	attaches bool
	draft    string // as openCase answered
	number   string // as submitCase answered
}

// fleet handles wishes at an instance that is disturbed all the while. Every
// command has a key of its own and is sent with it until it is answered.
type fleet struct {
	in      instance
	opening map[string]any
	window  client
	lead    func(department string) client

	commands, lost, again, done atomic.Int64 // answered, sent in vain, sent once more on purpose, wishes fulfilled
}

// newFleet makes wishes: most go to the end, the others stop anywhere before.
func newFleet(t *testing.T, in instance, n int, rng *rand.Rand) (*fleet, []*wish) {
	t.Helper()
	f := &fleet{in: in, opening: joint(t), window: in.as(t, clerk)}
	departments := map[string]client{}
	var file struct{ Departments []struct{ ID string } }
	readYAML(t, "departments.yaml", &file)
	for _, d := range file.Departments {
		departments[d.ID] = in.as(t, officer(d.ID))
	}
	f.lead = func(department string) client { return departments[department] }
	wishes := make([]*wish, n)
	for i := range wishes {
		w := &wish{person: in.as(t, applicant(fmt.Sprintf("client-%d", i+1))), goal: delivered, attaches: i%4 == 0}
		if rng.IntN(4) == 0 {
			w.goal = goal(rng.IntN(int(delivered)))
		}
		wishes[i] = w
	}
	return f, wishes
}

// work handles all wishes with some clients at once, and ends with the first
// error.
func (f *fleet) work(ctx context.Context, wishes []*wish, clients int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	todo := make(chan *wish)
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for w := range todo {
				if err := f.fulfil(ctx, w); err != nil {
					cancel(fmt.Errorf("%s: %w", w.person.who.Subject, err))
					return
				}
				f.done.Add(1)
			}
		})
	}
	for _, w := range wishes {
		select {
		case todo <- w:
		case <-ctx.Done():
		}
	}
	close(todo)
	working.Wait()
	return context.Cause(ctx)
}

// insist sends a request until it is answered.
func (f *fleet) insist(ctx context.Context, c client, r request, into any) error {
	var a answer
	for {
		var err error
		if a, err = c.post(ctx, r); err == nil && (len(a.Errors) == 0 || a.Errors[0].Extensions.Code != "UNAVAILABLE") {
			break
		}
		f.lost.Add(1)
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", errors.Join(err, context.Cause(ctx)))
		case <-time.After(10 * time.Millisecond):
		}
	}
	if len(a.Errors) > 0 {
		return fmt.Errorf("%s is answered by %s", r.body, a.body)
	}
	if r.key != "" {
		f.commands.Add(1)
	}
	if r.key != "" && rand.IntN(10) == 0 { // a client that has missed the answer
		f.again.Add(1)
		if b, err := c.post(ctx, r); err == nil && len(b.Errors) == 0 && !bytes.Equal(a.Data, b.Data) {
			return fmt.Errorf("%s is answered by %s and then by %s", r.body, a.body, b.body)
		}
	}
	return json.Unmarshal(a.Data, into)
}

// commandText is a mutation without a test at hand.
func commandText(name string, input map[string]any, selection string) (request, error) {
	body, err := json.Marshal(map[string]any{"query": mutationText(name, selection), "variables": map[string]any{"input": input}})
	return request{contentType: "application/json", body: body, key: newKey()}, err
}

// command gives a command and decodes the case that it shows.
func (f *fleet) command(ctx context.Context, c client, name string, input map[string]any) (shown, error) {
	r, err := commandText(name, input, "case { id number state version lead { code } "+reviewList+" }")
	if err != nil {
		return shown{}, err
	}
	var data map[string]struct{ Case shown }
	if err := f.insist(ctx, c, r, &data); err != nil {
		return shown{}, fmt.Errorf("%s: %w", name, err)
	}
	return data[name].Case, nil
}

const reviewList = `reviews(first: 20) { edges { node { id state opinion item { code } department { code } } } }`

func (f *fleet) fulfil(ctx context.Context, w *wish) error {
	c, err := f.command(ctx, w.person, "openCase", f.opening)
	if err != nil {
		return err
	}
	w.draft = c.Number
	if w.attaches {
		if err := f.attach(ctx, w); err != nil {
			return err
		}
	}
	if w.goal == opened {
		return nil
	}
	if c, err = f.command(ctx, w.person, "submitCase", map[string]any{"case": w.draft}); err != nil {
		return err
	}
	w.number = c.Number
	if w.goal == submitted {
		return nil
	}
	if c, err = f.command(ctx, f.window, "acceptCase", map[string]any{"case": w.number}); err != nil || w.goal == inReview {
		return err
	}
	for { // as the reviews open
		open := slices.DeleteFunc(c.reviews(), func(r reviewShown) bool { return r.State != "OPEN" })
		if len(open) == 0 {
			break
		}
		for _, r := range open {
			if c, err = f.command(ctx, f.lead(r.Department.Code), "giveOpinion", map[string]any{"review": r.ID, "opinion": "CONSENT"}); err != nil {
				return err
			}
		}
	}
	if w.goal == answered {
		return nil
	}
	if _, err = f.command(ctx, f.lead(c.Lead.Code), "decideCase", map[string]any{"case": w.number, "decision": "GRANT"}); err != nil || w.goal == decided {
		return err
	}
	_, err = f.command(ctx, f.window, "deliverResult", map[string]any{"case": w.number})
	return err
}

func (f *fleet) attach(ctx context.Context, w *wish) error {
	ask, err := json.Marshal(map[string]any{"query": `query($n: String!) { case(number: $n) { materials(first: 50) { edges { node { code source } } } } }`, "variables": map[string]any{"n": w.draft}})
	if err != nil {
		return err
	}
	var data struct{ Case shown }
	if err := f.insist(ctx, w.person, request{contentType: "application/json", body: ask}, &data); err != nil {
		return err
	}
	r, err := uploadOf(map[string]any{"case": w.draft, "material": data.Case.papers()[0].Code}, "a.pdf", pdf(w.person.who.Subject))
	if err != nil {
		return err
	}
	var attached json.RawMessage
	return f.insist(ctx, w.person, r, &attached)
}

// TestKill kills the server at random moments while many clients work, starts
// it again, and lets them insist. Afterwards nothing is lost, doubled or half
// done.
func TestKill(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		seed := *killSeed
		if seed == 0 {
			seed = rand.Uint64()
		}
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 0))
		f, wishes := newFleet(t, in, *killCases, rng)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)

		began := time.Now()
		finished := make(chan error, 1)
		go func() { finished <- f.work(ctx, wishes, *killClients) }()
		kills, away, err := f.killAll(ctx, t, rng, finished)
		if err != nil {
			cancel(err)
			t.Fatalf("seed %d: %v\n%s", seed, err, in.process.lastWords())
		}
		took := time.Since(began)
		in.process.kill() // and once more, when nothing is under way
		if err := in.process.start(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d cases in %v: %d commands answered (%.0f/s), %d sent again on purpose, %d requests lost and repeated, %d kills, away for %v in all",
			len(wishes), took.Round(time.Millisecond), f.commands.Load(), float64(f.commands.Load())/took.Seconds(), f.again.Load(), f.lost.Load(), kills+1, away.Round(time.Millisecond))
		if kills < *killTimes {
			t.Errorf("the server was killed %d times", kills)
		}
		if f.lost.Load() == 0 {
			t.Error("no kill has met a request")
		}
		began = time.Now()
		f.audit(t, wishes)
		t.Logf("audited in %v", time.Since(began).Round(time.Millisecond))
	})
}

// killAll kills the server and starts it again until the work is done. It says
// how often, and how long the server was away.
func (f *fleet) killAll(ctx context.Context, t *testing.T, rng *rand.Rand, finished <-chan error) (kills int, away time.Duration, err error) {
	perCase := int64(11) // commands of a case that goes to the end
	total := int64(*killCases) * perCase * 3 / 4
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	var next func() bool
	plan := func() {
		if *killEvery > 0 {
			at := time.Now().Add(*killEvery/2 + time.Duration(rng.Int64N(int64(*killEvery))))
			next = func() bool { return time.Now().After(at) }
			return
		}
		segment := total / int64(*killTimes)
		at := segment*int64(kills) + rng.Int64N(segment)
		next = func() bool { return kills < *killTimes && f.commands.Load() >= at }
	}
	plan()
	told := time.Now()
	for {
		select {
		case err := <-finished:
			return kills, away, err
		case <-look.C:
		}
		if testing.Verbose() && time.Since(told) > 5*time.Second {
			told = time.Now()
			t.Logf("%d of %d cases, %d commands, %d kills, %d requests lost and repeated", f.done.Load(), *killCases, f.commands.Load(), kills, f.lost.Load())
		}
		if !next() {
			continue
		}
		time.Sleep(time.Duration(rng.Int64N(int64(20 * time.Millisecond)))) // the moment itself is a random one
		died := time.Now()
		f.in.process.kill()
		if err := f.in.process.start(ctx); err != nil {
			return kills, away, fmt.Errorf("after kill %d: %w", kills+1, err)
		}
		away += time.Since(died)
		kills++
		plan()
	}
}

// audit checks through the public API, and where it does not show something in
// the store, that every wish has its one case as it should be.
func (f *fleet) audit(t *testing.T, wishes []*wish) {
	t.Helper()
	all := f.in.allCases(t)
	byApplicant := map[string][]audited{}
	for _, c := range all {
		byApplicant[c.Applicant] = append(byApplicant[c.Applicant], c)
	}
	items := len(samples(t)[0].Expected.NeededItems)
	states := map[string]int{}
	for _, w := range wishes {
		cases := byApplicant[w.person.who.Subject]
		if len(cases) != 1 {
			t.Errorf("%s has %d cases", w.person.who.Subject, len(cases))
			continue
		}
		c := cases[0]
		states[c.State]++
		number := w.number
		if w.goal == opened {
			number = w.draft
		}
		if c.Number != number || c.State != goalStates[w.goal] {
			t.Errorf("%s was told %s and wanted %s: it has %s, %s", w.person.who.Subject, number, goalStates[w.goal], c.Number, c.State)
		}
		once := func(g goal) int {
			if w.goal >= g {
				return 1
			}
			return 0
		}
		want := map[string]int{
			"openCase": 1, "submitCase": once(submitted), "acceptCase": once(inReview), "reviewWaits": items * once(inReview),
			"giveOpinion": items * once(answered), "decideCase": once(decided), "dutyOwed": once(decided), "deliverResult": once(delivered),
			"attachMaterial": 0, "remindDepartment": c.kinds["remindDepartment"], // of limits of one day; at most once each, see below
		}
		if w.attaches {
			want["attachMaterial"] = 1
		}
		if w.goal >= answered { // all have opened, in their order
			want["reviewOpened"] = items
		} else {
			want["reviewOpened"] = c.kinds["reviewOpened"]
		}
		for kind, n := range want {
			if c.kinds[kind] != n {
				t.Errorf("%s: %s happened %d times, want %d", c.Number, kind, c.kinds[kind], n)
			}
		}
		for kind := range c.kinds {
			if _, known := want[kind]; !known && !slices.Contains(casework.Consequences, kind) {
				t.Errorf("%s: nobody wanted %s", c.Number, kind)
			}
		}
		if len(c.reviews()) != items*once(inReview) || len(c.Duties) != once(decided) {
			t.Errorf("%s is %s with %d reviews and %d duties", c.Number, c.State, len(c.reviews()), len(c.Duties))
		}
		for _, r := range c.reviews() {
			if w.goal >= answered && (r.State != "ANSWERED" || text(r.Opinion) != "CONSENT") {
				t.Errorf("%s: %s is %s %s", c.Number, r.Item.Code, r.State, text(r.Opinion))
			}
		}
		if w.goal == delivered && (c.Duties[0].DoneAt == nil || c.Duties[0].Kind != "DELIVERY") {
			t.Errorf("%s is delivered and owes %+v", c.Number, c.Duties)
		}
	}
	if len(all) != len(wishes) {
		t.Errorf("%d wishes have made %d cases", len(wishes), len(all))
	}
	t.Logf("states: %v", states)
}

// audited is a case as an audit sees it.
type audited struct {
	shown
	Applicant string
	kinds     map[string]int
}

// allCases reads every case and checks what holds for all of them: no event is
// missing, doubled or out of order, in its case and among all, and every
// command has raised the version by one and left one event.
func (in instance) allCases(t *testing.T) []audited {
	t.Helper()
	window := in.as(t, clerk)
	var all []audited
	for after := ""; ; {
		var data struct {
			Cases struct {
				Edges    []struct{ Node audited }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		variables := map[string]any{}
		if after != "" {
			variables["after"] = after
		}
		window.ask(t, `query($after: Cursor) { cases(first: 50, after: $after, orderBy: [{field: OPENED_AT, direction: ASC}]) {
			edges { node { id number state version applicant duties { kind dueOn doneAt } `+reviewList+`
				events(first: 100) { edges { node { position kind cursor data } } } } }
			pageInfo { hasNextPage endCursor } } }`, variables, &data)
		for _, e := range data.Cases.Edges {
			all = append(all, e.Node)
		}
		if after = data.Cases.PageInfo.EndCursor; !data.Cases.PageInfo.HasNextPage {
			break
		}
	}
	numbers, places, ids := map[string]bool{}, []int64{}, []string{}
	for i := range all {
		c := &all[i]
		if numbers[c.Number] {
			t.Errorf("two cases are called %s", c.Number)
		}
		numbers[c.Number] = true
		ids = append(ids, c.ID)
		c.kinds = map[string]int{}
		commands, last := 0, int64(0)
		about := map[string]bool{}
		for k, e := range c.Events.Edges {
			c.kinds[e.Node.Kind]++
			if e.Node.Position != k+1 {
				t.Errorf("%s: event %d is at position %d", c.Number, k+1, e.Node.Position)
			}
			if !slices.Contains(casework.Consequences, e.Node.Kind) || e.Node.Kind == casework.EventOpened {
				commands++
			}
			switch e.Node.Kind {
			case "remindDepartment", "deemConsent", "giveOpinion", "reviewWaits":
				what := e.Node.Kind + fmt.Sprint(e.Node.Data["review"])
				if about[what] {
					t.Errorf("%s: %s of one review twice", c.Number, e.Node.Kind)
				}
				about[what] = true
			}
			place := placeOf(t, e.Node.Cursor)
			if place <= last {
				t.Errorf("%s: event %d is at place %d, that before it at %d", c.Number, k+1, place, last)
			}
			last = place
			places = append(places, place)
		}
		if c.Version != commands {
			t.Errorf("%s has version %d after %d commands", c.Number, c.Version, commands)
		}
	}
	slices.Sort(places)
	for i, place := range places {
		if place != int64(i+1) {
			t.Errorf("among all events, after %d comes %d", i, place)
			break
		}
	}
	in.checkStore(t, all, ids)
	return all
}

// checkStore checks what the API does not show: that no event is held back, and
// that dates and reviews were written with the state that they belong to.
func (in instance) checkStore(t *testing.T, all []audited, ids []string) {
	t.Helper()
	s, err := store.Open(t.Context(), in.databaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for k := 0; k < len(ids); k += 100 {
		end := min(k+100, len(ids))
		kept, err := s.Load(t.Context(), ids[k:end])
		if err != nil || len(kept) != end-k {
			t.Fatalf("the store has %d of %d cases: %v", len(kept), end-k, err)
		}
		for i, c := range kept {
			shown := all[k+i]
			if c.EventCount != len(shown.Events.Edges) {
				t.Errorf("%s has %d events, of which %d are shown", shown.Number, c.EventCount, len(shown.Events.Edges))
			}
			if c.State == casework.InReview && (c.Dates.Promised.IsZero() || c.Dates.Statutory.IsZero() || len(c.Reviews) != len(c.Needs)) {
				t.Errorf("%s is in review: dates %+v, %d reviews of %d", shown.Number, c.Dates, len(c.Reviews), len(c.Needs))
			}
			if c.State == casework.Submitted && (c.Dates.AcceptBy.IsZero() || c.Dates.WakeOn.IsZero()) {
				t.Errorf("%s is submitted and no timer looks after it: %+v", shown.Number, c.Dates)
			}
		}
	}
}

// placeOf reads an event's place among all from its cursor.
func placeOf(t *testing.T, cursor string) int64 {
	t.Helper()
	var c entgql.Cursor[string]
	if err := c.UnmarshalGQL(cursor); err != nil {
		t.Fatal(err)
	}
	place, err := strconv.ParseInt(c.ID, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return place
}

// TestTimersOnce: what time has made due is done once, however often the server
// is killed while it does it, and by however many servers.
func TestTimersOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, in instance) {
		awaitSeeds(t, in)
		seed := *killSeed
		if seed == 0 {
			seed = rand.Uint64()
		}
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 1))
		f, wishes := newFleet(t, in, 40, rng)
		for i, w := range wishes {
			w.goal = []goal{submitted, inReview}[i%2]
		}
		if err := f.work(t.Context(), wishes, *killClients); err != nil {
			t.Fatal(err)
		}
		instances := []instance{in}
		if in.setting("DATABASE_URL") != "" { // SQLite is one server's
			instances = append(instances, start(t, in.env, "--sandbox"))
		}
		set := operation(t, `mutation($now: DateTime!) { setClock(input: {now: $now}) { now worked } }`,
			map[string]any{"now": time.Now().AddDate(0, 0, 21).UTC().Format(time.RFC3339)})
		for range 3 {
			var setting sync.WaitGroup
			for _, one := range instances {
				setting.Go(func() { _, _ = client{url: one.url}.post(t.Context(), set) }) // most are cut off
			}
			time.Sleep(time.Duration(rng.Int64N(int64(150 * time.Millisecond)))) // a random moment
			in.process.kill()
			setting.Wait()
			if err := in.process.start(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, one := range instances {
			one.as(t, anybody).granted(t, set, nil)
			one.as(t, anybody).granted(t, set, nil)
		}
		accepted, consented := 0, 0
		for _, c := range in.allCases(t) {
			if !strings.HasPrefix(c.Applicant, "client-") {
				continue
			}
			accepted += c.kinds["deemAccepted"]
			consented += c.kinds["deemConsent"]
			if c.State != "IN_REVIEW" || c.kinds["acceptCase"]+c.kinds["deemAccepted"] != 1 || c.kinds["reviewWaits"] != len(c.reviews()) {
				t.Errorf("%s is %s with %v", c.Number, c.State, c.kinds)
			}
			deemed := 0
			for _, r := range c.reviews() {
				if text(r.Opinion) == "DEEMED_CONSENT" {
					deemed++
				}
			}
			if deemed != c.kinds["deemConsent"] || c.kinds["acceptCase"] == 1 && deemed == 0 {
				t.Errorf("%s: %d deemed to consent, %d events", c.Number, deemed, c.kinds["deemConsent"])
			}
		}
		if accepted != 20 || consented == 0 {
			t.Errorf("%d deemed accepted, want 20; %d deemed to consent", accepted, consented)
		}
	}, "--sandbox")
}
