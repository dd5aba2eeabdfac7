package bench_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/onedoor/onedoor/internal/identity"
	"github.com/onedoor/onedoor/internal/viewer"
)

// subscribers is how many follow events at one server.
const subscribers = 5000

// BenchmarkSubscribers has 5,000 clients at one server, each on a socket of its
// own, and tells how long after a command was sent the last but one in a hundred
// has its event, and what memory of the server a client takes. Every client must
// get every event once.
func BenchmarkSubscribers(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	url, pid, token := liveServer(ctx, b)
	post := func(query string) []byte { return ask(ctx, b, url, token, query) }
	const open = `mutation { openCase(input: {item: "biz-reg", applicant: "many", facts: {industry: "catering"}}) { case { id } } }`
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindSubmatch(post(open))[1]
	cursor := regexp.MustCompile(`"cursor":"([^"]+)"`).FindSubmatch(post(fmt.Sprintf(`{ case(number: "%s") { events { edges { node { cursor } } } } }`, id)))[1]
	before := residentOf(b, pid)

	type arrival struct {
		at   time.Time
		text string
	}
	arrivals := make(chan arrival, 2*subscribers)
	subscribe := fmt.Sprintf(`{"id":"1","type":"subscribe","payload":{"query":"subscription { caseEvents(number: \"%s\", after: \"%s\") { cursor kind } }"}}`, id, cursor)
	slots := make(chan struct{}, 50) // dial so many at a time
	var dialling sync.WaitGroup
	for range subscribers {
		slots <- struct{}{}
		dialling.Go(func() {
			defer func() { <-slots }()
			conn, _, err := websocket.Dial(ctx, url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{"Authorization": {"Bearer " + token}}})
			if err != nil {
				b.Error(err)
				return
			}
			for _, m := range []string{`{"type":"connection_init"}`, subscribe, `{"id":"2","type":"subscribe","payload":{"query":"{ __typename }"}}`} {
				if err := conn.Write(ctx, websocket.MessageText, []byte(m)); err != nil {
					b.Error(err)
				}
			}
			for range 3 { // the acknowledgement, and the answer and end of the query
				if _, _, err := conn.Read(ctx); err != nil {
					b.Error(err)
				}
			}
			go func() {
				defer func() { _ = conn.CloseNow() }() // it is over
				for {
					_, text, err := conn.Read(ctx)
					if err != nil {
						return
					}
					arrivals <- arrival{time.Now(), string(text)}
				}
			}()
		})
	}
	dialling.Wait()
	if b.Failed() {
		return
	}
	each := float64(residentOf(b, pid)-before) / subscribers

	var delays []time.Duration
	n := 0
	for b.Loop() {
		n++
		began := time.Now()
		post(fmt.Sprintf(`mutation { changeCase(input: {case: "%s", facts: {use_area: %d}}) { case { version } } }`, id, 50+n%100))
		seen := map[string]int{}
		for range subscribers {
			a := <-arrivals
			seen[a.text]++
			delays = append(delays, a.at.Sub(began))
		}
		if len(seen) != 1 {
			b.Fatalf("not everybody got the same event: %v", seen)
		}
	}
	select {
	case a := <-arrivals:
		b.Errorf("somebody got one more: %s", a.text)
	default:
	}
	slices.Sort(delays)
	of := func(percent int) float64 { return float64(delays[len(delays)*percent/100].Microseconds()) / 1000 }
	b.ReportMetric(of(50), "ms-p50")
	b.ReportMetric(of(99), "ms-p99(limit≤50)")
	b.ReportMetric(each, "KiB-each(limit≤40)")
}

// liveServer runs the program with embedded parts, and signs a window in.
func liveServer(ctx context.Context, b *testing.B) (url string, pid int, token string) {
	b.Helper()
	url, pid, sign := runServer(ctx, b)
	return url, pid, sign(viewer.Viewer{Subject: "many", Role: viewer.Applicant})
}

// runServer runs the program, with more flags, and gives what makes tokens for it.
func runServer(ctx context.Context, b *testing.B, more ...string) (url string, pid int, sign func(viewer.Viewer) string) {
	b.Helper()
	program, data := filepath.Join(b.TempDir(), "server"), b.TempDir()
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "../../server").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"serve", "-addr", "127.0.0.1:0", "-data", data}, more...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	issuer, err := identity.OpenIssuer(data)
	if err != nil {
		b.Fatal(err)
	}
	return regexp.MustCompile(`http://[0-9.:]+`).FindString(line), cmd.Process.Pid, func(v viewer.Viewer) string {
		token, err := issuer.Mint(v, time.Now(), time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		return token
	}
}

// residentOf gives the memory of a process, in KiB.
func residentOf(b *testing.B, pid int) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("memory of a process can be told on Linux only")
	}
	n, err := strconv.Atoi(string(regexp.MustCompile(`VmRSS:\s+(\d+)`).FindSubmatch(text)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return n
}
