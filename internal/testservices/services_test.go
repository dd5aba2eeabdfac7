package testservices

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { Main(m) }

func open(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestPostgreSQL(t *testing.T) {
	one, two := open(t, PostgreSQL(t)), open(t, PostgreSQL(t))
	if _, err := one.Exec("CREATE TABLE permit (name text); INSERT INTO permit VALUES ('餐饮')"); err != nil {
		t.Fatal(err)
	}
	var name string
	if err := one.QueryRow("SELECT name FROM permit").Scan(&name); err != nil || name != "餐饮" {
		t.Errorf("got %q, %v", name, err)
	}
	var table sql.NullString
	if err := two.QueryRow("SELECT to_regclass('permit')::text").Scan(&table); err != nil || table.Valid {
		t.Errorf("the second database has the first one's table: %v, %v", table, err)
	}
}

func TestDatabaseGoesWithItsTest(t *testing.T) {
	var name string
	t.Run("use", func(t *testing.T) {
		db := open(t, PostgreSQL(t))
		if err := db.QueryRow("SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	var count int
	db := open(t, PostgreSQL(t))
	if err := db.QueryRow("SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&count); err != nil || count != 0 {
		t.Errorf("%s: got %d, %v", name, count, err)
	}
}

func TestRedis(t *testing.T) {
	client := func(url string) *redis.Client {
		options, err := redis.ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		c := redis.NewClient(options)
		t.Cleanup(func() { c.Close() })
		return c
	}
	one, two := client(Redis(t)), client(Redis(t))
	if err := one.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if v, err := one.Get(t.Context(), "k").Result(); err != nil || v != "v" {
		t.Errorf("got %q, %v", v, err)
	}
	if err := two.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("the second server has the first one's key: %v", err)
	}
}

func TestStop(t *testing.T) {
	for name, start := range map[string]func() (*server, error){"PostgreSQL": startPostgreSQL, "Redis": startRedis} {
		t.Run(name, func(t *testing.T) {
			s, err := start()
			if err != nil {
				t.Fatal(err)
			}
			if !listens(s.port) {
				t.Fatal("it does not listen")
			}
			if err := s.stop(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-s.exited:
			default:
				t.Error("the process is still there")
			}
			if listens(s.port) {
				t.Error("it still listens")
			}
			if _, err := os.Stat(s.folder); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("its folder is still there: %v", err)
			}
			if servers[s] {
				t.Error("it is still on the list")
			}
		})
	}
}

func TestStoppableKeepsItsData(t *testing.T) {
	server, url := OwnPostgreSQL(t)
	db := open(t, url)
	if _, err := db.Exec("CREATE TABLE permit (name text); INSERT INTO permit VALUES ('餐饮')"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		server.Stop()
		if err := db.Ping(); err == nil {
			t.Error("it answers though it is stopped")
		}
		server.Start(t)
		var name string
		if err := db.QueryRow("SELECT name FROM permit").Scan(&name); err != nil || name != "餐饮" {
			t.Errorf("got %q, %v", name, err)
		}
	}
}

func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := startRedis(); err == nil || err.Error() != "install Redis's server: apt-get install -y redis-server (or run scripts/install-services)" {
		t.Errorf("got %v", err)
	}
}

func listens(port int) bool {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
