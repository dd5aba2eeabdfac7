package testservices

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Redis returns the URL of a new, empty Redis server, which stops when the
// test ends.
func Redis(t testing.TB) string {
	t.Helper()
	demandMain(t)
	s, err := startRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s.redisURL()
}

// OwnRedis returns a server that the test may stop and start again, empty each
// time, and its URL. It goes when the test ends.
func OwnRedis(t testing.TB) (*Stoppable, string) {
	t.Helper()
	demandMain(t)
	s, err := startRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return &Stoppable{s}, s.redisURL()
}

func (s *server) redisURL() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", s.port) }

func startRedis() (_ *server, err error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("install Redis's server: apt-get install -y redis-server (or run scripts/install-services)")
	}
	s := &server{name: "Redis", end: os.Kill}
	if s.folder, err = os.MkdirTemp("", "onedoor-redis-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(s.folder) // err says more
		}
	}()
	command := func(port int) *exec.Cmd {
		return exec.Command(program, "--port", strconv.Itoa(port), "--bind", "127.0.0.1",
			"--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", s.folder)
	}
	ready := func(ctx context.Context, s *server) error {
		client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", s.port), MaxRetries: -1})
		defer client.Close()
		info, err := client.Info(ctx, "server").Result()
		if err != nil {
			return err
		}
		if !strings.Contains(info, fmt.Sprintf("process_id:%d\r\n", s.cmd.Process.Pid)) {
			return errors.New("another server answers")
		}
		return nil
	}
	return s, s.start(command, ready)
}
