package testservices

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

var (
	sharedPostgreSQL = sync.OnceValues(startPostgreSQL)
	databases        atomic.Int64
)

// PostgreSQL returns the DATABASE_URL of a new, empty database. The server is
// one for the whole test process; the database goes when the test ends.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	demandMain(t)
	s, err := sharedPostgreSQL()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := s.execute("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.execute("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.databaseURL(name)
}

// OwnPostgreSQL returns a server of the test's own, which the test may stop and
// start again, and the DATABASE_URL of its database. It goes when the test ends.
func OwnPostgreSQL(t testing.TB) (*Stoppable, string) {
	t.Helper()
	demandMain(t)
	s, err := startPostgreSQL()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return &Stoppable{s}, s.databaseURL("postgres")
}

// Stoppable is a server that goes away and comes back with its data.
type Stoppable struct{ server *server }

// Stop ends the server at once, with all its connections.
func (s *Stoppable) Stop() {
	_ = s.server.cmd.Process.Signal(s.server.end) // it may have ended already
	<-s.server.exited
}

// Start starts a stopped server again, under its old address.
func (s *Stoppable) Start(t testing.TB) {
	t.Helper()
	const attempts = 5 // somebody may have the port for a moment
	var err error
	for range attempts {
		s.server.cmd = s.server.command(s.server.port)
		if err = s.server.run(); err != nil {
			break
		}
		if err = s.server.await(s.server.ready); err == nil {
			return
		}
		s.server.kill()
	}
	t.Fatal(err)
}

func (s *server) databaseURL(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// execute runs one statement as the superuser.
func (s *server) execute(statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.databaseURL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func startPostgreSQL() (_ *server, err error) {
	bin, err := postgresqlPrograms()
	if err != nil {
		return nil, err
	}
	s := &server{name: "PostgreSQL", end: sigquit}
	if s.folder, err = os.MkdirTemp("", "onedoor-postgresql-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(s.folder) // err says more
		}
	}()
	asUser, err := notRoot(s.folder)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(s.folder, "data")
	program := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(bin, name), args...)
		cmd.Dir = s.folder
		cmd.Env = append(os.Environ(), "LC_ALL=C")
		if asUser != nil {
			attr := *asUser
			cmd.SysProcAttr = &attr
		}
		return cmd
	}

	initdb := program("initdb", "--pgdata="+data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, tail(out))
	}

	postgres := func(port int) *exec.Cmd {
		return program("postgres", "-D", data, "-p", strconv.Itoa(port),
			"-c", "listen_addresses=127.0.0.1",
			"-c", "unix_socket_directories=",
			"-c", "fsync=off",
			"-c", "full_page_writes=off",
			"-c", "shared_buffers=32MB",
			"-c", "max_connections=500") // parallel tests have a pool each
	}
	ready := func(ctx context.Context, s *server) error {
		conn, err := pgx.Connect(ctx, s.databaseURL("postgres"))
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		var folder string
		if err := conn.QueryRow(ctx, "SELECT current_setting('data_directory')").Scan(&folder); err != nil {
			return err
		}
		if folder != data {
			return errors.New("another server answers")
		}
		return nil
	}
	return s, s.start(postgres, ready)
}

// postgresqlPrograms finds the folder of initdb and postgres.
func postgresqlPrograms() (string, error) {
	var folders []string
	if postgres, err := exec.LookPath("postgres"); err == nil {
		folders = append(folders, filepath.Dir(postgres))
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		folders = append(folders, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian
		"/usr/pgsql-*/bin",                   // the packages of postgresql.org for Fedora and its kin
		"/usr/libexec/postgresql*",           // Alpine
		"/opt/homebrew/opt/postgresql@*/bin", // macOS
		"/usr/local/opt/postgresql@*/bin",    // macOS on Intel
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for i := len(found) - 1; i >= 0; i-- { // the newest first
			folders = append(folders, found[i])
		}
	}
	for _, folder := range folders {
		_, errInit := exec.LookPath(filepath.Join(folder, "initdb"))
		_, errServer := exec.LookPath(filepath.Join(folder, "postgres"))
		if errInit == nil && errServer == nil {
			return folder, nil
		}
	}
	return "", errors.New("install PostgreSQL's server: apt-get install -y postgresql (or run scripts/install-services)")
}
