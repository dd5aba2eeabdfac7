package bench_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/store"
	"github.com/onedoor/onedoor/internal/testservices"
)

// clients is how many write at the same time.
const clients = 16

// BenchmarkCreate writes new cases with three reviews and one event through the
// store, and the same rows with PostgreSQL's own pgbench, in turns, from as many
// clients, on one server. The store must reach half of pgbench's rate.
func BenchmarkCreate(b *testing.B) {
	pgbench, err := findPgbench()
	if err != nil {
		b.Skip(err)
	}
	const rounds = 3
	spell := 4 * time.Second
	// Each has a database of its own, so that neither finds the other's rows.
	ours, theirs := testservices.PostgreSQL(b), testservices.PostgreSQL(b)
	s, c := withCase(b, ours)
	other, _ := withCase(b, theirs)
	other.Close()
	values, err := writeOne(b.Context(), s, c, ours)
	if err != nil {
		b.Fatal(err)
	}
	script := filepath.Join(b.TempDir(), "create.sql")
	if err := os.WriteFile(script, []byte(createScript(values)), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := execute(b.Context(), theirs, "CREATE SEQUENCE place START 1000000"); err != nil {
		b.Fatal(err)
	}
	throughPgbench(b, pgbench, theirs, script, values, time.Second) // warm up
	throughStore(b, s, c, time.Second)
	var stores, pgbenches []float64
	for range rounds {
		stores = append(stores, throughStore(b, s, c, spell))
		pgbenches = append(pgbenches, throughPgbench(b, pgbench, theirs, script, values, spell))
	}
	b.Logf("store %.0f/s, pgbench %.0f/s", stores, pgbenches)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(stores), "store-tx/s")
	b.ReportMetric(median(pgbenches), "pgbench-tx/s")
	b.ReportMetric(100*median(stores)/median(pgbenches), "%of-pgbench(limit≥50)")
}

func median(list []float64) float64 {
	list = slices.Clone(list)
	slices.Sort(list)
	return list[len(list)/2]
}

func findPgbench() (string, error) {
	if found, err := exec.LookPath("pgbench"); err == nil {
		return found, nil
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		if found, err := exec.LookPath(filepath.Join(strings.TrimSpace(string(out)), "pgbench")); err == nil {
			return found, nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("pgbench is not installed: apt-get install -y postgresql-contrib or postgresql")
	}
	return found[len(found)-1], nil
}

// withCase opens a database and gives a small accepted case with three reviews,
// one event and no papers.
func withCase(b *testing.B, databaseURL string) (*store.Store, *casework.Case) {
	s, book, err := prepare(b.Context(), databaseURL)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	all, err := projects()
	if err != nil {
		b.Fatal(err)
	}
	project := all[0]
	project.Applicant = "applicant-00001"
	id, err := newPlayers(b.Context(), s, s, book).live(lastWeek, project, inReview)
	if err != nil {
		b.Fatal(err)
	}
	found, err := s.Load(b.Context(), []string{id})
	if err != nil {
		b.Fatal(err)
	}
	c := *found[0]
	c.Reviews = c.Reviews[:3]
	for i := range c.Reviews {
		c.Reviews[i].Findings = c.Reviews[i].Findings[:min(2, len(c.Reviews[i].Findings))]
	}
	c.Needs, c.Materials, c.EventCount = nil, nil, 1
	c.Events = []casework.Event{{Position: 1, Kind: string(casework.ActAccept), OccurredAt: c.AcceptedAt, RecordedAt: c.RecordedAt,
		Actor: casework.Actor{Subject: windowClerk.Subject, Role: windowClerk.Role}, Data: map[string]any{"tolerated": []string{}, "onPaper": []string{}, "standards": c.Standards}}}
	return s, &c
}

// another gives the case an identity and number of its own.
func another(c *casework.Case) (*casework.Case, error) {
	key, err := ref.NewKey(time.Now(), rand.Reader)
	if err != nil {
		return nil, err
	}
	code, err := ref.NewCode(rand.Reader, 10)
	if err != nil {
		return nil, err
	}
	n := *c
	n.ID, n.Number = ref.Case(key), "BJ20261116-"+code
	n.Reviews, n.Events = slices.Clone(c.Reviews), slices.Clone(c.Events)
	for i := range n.Reviews {
		n.Reviews[i].ID = ref.Part(ref.Review, n.ID, i+1)
	}
	n.Events[0].ID = ref.Part(ref.Event, n.ID, 1)
	n.Events[0].RecordedAt = time.Now().UTC()
	return &n, nil
}

// throughStore gives cases a second.
func throughStore(b *testing.B, s *store.Store, c *casework.Case, spell time.Duration) float64 {
	var done atomic.Int64
	var all sync.WaitGroup
	began := time.Now()
	for range clients {
		all.Go(func() {
			for time.Since(began) < spell {
				n, err := another(c)
				if err == nil {
					_, err = s.Create(b.Context(), n)
				}
				if err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

var tps = regexp.MustCompile(`tps = ([0-9.]+) \(without`)

// throughPgbench gives transactions a second.
func throughPgbench(b *testing.B, pgbench, databaseURL, script string, values []column, spell time.Duration) float64 {
	args := []string{"-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", "2", "-T", strconv.Itoa(int(spell.Seconds())), "-f", script}
	for _, v := range values {
		if v.given != nil {
			args = append(args, "-D", v.variable()+"="+*v.given)
		}
	}
	cmd := exec.CommandContext(b.Context(), pgbench, append(args, databaseURL)...)
	out, err := cmd.CombinedOutput()
	found := tps.FindSubmatch(out)
	if err != nil || found == nil {
		b.Fatalf("pgbench: %v: %s", err, out)
	}
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}

// column is a column of one of the rows of the case, as PostgreSQL tells it.
type column struct {
	table, name, kind string
	row               int
	given             *string // nil: NULL
}

func (c column) variable() string { return fmt.Sprintf("%s_%d_%s", c.table, c.row, c.name) }

func execute(ctx context.Context, databaseURL, statement string) error {
	db, err := sql.Open("pgx", databaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// writeOne writes the case and reads its rows back.
func writeOne(ctx context.Context, s *store.Store, c *casework.Case, databaseURL string) ([]column, error) {
	n, err := another(c)
	if err != nil {
		return nil, err
	}
	if _, err := s.Create(ctx, n); err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", databaseURL)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var all []column
	for _, table := range []string{"cases", "reviews", "events"} {
		key := "case_id"
		if table == "cases" {
			key = "id"
		}
		rows, err := db.QueryContext(ctx, `SELECT (ROW_NUMBER() OVER (ORDER BY r.id)) - 1, a.attname, format_type(a.atttypid, NULL), to_jsonb(r) ->> a.attname
			FROM `+table+` r, pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND r.`+key+` = $2 ORDER BY r.id, a.attnum`, table, n.ID)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		attributes, count := map[string]int{}, 0
		for rows.Next() {
			v := column{table: table}
			if err := rows.Scan(&count, &v.name, &v.kind, &v.given); err != nil {
				return nil, err
			}
			v.row = attributes[v.name]
			attributes[v.name]++
			all = append(all, v)
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// createScript is the transaction for pgbench: what differs from case to case is
// made by the server, all else comes as parameters, as from the store. A sequence
// gives the event its place.
func createScript(values []column) string {
	key := `to_char(now(), 'YYYYMMDDHH24MISSUS') || lpad((:client_id)::text, 6, '0')`
	var b strings.Builder
	b.WriteString("BEGIN;\n")
	for _, table := range []string{"cases", "reviews", "events"} {
		var names []string
		var rows []string
		for row := 0; ; row++ {
			var fields []string
			for _, v := range values {
				if v.table != table || v.row != row {
					continue
				}
				if row == 0 {
					names = append(names, `"`+v.name+`"`)
				}
				field := "NULL"
				if v.given != nil {
					field = "(:" + v.variable() + ")::" + v.kind
				}
				switch {
				case v.name == "id" && table == "cases", v.name == "case_id":
					field = "'cas_' || " + key
				case v.name == "id" && table == "reviews":
					field = fmt.Sprintf("'rev_' || %s || '_%d'", key, row+1)
				case v.name == "id":
					field = "'evt_' || " + key + " || '_1'"
				case v.name == "number":
					field = "'B' || " + key
				case v.name == "seq":
					field = "nextval('place')"
				}
				fields = append(fields, field)
			}
			if fields == nil {
				break
			}
			rows = append(rows, "("+strings.Join(fields, ", ")+")")
		}
		fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES %s;\n", table, strings.Join(names, ", "), strings.Join(rows, ", "))
	}
	b.WriteString("END;\n")
	return b.String()
}
