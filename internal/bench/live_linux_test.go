package bench_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/viewer"
)

// subscribers is how many follow events at one server.
const subscribers = 5000

// events is how many each of them gets in one run.
const events = 100

// rest is the time between two events. Without it, what the network still does for
// one would be counted for the next.
const rest = 100 * time.Millisecond

// BenchmarkSubscribers has 5,000 clients at one server, each on a connection of its
// own, and tells how long after a command was sent the last but one in a hundred
// has its event, and what memory of the server a client takes. Every client must
// get every event once.
func BenchmarkSubscribers(b *testing.B) {
	b.Run("sockets", func(b *testing.B) { benchmarkSubscribers(b, sockets) })
	b.Run("events", func(b *testing.B) { benchmarkSubscribers(b, serverEvents) })
}

func benchmarkSubscribers(b *testing.B, over wire) {
	ctx, cancel := context.WithTimeout(b.Context(), 5*time.Minute)
	defer cancel()
	url, pid, token := liveServer(ctx, b)
	post := func(query string) ([]byte, error) {
		body, err := json.Marshal(map[string]string{"query": query})
		if err != nil {
			return nil, err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err == nil && bytes.Contains(text, []byte(`"errors"`)) {
			err = errors.New(string(text))
		}
		return text, err
	}
	must := func(text []byte, err error) []byte {
		if err != nil {
			b.Fatal(err)
		}
		return text
	}
	const open = `mutation { openCase(input: {item: "biz-reg", applicant: "many", facts: {industry: "catering"}}) { case { id } } }`
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindSubmatch(must(post(open)))[1]
	cursor := regexp.MustCompile(`"cursor":"([^"]+)"`).FindSubmatch(must(post(fmt.Sprintf(`{ case(number: "%s") { events { edges { node { cursor } } } } }`, id))))[1]
	before := residentOf(b, pid)

	clients := gather(b, over, subscribers, url, token, fmt.Sprintf(`subscription { caseEvents(number: "%s", after: "%s") { cursor kind } }`, id, cursor))
	each := float64(residentOf(b, pid)-before) / subscribers

	var delays []time.Duration
	times := make([]time.Time, 0, subscribers)
	area := 50
	// happen has something happen, and waits until everybody has heard of it.
	happen := func() {
		began := time.Now()
		done := make(chan error, 1)
		area++
		go func() {
			_, err := post(fmt.Sprintf(`mutation { changeCase(input: {case: "%s", facts: {use_area: %d}}) { case { version } } }`, id, area))
			done <- err
		}()
		times = clients.hear(b, times[:0])
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		for _, at := range times {
			delays = append(delays, at.Sub(began))
		}
		time.Sleep(rest)
	}
	used := usedBy(b, pid)
	for b.Loop() {
		for range events {
			happen()
		}
	}
	used = (usedBy(b, pid) - used) / time.Duration(len(delays))
	happen() // it is the next that everybody gets: no event came twice
	slices.Sort(delays)
	of := func(percent int) float64 { return float64(delays[len(delays)*percent/100].Microseconds()) / 1000 }
	b.ReportMetric(of(0), "ms-first")
	b.ReportMetric(of(50), "ms-p50")
	b.ReportMetric(of(99), "ms-p99(limit≤50)")
	b.ReportMetric(float64(used.Nanoseconds())/1000, "server-µs-each")
	b.ReportMetric(each, "KiB-each(limit≤40)")
}

// liveServer runs the program with embedded parts, and signs a window in.
func liveServer(ctx context.Context, b *testing.B) (url string, pid int, token string) {
	b.Helper()
	url, pid, sign := runServer(ctx, b, "-limit-address-streams", "off", "-limit-subject-streams", "off")
	return url, pid, sign(viewer.Viewer{Subject: "many", Role: viewer.Applicant})
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

// usedBy gives the time of the processors that a process has used.
func usedBy(b *testing.B, pid int) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	var ticks int64
	for _, f := range fields[11:13] { // in the program, and in the kernel for it
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100 // Linux counts in hundredths
}
