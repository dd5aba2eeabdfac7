package store

import (
	"context"
	"fmt"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/event"
	"github.com/onedoor/onedoor/ent/revision"
	"github.com/onedoor/onedoor/internal/casework"
)

var (
	_ casework.Log = (*Store)(nil)
	_ casework.Log = Revisions{}
)

// EventsAfter implements casework.Log. It is for the platform: it shows events
// that not everybody may see.
func (s *Store) EventsAfter(ctx context.Context, seq int64, caseID string, limit int) ([]casework.Placed, error) {
	q := s.client.Event.Query().Where(event.SeqGT(seq)).Order(event.BySeq()).Limit(limit)
	if caseID != "" {
		q.Where(event.CaseID(caseID))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("store.EventsAfter: %w", err)
	}
	placed := make([]casework.Placed, len(rows))
	for i, row := range rows {
		review, _ := row.Data["review"].(string)
		department, _ := row.Data["department"].(string)
		placed[i] = casework.Placed{Seq: *row.Seq, ID: row.ID, Case: row.CaseID, Kind: row.Kind, Review: review, Department: department}
	}
	return placed, nil
}

// LastEvent implements casework.Log.
func (s *Store) LastEvent(ctx context.Context) (int64, error) {
	row, err := s.client.Event.Query().Where(event.SeqNotNil()).Order(ent.Desc(event.FieldSeq)).Select(event.FieldSeq).First(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("store.LastEvent: %w", err)
	}
	return *row.Seq, nil
}

// Placed tells, with more or less delay, that events have got their places.
func (s *Store) Placed() <-chan struct{} { return s.sequencer.ready }

// Revisions are the imports of the catalogue as a log; they are of no case.
type Revisions struct{ Store *Store }

// EventPublished is the kind of a revision.
const EventPublished = "publishCatalog"

// EventsAfter implements casework.Log.
func (r Revisions) EventsAfter(ctx context.Context, seq int64, _ string, limit int) ([]casework.Placed, error) {
	ids, err := r.Store.client.Revision.Query().Where(revision.IDGT(int(seq))).Order(ent.Asc(revision.FieldID)).Limit(limit).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("store.Revisions: %w", err)
	}
	placed := make([]casework.Placed, len(ids))
	for i, id := range ids {
		placed[i] = casework.Placed{Seq: int64(id), ID: fmt.Sprint(id), Kind: EventPublished}
	}
	return placed, nil
}

// LastEvent implements casework.Log.
func (r Revisions) LastEvent(ctx context.Context) (int64, error) {
	last, err := r.Store.Revision(ctx)
	return int64(last), err
}
