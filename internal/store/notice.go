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

// SaveNotice keeps a notice for ever.
func (s *Store) SaveNotice(ctx context.Context, n guide.Notice) error {
	err := s.client.Notice.Create().SetID(ref.Notice(n.Number)).SetNumber(n.Number).SetIssuedAt(n.IssuedAt).
		SetDigest(n.Digest).SetDocument(n.Document).Exec(ctx)
	if err != nil {
		return &fault.Error{Code: fault.Unavailable, Op: "store.SaveNotice", ZH: "未能保存告知书，请重试", EN: "the notice could not be kept; try again", Err: err}
	}
	return nil
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
