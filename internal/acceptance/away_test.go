package acceptance_test

import (
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/testservices"
)

// answerTime is the longest that the server lets a request take.
const answerTime = 30 * time.Second

// status asks one of the paths of health.
func (in instance) status(t *testing.T, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, in.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestDatabaseAway stops the database while clients work and starts it again:
// the server says that it cannot, and then can again.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	database, databaseURL := testservices.OwnPostgreSQL(t)
	in := start(t, []string{"ONEDOOR_DATA=" + t.TempDir(), "DATABASE_URL=" + databaseURL})
	f, wishes := newFleet(t, in, 30, rand.New(rand.NewPCG(1, 2)))
	finished := make(chan error, 1)
	go func() { finished <- f.work(t.Context(), wishes, 8) }()
	person := in.as(t, wishes[0].person.who)
	var asked []request
	for k := range 2 {
		eventually(t, "at work", func() bool { return f.commands.Load() >= int64(100*(k+1)) })
		database.Stop()
		open := mutation(t, "openCase", f.opening, "case { number version }")
		asked = append(asked, open)
		began := time.Now()
		person.refused(t, open, "UNAVAILABLE")
		if d := time.Since(began); d > answerTime {
			t.Errorf("refused after %v", d)
		}
		for _, query := range []string{`{ cases { totalCount } }`, `{ reviews { totalCount } }`, `{ items { totalCount } }`, `{ case(number: "BJ20260101-0000000000") { id } }`} {
			person.refused(t, operation(t, query, nil), "UNAVAILABLE")
		}
		if ready, alive := in.status(t, "/readyz"), in.status(t, "/healthz"); ready != http.StatusServiceUnavailable || alive != http.StatusOK {
			t.Errorf("without a database: ready %d, alive %d", ready, alive)
		}
		person.ask(t, guideQuery, map[string]any{"scheme": f.opening["scheme"], "facts": f.opening["facts"]}, &reply{}) // from memory
		database.Start(t)
		eventually(t, "ready", func() bool { return in.status(t, "/readyz") == http.StatusOK })
	}
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	f.audit(t, wishes)
	t.Logf("%d commands, %d requests lost and repeated", f.commands.Load(), f.lost.Load())

	before := totalCases(t, person)
	for range 2 { // what was refused may be sent again, and has its effect once
		for _, open := range asked {
			person.granted(t, open, nil)
		}
	}
	if n := totalCases(t, person) - before; n != len(asked) {
		t.Errorf("%d requests have opened %d cases", len(asked), n)
	}
	in.allCases(t)
}

func totalCases(t *testing.T, c client) int {
	t.Helper()
	var all struct{ Cases struct{ TotalCount int } }
	c.ask(t, `{ cases { totalCount } }`, nil, &all)
	return all.Cases.TotalCount
}

// TestDatabaseHangs cuts the wire to the database without a word, as a failing
// network does.
func TestDatabaseHangs(t *testing.T) {
	t.Parallel()
	database, err := url.Parse(testservices.PostgreSQL(t))
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(t, database.Host)
	database.Host = w.address()
	in := start(t, []string{"ONEDOOR_DATA=" + t.TempDir(), "DATABASE_URL=" + database.String()})
	person, c := draft(t, in)
	submit := mutation(t, "submitCase", map[string]any{"case": c.Number}, "case { state version }")
	w.cut()
	began := time.Now()
	r := person.refused(t, submit, "UNAVAILABLE")
	if d := time.Since(began); d > answerTime+5*time.Second {
		t.Errorf("refused after %v: %+v", d, r)
	}
	if ready := in.status(t, "/readyz"); ready != http.StatusServiceUnavailable {
		t.Errorf("ready: %d", ready)
	}
	w.mend()
	eventually(t, "ready", func() bool { return in.status(t, "/readyz") == http.StatusOK })
	for range 2 {
		person.granted(t, submit, nil)
	}
	if c := person.show(t, c.Number); c.State != "SUBMITTED" || c.Version != 2 || c.count("submitCase") != 1 {
		t.Errorf("%s of version %d, submitted %d times", c.State, c.Version, c.count("submitCase"))
	}
	in.allCases(t)
}

// wire carries connections to a server, until it is cut.
type wire struct {
	listener net.Listener
	to       string

	mu     sync.Mutex
	flows  *sync.Cond
	broken bool
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: l, to: to}
	w.flows = sync.NewCond(&w.mu)
	t.Cleanup(func() { w.mend(); _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(from)
		}
	}()
	return w
}

func (w *wire) address() string { return w.listener.Addr().String() }

func (w *wire) carry(from net.Conn) {
	defer from.Close()
	w.wait()
	to, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer to.Close()
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		go func() {
			_, _ = io.Copy(gate{way[1], w}, way[0])
			ended <- struct{}{}
		}()
	}
	<-ended
}

// gate writes when the wire is whole.
type gate struct {
	net.Conn
	w *wire
}

func (g gate) Write(p []byte) (int, error) {
	g.w.wait()
	return g.Conn.Write(p)
}

func (w *wire) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.broken {
		w.flows.Wait()
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = true
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = false
	w.flows.Broadcast()
}

// TestDatabaseFull fills SQLite's file to its limit, as a full disk would, and
// makes room again.
func TestDatabaseFull(t *testing.T) {
	t.Parallel()
	const pages, page = 4000, 4096
	folder := t.TempDir()
	path := filepath.Join(folder, "onedoor.db")
	// The server's own connections stop at the limit; the last name swallows what
	// the server adds first.
	in := start(t, []string{"ONEDOOR_DATA=" + folder,
		fmt.Sprintf("DATABASE_URL=sqlite:%s?_pragma=busy_timeout(5000)&_pragma=max_page_count(%d)&_rest=", path, pages)})
	person, c := draft(t, in)

	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var used int
	if err := db.QueryRow("PRAGMA page_count").Scan(&used); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE ballast (dust BLOB)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO ballast VALUES (zeroblob(?))", max(1, pages-used)*page); err != nil {
		t.Fatal(err)
	}
	// Pages that are half empty take a few commands more.
	var refused request
	opened := 1
	for ; ; opened++ {
		if opened > 500 {
			t.Fatal("it never gets full")
		}
		open := mutation(t, "openCase", joint(t), "case { number version }")
		if a := person.send(t, open); len(a.Errors) > 0 {
			if a.Errors[0].Extensions.Code != "UNAVAILABLE" {
				t.Fatalf("a full disk: %s", a.body)
			}
			refused = open
			break
		}
	}
	for range 3 {
		person.refused(t, refused, "UNAVAILABLE")
	}
	if n := totalCases(t, person); n != opened {
		t.Errorf("%d cases are opened, %d are there", opened, n)
	}
	if got := person.show(t, c.Number); got.Version != 1 {
		t.Errorf("the case has version %d", got.Version)
	}
	if _, err := db.Exec("DROP TABLE ballast"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "able to write", func() bool { return len(person.send(t, refused).Errors) == 0 })
	person.granted(t, refused, nil)
	if n := totalCases(t, person); n != opened+1 {
		t.Errorf("%d cases are opened, %d are there", opened+1, n)
	}
	person.do(t, "submitCase", map[string]any{"case": c.Number})
	in.allCases(t)
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("the file is %s: %v", sound, err)
	}
}
