package host_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/host"
	"github.com/onedoor/onedoor/plugins/internal/pb"
)

// The figures that the product promises, each beside its limit: `make bench`. The
// machine is shared: where two things are compared they take turns.

// quantile sorts a list.
func quantile(list []time.Duration, q float64) time.Duration {
	slices.Sort(list)
	return list[min(len(list)-1, int(float64(len(list))*q))]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// benchQuestion is asked of the well-behaved plugin.
func benchQuestion() check.Question {
	q := question("normal")
	q.Facts = append(slices.Clone(areaFacts), q.Facts...)
	return q
}

// well starts n well-behaved plugins and asks each once.
func well(b *testing.B, n, checks int, change func(*host.Config)) (*rig, []check.Ask) {
	b.Helper()
	var plugins []config
	var names, ids []string
	for i := range n {
		plugins = append(plugins, config{Name: fmt.Sprintf("p%d", i), SDK: true, Checks: checks})
		names = append(names, plugins[i].Name)
	}
	for i := range checks {
		ids = append(ids, fmt.Sprintf("c%d", i))
	}
	r := serving(b, change, plugins...)
	asks := r.asks(b, ids, names...)
	ask(b, r, benchQuestion(), asks)
	return r, asks
}

func ask(b *testing.B, r *rig, q check.Question, asks []check.Ask) time.Duration {
	began := time.Now()
	got, _ := r.Run(context.Background(), q, asks)
	took := time.Since(began)
	for _, g := range got {
		if g.Fault != nil {
			b.Fatalf("%s: %+v", g.Plugin, *g.Fault)
		}
	}
	return took
}

// BenchmarkUnary compares a call to a confined plugin with one of plain grpc-go to
// the same check over a unix socket, in turns. Both have one processor: a plugin is
// given no more, for the sake of its neighbours.
func BenchmarkUnary(b *testing.B) {
	r, asks := well(b, 1, 1, nil)
	path := filepath.Join(r.dir, "plain")
	plain := plainServer(b, path)
	confined := host.Checker(r.Host, "p0")
	request := &pb.CheckRequest{CaseRef: "x", Day: "2026-03-02", Checks: []string{"c0"}, Facts: []*pb.Fact{
		{Key: "area", Value: &pb.Fact_Number{Number: "250.5"}}, {Key: "spaces", Value: &pb.Fact_Integer{Integer: 2}},
	}}
	const turn = 200
	call := func(c pb.CheckerClient, into []time.Duration) []time.Duration {
		for range turn {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			began := time.Now()
			if _, err := c.Check(ctx, request); err != nil {
				b.Fatal(err)
			}
			into = append(into, time.Since(began))
			cancel()
		}
		return into
	}
	var ours, theirs, whole []time.Duration
	call(plain, nil)
	call(confined, nil)
	for b.Loop() {
		ours, theirs = call(confined, ours), call(plain, theirs)
		for range turn {
			whole = append(whole, ask(b, r, benchQuestion(), asks))
		}
	}
	b.ReportMetric(0, "ns/op")
	a, c := quantile(ours, 0.5), quantile(theirs, 0.5)
	b.ReportMetric(float64(a.Microseconds()), "plugin-us")
	b.ReportMetric(float64(c.Microseconds()), "plain-us")
	b.ReportMetric(float64(quantile(whole, 0.5).Microseconds()), "Run-us")
	b.ReportMetric(float64(a)/float64(c), "x-plain(limit≤1.15)")
}

// plainServer is the same plugin without host: plain grpc-go in another process
// without go-plugin, TLS and sandbox.
func plainServer(b *testing.B, path string) pb.CheckerClient {
	b.Helper()
	command(b, "plain", path)
	eventually(b, "the plain server listens", func() bool {
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return pb.NewCheckerClient(conn)
}

// BenchmarkBatch asks 100 checks of one plugin at once, through the whole host.
func BenchmarkBatch(b *testing.B) {
	r, asks := well(b, 1, 100, nil)
	var all []time.Duration
	for b.Loop() {
		all = append(all, ask(b, r, benchQuestion(), asks))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(quantile(all, 0.5).Nanoseconds())/1000/100, "us/check(limit≤30)")
}

// BenchmarkFanOut asks 50 plugins about one case.
func BenchmarkFanOut(b *testing.B) {
	r, asks := well(b, 50, 1, nil)
	var all []time.Duration
	for b.Loop() {
		all = append(all, ask(b, r, benchQuestion(), asks))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(quantile(all, 0.5)), "p50-ms(limit≤15)")
	b.ReportMetric(ms(quantile(all, 0.99)), "p99-ms")
}

// BenchmarkKill measures from kill -9 to the next answer.
func BenchmarkKill(b *testing.B) {
	c := &clock{}
	r, asks := well(b, 1, 1, func(config *host.Config) { config.Now = c.now })
	var all []time.Duration
	for b.Loop() {
		c.move(time.Hour)
		began := time.Now()
		if err := syscall.Kill(host.PID(r.Host, "p0"), syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		ask(b, r, benchQuestion(), asks)
		all = append(all, time.Since(began))
		eventually(b, "it serves", func() bool { return host.PID(r.Host, "p0") != 0 })
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(quantile(all, 0.5)), "p50-ms(limit≤50)")
	b.ReportMetric(ms(quantile(all, 0.9)), "p90-ms")
}

// BenchmarkColdStart measures from nothing to the first answer in the sandbox; the
// program was verified before.
func BenchmarkColdStart(b *testing.B) {
	r := newRig(b, nil)
	release := release(b, config{Name: "p0", SDK: true})
	q := benchQuestion()
	var all []time.Duration
	for b.Loop() {
		if err := r.Apply(b.Context(), []host.Release{release}); err != nil {
			b.Fatal(err)
		}
		asks := r.asks(b, []string{"c0"}, "p0")
		all = append(all, ask(b, r, q, asks))
		if err := r.Close(); err != nil {
			b.Fatal(err)
		}
		os.RemoveAll(r.dir)
		r = newRig(b, nil)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(quantile(all, 0.5)), "p50-ms(limit≤25)")
	b.ReportMetric(ms(quantile(all, 0.9)), "p90-ms")
	b.Logf("in %s", r.Level())
}

// BenchmarkReload replaces a version under load; not one call may fail.
func BenchmarkReload(b *testing.B) {
	r, _ := well(b, 1, 1, func(c *host.Config) { c.Budget = time.Second })
	stop := make(chan struct{})
	var callers sync.WaitGroup
	var calls, failed atomic.Int64
	for range 8 {
		callers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				p := r.Active()[0]
				got, _ := r.Run(context.Background(), benchQuestion(), []check.Ask{{Plugin: p.Name, Digest: p.Digest, Checks: []string{"c0"}}})
				calls.Add(1)
				if got[0].Fault != nil {
					failed.Add(1)
				}
			}
		})
	}
	n := 0
	for b.Loop() {
		n++
		if err := r.Apply(b.Context(), []host.Release{release(b, config{Name: "p0", SDK: true, Checks: 1, Version: fmt.Sprintf("1.%d.0", n)})}); err != nil {
			b.Fatal(err)
		}
	}
	close(stop)
	callers.Wait()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(n), "reloads")
	b.ReportMetric(float64(calls.Load()), "calls")
	b.ReportMetric(float64(failed.Load()), "failed(limit=0)")
}

// BenchmarkNeighbour asks one plugin while another burns all that it gets, and
// while it does not, in turns.
func BenchmarkNeighbour(b *testing.B) {
	quiet, quietAsks := well(b, 1, 1, nil)
	noisy := serving(b, nil, config{Name: "p0", SDK: true}, config{})
	asks := noisy.asks(b, []string{"c0"}, "p0")
	ask(b, noisy, benchQuestion(), asks)
	var idle, beside []time.Duration
	for b.Loop() {
		for range 500 {
			idle = append(idle, ask(b, quiet, benchQuestion(), quietAsks))
		}
		noisy.does(b, "spin-all")
		for range 500 {
			beside = append(beside, ask(b, noisy, benchQuestion(), asks))
		}
		pid := host.PID(noisy.Host, "odd")
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		eventually(b, "it is quiet", func() bool { now := host.PID(noisy.Host, "odd"); return now != pid })
		b.StopTimer()
		if err := noisy.Close(); err != nil {
			b.Fatal(err)
		}
		noisy = serving(b, nil, config{Name: "p0", SDK: true}, config{})
		asks = noisy.asks(b, []string{"c0"}, "p0")
		ask(b, noisy, benchQuestion(), asks)
		b.StartTimer()
	}
	b.ReportMetric(0, "ns/op")
	p99, alone := quantile(beside, 0.99), quantile(idle, 0.99)
	b.ReportMetric(ms(alone), "idle-p99-ms")
	b.ReportMetric(ms(p99), "noisy-p99-ms")
	b.ReportMetric(float64(p99)/float64(alone), "x-idle(limit≤3)")
}
