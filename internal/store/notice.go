package store

import (
	"context"
	"fmt"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/notice"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/guide"
	"github.com/onedoor/onedoor/internal/ref"
)

// SaveNotice keeps a notice for ever and gives its number, or that of the notice
// that the same request made before.
func (s *Store) SaveNotice(ctx context.Context, n guide.Notice) (string, error) {
	return s.once(ctx, "store.SaveNotice", n.Number, s.blind, func(tx *ent.Client) error {
		return tx.Notice.Create().SetID(ref.Notice(n.Number)).SetNumber(n.Number).SetIssuedAt(n.IssuedAt).
			SetDigest(n.Digest).SetDocument(n.Document).Exec(ctx)
	})
}

// Notice gives a notice back, byte for byte.
func (s *Store) Notice(ctx context.Context, number string) (guide.Notice, error) {
	row, err := s.client.Notice.Query().Where(notice.Number(number)).Only(ctx)
	if ent.IsNotFound(err) {
		return guide.Notice{}, fault.New(fault.NotFound, "store.Notice", "没有这份告知书", "there is no such notice")
	}
	if err != nil {
		return guide.Notice{}, fmt.Errorf("store.Notice: %w", err)
	}
	return guide.Notice{Number: row.Number, IssuedAt: row.IssuedAt, Digest: row.Digest, Document: row.Document}, nil
}
