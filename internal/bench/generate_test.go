package bench_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/ref"
	"github.com/onedoor/onedoor/internal/store"
)

// TestGenerate fills a database for looking around in it:
//
//	ONEDOOR_GENERATE=postgres://… go test ./internal/bench -run '^TestGenerate$' -v -timeout 30m
//
// The database must hold no cases yet. ONEDOOR_BENCH_SCALE makes it smaller.
func TestGenerate(t *testing.T) {
	url := os.Getenv("ONEDOOR_GENERATE")
	if url == "" {
		t.Skip("ONEDOOR_GENERATE names no database to fill")
	}
	if _, err := generate(t.Context(), url, scaled(100_000), os.Stderr); err != nil {
		t.Fatal(err)
	}
}

// crowd is what generate has written.
type crowd struct{ cases, reviews, events, materials int }

// perCase is how many reviews a case has on average.
const perCase = 3

// generate writes cases with three reviews each on average and all that belongs
// to them, spread over three years, the departments, states and regions of the
// shipped catalogue and thousands of applicants. Each is the copy of a life that
// was played through the desk, moved by whole weeks and some minutes: 100,000
// cases have 300,000 reviews, 1.8 million events and 950,000 materials. Statistics
// of the database are up to date afterwards.
func generate(ctx context.Context, databaseURL string, cases int, progress io.Writer) (crowd, error) {
	began := time.Now()
	s, book, err := prepare(ctx, databaseURL)
	if err != nil {
		return crowd{}, fmt.Errorf("generate: %w", err)
	}
	defer s.Close()
	kind, _, _ := strings.Cut(databaseURL, ":")
	lives := played[kind]
	if lives == nil {
		if lives, err = playLives(ctx, databaseURL, s, book); err != nil {
			return crowd{}, fmt.Errorf("generate: %w", err)
		}
		played[kind] = lives
	}
	w, err := openWriter(ctx, databaseURL)
	if err != nil {
		return crowd{}, fmt.Errorf("generate: %w", err)
	}
	defer w.close()
	d := newDealer(lives, cases)
	var done crowd
	const batch = 2500
	for done.cases < cases {
		rows := map[string][][]any{}
		for range min(batch, cases-done.cases) {
			d.deal(done, rows)
			done.cases++
			done.reviews = d.reviews
		}
		for _, table := range tables {
			if err := w.write(ctx, table, lives[0].columns[table], rows[table]); err != nil {
				return done, fmt.Errorf("generate: %s: %w", table, err)
			}
		}
		done.events += len(rows["events"])
		done.materials += len(rows["case_materials"])
		if done.cases%(4*batch) == 0 || done.cases == cases {
			fmt.Fprintf(progress, "generate: %d cases, %d reviews, %d events, %d materials after %.0f s\n",
				done.cases, done.reviews, done.events, done.materials, time.Since(began).Seconds())
		}
	}
	if err := w.finish(ctx); err != nil {
		return done, fmt.Errorf("generate: %w", err)
	}
	fmt.Fprintf(progress, "generate: done, statistics too, after %.0f s\n", time.Since(began).Seconds())
	return done, nil
}

// tables in the order in which their rows can be written.
var tables = []string{"cases", "reviews", "case_materials", "events"}

// life is one played case as its rows are kept, with holes where its copies
// differ.
type life struct {
	end     end
	opened  time.Time
	reviews int
	columns map[string][]string
	rows    map[string][][]cell
}

// cell is a value of a row: as it is, or a text with holes, or an instant.
type cell struct {
	column string
	value  any
	text   []piece
}

// piece is text, followed by what fills the hole behind it.
type piece struct {
	text string
	hole hole
	at   time.Time
}

type hole int

const (
	nothing hole = iota
	keyHole
	numberHole
	applicantHole
	dateHole
	instantHole
)

// playedApplicant is the applicant of all lives that are played; it stands where
// a copy has its own.
const playedApplicant = "applicant-of-the-played-case"

// played are the lives as each kind of database keeps them.
var played = map[string][]life{}

// playLives plays every end of every project, reads their rows, and takes them
// away again. The database must hold no cases.
func playLives(ctx context.Context, databaseURL string, s *store.Store, book *guide.Book) ([]life, error) {
	all, err := projects()
	if err != nil {
		return nil, err
	}
	p := newPlayers(ctx, s, s, book)
	db, err := openSQL(databaseURL)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var before int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM cases").Scan(&before); err != nil || before > 0 {
		return nil, fmt.Errorf("the database must hold no cases; it holds %d: %w", before, err)
	}
	var lives []life
	for i, project := range all {
		project.Applicant = playedApplicant
		for j, e := range []end{drafted, submitted, withdrawn, refused, inReview, halfway, supplementing, granted, supplemented, denied} {
			opened := lastWeek.AddDate(0, 0, (i+j)%5)
			id, err := p.live(opened, project, e)
			if err != nil {
				return nil, fmt.Errorf("%s%s, %s: %w", project.Scheme, project.Item, e, err)
			}
			found, err := s.Load(ctx, []string{id})
			if err != nil {
				return nil, err
			}
			l, err := readLife(ctx, db, found[0])
			if err != nil {
				return nil, err
			}
			l.end, l.opened = e, opened
			lives = append(lives, l)
		}
	}
	for _, table := range []string{"events", "case_materials", "reviews", "cases"} {
		if _, err := db.ExecContext(ctx, "DELETE FROM "+table); err != nil {
			return nil, err
		}
	}
	return lives, nil
}

func readLife(ctx context.Context, db *sql.DB, c *casework.Case) (life, error) {
	l := life{reviews: len(c.Reviews), columns: map[string][]string{}, rows: map[string][][]cell{}}
	holes := []struct {
		text string
		hole hole
	}{{strings.TrimPrefix(c.ID, ref.Case("")), keyHole}, {c.Number, numberHole}, {playedApplicant, applicantHole}}
	var patterns []string
	for _, h := range holes {
		if h.text != "" {
			patterns = append(patterns, regexp.QuoteMeta(h.text))
		}
	}
	find := regexp.MustCompile(strings.Join(append(patterns, `\b20\d\d-\d\d-\d\dT[0-9:.]+Z`, `\b20\d\d-\d\d-\d\d\b`), "|"))
	cut := func(text string, dates bool) []piece {
		var pieces []piece
		from := 0
		for _, at := range find.FindAllStringIndex(text, -1) {
			word := text[at[0]:at[1]]
			p := piece{text: text[from:at[0]]}
			for _, h := range holes {
				if word == h.text {
					p.hole = h.hole
				}
			}
			if p.hole == nothing {
				if !dates {
					continue
				}
				layout := time.RFC3339Nano
				if p.hole = instantHole; len(word) == len(time.DateOnly) {
					layout, p.hole = time.DateOnly, dateHole
				}
				var err error
				if p.at, err = time.Parse(layout, word); err != nil || p.at.Before(lastWeek.AddDate(0, -1, 0)) {
					continue // a date of a law, perhaps
				}
			}
			pieces = append(pieces, p)
			from = at[1]
		}
		return append(pieces, piece{text: text[from:]})
	}
	for _, table := range tables {
		column, order := "case_id", "position"
		if table == "cases" {
			column, order = "id", "id"
		}
		rows, err := db.QueryContext(ctx, "SELECT * FROM "+table+" WHERE "+column+" = $1 ORDER BY "+order, c.ID)
		if err != nil {
			return l, err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return l, err
		}
		l.columns[table] = columns
		for rows.Next() {
			values, targets := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				targets[i] = &values[i]
			}
			if err := rows.Scan(targets...); err != nil {
				return l, err
			}
			row := make([]cell, len(columns))
			for i, v := range values {
				row[i] = cell{column: columns[i], value: v}
				switch v := v.(type) {
				case []byte:
					row[i].text = cut(string(v), true)
				case string:
					row[i].text = cut(v, columns[i] != "calendar")
				}
			}
			l.rows[table] = append(l.rows[table], row)
		}
		if err := rows.Err(); err != nil {
			return l, err
		}
	}
	return l, nil
}

// dealer gives each copy its life, time and people, the same in every run.
type dealer struct {
	dice           *rand.Rand
	total          int
	joint          map[bool][]int // of living or ended: lives with many reviews
	small          map[bool][]int
	lives          []life
	regions        []string
	reviews, event int
}

func newDealer(lives []life, total int) *dealer {
	d := &dealer{dice: rand.New(rand.NewPCG(1, 2)), total: total, lives: lives, joint: map[bool][]int{}, small: map[bool][]int{},
		regions: []string{"330205", "cicheng-town", "waitan"}}
	// Of ended cases most were granted.
	weight := map[end]int{granted: 12, supplemented: 4, denied: 1, withdrawn: 1, refused: 1}
	for i, l := range lives {
		to := d.small
		if l.reviews >= perCase {
			to = d.joint
		}
		for range max(1, weight[l.end]) {
			to[l.end.living()] = append(to[l.end.living()], i)
		}
	}
	return d
}

const weeks = 150

// applicants is how many people apply; the n-th applies half as often as the
// n/2-th.
const applicants = 30_000

func (d *dealer) deal(done crowd, rows map[string][][]any) {
	// The oldest come first, as the keys of cases do.
	week := weeks - 1 - done.cases*weeks/d.total
	living := week < 3 || week < 12 && d.dice.IntN(3) == 0
	from := d.small
	if d.reviews < perCase*done.cases {
		from = d.joint
	}
	l := &d.lives[from[living][d.dice.IntN(len(from[living]))]]
	d.reviews += l.reviews
	shift := -time.Duration(week)*7*24*time.Hour + time.Duration(d.dice.IntN(8*3600))*time.Second/8
	opened := l.opened.Add(shift)
	key, err := ref.NewKey(opened, dieReader{d.dice})
	if err != nil {
		panic(err) // dice do not fail
	}
	code, err := ref.NewCode(dieReader{d.dice}, 10)
	if err != nil {
		panic(err)
	}
	number := "BJ" + opened.Format("20060102") + "-" + code
	applicant := fmt.Sprintf("applicant-%05d", d.dice.IntN(1+d.dice.IntN(applicants)))
	var agent, region any
	if d.dice.IntN(10) == 0 {
		agent = fmt.Sprintf("agent-%03d", d.dice.IntN(100))
	}
	if d.dice.IntN(3) > 0 {
		region = ref.Region(d.regions[d.dice.IntN(len(d.regions))])
	}
	fill := func(pieces []piece) string {
		var b strings.Builder
		for _, p := range pieces {
			b.WriteString(p.text)
			switch p.hole {
			case keyHole:
				b.WriteString(key)
			case numberHole:
				b.WriteString(number)
			case applicantHole:
				b.WriteString(applicant)
			case dateHole:
				b.WriteString(p.at.AddDate(0, 0, -7*week).Format(time.DateOnly))
			case instantHole:
				b.WriteString(p.at.Add(shift).Format(time.RFC3339Nano))
			}
		}
		return b.String()
	}
	for _, table := range tables {
		for _, row := range l.rows[table] {
			out := make([]any, len(row))
			for i, c := range row {
				switch v := c.value.(type) {
				case time.Time:
					out[i] = v.Add(shift).UTC()
				case []byte, string:
					out[i] = fill(c.text)
				default:
					out[i] = v
				}
				switch {
				case table == "cases" && c.column == "agent":
					out[i] = agent
				case table == "cases" && c.column == "region_id":
					out[i] = region
				case table == "events" && c.column == "seq":
					d.event++
					out[i] = int64(d.event)
				}
			}
			rows[table] = append(rows[table], out)
		}
	}
}

// dieReader reads dice.
type dieReader struct{ dice *rand.Rand }

func (r dieReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.dice.Uint32())
	}
	return len(p), nil
}

func openSQL(databaseURL string) (*sql.DB, error) {
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		return sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)&_pragma=foreign_keys(1)&_txlock=immediate&_time_format=sqlite&_timezone=UTC")
	}
	return sql.Open("pgx", databaseURL)
}

// writer writes many rows at once.
type writer struct {
	pool *pgxpool.Pool // PostgreSQL
	db   *sql.DB       // SQLite
}

func openWriter(ctx context.Context, databaseURL string) (w writer, err error) {
	if strings.HasPrefix(databaseURL, "sqlite:") {
		w.db, err = openSQL(databaseURL)
		return w, err
	}
	w.pool, err = pgxpool.New(ctx, databaseURL)
	return w, err
}

func (w writer) close() {
	if w.db != nil {
		_ = w.db.Close()
		return
	}
	w.pool.Close()
}

func (w writer) write(ctx context.Context, table string, columns []string, rows [][]any) error {
	if w.pool != nil {
		_, err := w.pool.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	}
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	holes := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
	insert, err := tx.PrepareContext(ctx, "INSERT INTO "+table+" (`"+strings.Join(columns, "`, `")+"`) VALUES ("+holes+")")
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// finish brings the statistics up to date, as the database itself does in time.
func (w writer) finish(ctx context.Context) error {
	if w.db != nil {
		_, err := w.db.ExecContext(ctx, "ANALYZE")
		return err
	}
	for _, table := range tables {
		if _, err := w.pool.Exec(ctx, "VACUUM (ANALYZE) "+table); err != nil {
			return err
		}
	}
	return nil
}
