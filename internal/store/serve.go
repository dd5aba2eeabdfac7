package store

import (
	"fmt"

	"github.com/gofrs/flock"
)

// Serve says that this process serves the database, until the store is closed.
// SQLite is served by one process: two would not see each other's events, limits
// and caches, and the second is refused with a clear line. Commands of operators
// beside it are welcome. Any number of processes serve PostgreSQL.
func (s *Store) Serve() error {
	if s.path == "" {
		return nil
	}
	lock := flock.New(s.path + ".serving")
	alone, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("store.Serve: %w", err)
	}
	if !alone {
		return fmt.Errorf("DATABASE_URL: another process serves %s; SQLite is served by one: stop it, or use PostgreSQL for several", s.path)
	}
	closeDatabase := s.close
	s.close = func() { closeDatabase(); _ = lock.Close() }
	return nil
}
