package store

import (
	"bytes"
	"context"
	"fmt"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/ent/casefile"
	"github.com/onedoor/onedoor/ent/checkreceipt"
	"github.com/onedoor/onedoor/ent/event"
	"github.com/onedoor/onedoor/ent/pluginactivation"
	"github.com/onedoor/onedoor/ent/pluginversion"
	"github.com/onedoor/onedoor/internal/casework"
	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/ref"
)

var _ check.Registry = (*Store)(nil)

// Install keeps a version of a plugin, OFF. The same version again is nothing
// new when it is the same.
func (s *Store) Install(ctx context.Context, v check.Version) error {
	err := s.inClient(ctx, func(tx *ent.Client) error {
		row, err := tx.PluginVersion.Query().Where(pluginversion.Name(v.Name), pluginversion.Version(v.Version)).Only(ctx)
		if err == nil {
			if bytes.Equal(row.Manifest, v.Manifest) && bytes.Equal(row.Signature, v.Signature) {
				return nil
			}
			return fault.New(fault.Conflict, "store.Install", fmt.Sprintf("%s %s 已安装且内容不同；版本一经安装不得更改，请另起版本号", v.Name, v.Version),
				fmt.Sprintf("%s %s is installed and differs; a version never changes, give this one another number", v.Name, v.Version))
		}
		if !ent.IsNotFound(err) {
			return err
		}
		create := tx.PluginVersion.Create().SetID(ref.Plugin(v.Name, v.Version)).SetName(v.Name).SetVersion(v.Version).SetDepartment(v.Department).
			SetChecks(v.Checks).SetPrograms(v.Programs).SetManifest(v.Manifest).SetInstalledAt(v.InstalledAt.UTC()).SetInstalledBy(v.InstalledBy).
			SetMode(check.Off).SetPolicies(map[string]check.Policy{})
		if len(v.Signature) > 0 {
			create.SetSignature(v.Signature)
		}
		return create.Exec(ctx)
	})
	return unavailable("store.Install", err)
}

// Versions lists the installed versions, by name, the newest installed first.
func (s *Store) Versions(ctx context.Context) ([]check.Version, error) {
	rows, err := s.client.PluginVersion.Query().Order(pluginversion.ByName(), ent.Desc(pluginversion.FieldInstalledAt), ent.Desc(pluginversion.FieldID)).All(ctx)
	if err != nil {
		return nil, unavailable("store.Versions", err)
	}
	versions := make([]check.Version, len(rows))
	for i, row := range rows {
		versions[i] = check.Version{
			Name: row.Name, Version: row.Version, Department: row.Department, Checks: row.Checks, Programs: row.Programs,
			Manifest: row.Manifest, Signature: row.Signature, InstalledAt: row.InstalledAt.UTC(), InstalledBy: row.InstalledBy,
			Mode: row.Mode, Policies: row.Policies, ActivatedAt: instant(row.ActivatedAt), ActivatedBy: deref(row.ActivatedBy),
		}
	}
	return versions, nil
}

// SetMode changes the mode of a version, and turns off the one that had it.
func (s *Store) SetMode(ctx context.Context, a check.Activation) error {
	err := s.inClient(ctx, func(tx *ent.Client) error {
		if a.Mode != check.Off {
			before, err := tx.PluginVersion.Query().Where(pluginversion.Name(a.Name), pluginversion.ModeEQ(a.Mode), pluginversion.VersionNEQ(a.Version)).All(ctx)
			if err != nil {
				return err
			}
			for _, row := range before {
				off := check.Activation{Name: a.Name, Version: row.Version, Mode: check.Off, Policies: map[string]check.Policy{}, At: a.At, By: a.By}
				if err := setMode(ctx, tx, off); err != nil {
					return err
				}
			}
		}
		return setMode(ctx, tx, a)
	})
	return unavailable("store.SetMode", err)
}

func setMode(ctx context.Context, tx *ent.Client, a check.Activation) error {
	n, err := tx.PluginVersion.Update().Where(pluginversion.Name(a.Name), pluginversion.Version(a.Version)).
		SetMode(a.Mode).SetPolicies(a.Policies).SetActivatedAt(a.At.UTC()).SetActivatedBy(a.By).Save(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.NotFound, "store.SetMode", fmt.Sprintf("没有安装插件 %s %s", a.Name, a.Version), fmt.Sprintf("the plugin %s %s is not installed", a.Name, a.Version))
	}
	return tx.PluginActivation.Create().SetName(a.Name).SetVersion(a.Version).SetMode(a.Mode).SetPolicies(a.Policies).
		SetActivatedAt(a.At.UTC()).SetActivatedBy(a.By).Exec(ctx)
}

// Activations lists the changes of a name, the latest first.
func (s *Store) Activations(ctx context.Context, name string) ([]check.Activation, error) {
	rows, err := s.client.PluginActivation.Query().Where(pluginactivation.Name(name)).Order(ent.Desc(pluginactivation.FieldID)).All(ctx)
	if err != nil {
		return nil, unavailable("store.Activations", err)
	}
	history := make([]check.Activation, len(rows))
	for i, row := range rows {
		history[i] = check.Activation{Name: row.Name, Version: row.Version, Mode: row.Mode, Policies: row.Policies, At: row.ActivatedAt.UTC(), By: row.ActivatedBy}
	}
	return history, nil
}

// Changes is the number of the last change of a mode.
func (s *Store) Changes(ctx context.Context) (int, error) {
	id, err := s.client.PluginActivation.Query().Order(ent.Desc(pluginactivation.FieldID)).FirstID(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	return id, unavailable("store.Changes", err)
}

// Receipts lists the plugins' calls that a case has recorded, the earliest
// first; with an id, that one alone.
func (s *Store) Receipts(ctx context.Context, caseID, id string) ([]check.Receipt, error) {
	q := s.client.CheckReceipt.Query().Order(checkreceipt.ByRecordedAt(), checkreceipt.ByID())
	if caseID != "" {
		q.Where(checkreceipt.CaseID(caseID))
	}
	if id != "" {
		q.Where(checkreceipt.ID(id))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, unavailable("store.Receipts", err)
	}
	receipts := make([]check.Receipt, len(rows))
	for i, row := range rows {
		receipts[i] = check.Receipt{
			ID:      row.ID,
			Case:    row.CaseID,
			Source:  check.Source{Plugin: row.Plugin, Version: row.Version, Digest: row.Digest, Sandbox: row.Sandbox, Unsigned: row.Unsigned},
			Request: row.Request, Response: row.Response,
		}
	}
	return receipts, nil
}

// Attached lists every file that was ever attached to a case, those that were
// replaced too.
func (s *Store) Attached(ctx context.Context, caseID string) ([]check.Material, error) {
	rows, err := s.client.Event.Query().Where(event.CaseID(caseID), event.Kind(string(casework.ActAttach))).Order(event.ByPosition()).All(ctx)
	if err != nil {
		return nil, unavailable("store.Attached", err)
	}
	var out []check.Material
	for _, row := range rows {
		m := check.Material{}
		m.Code, _ = row.Data["material"].(string)
		m.Name, _ = row.Data["name"].(string)
		m.SHA256, _ = row.Data["sha256"].(string)
		if size, ok := row.Data["size"].(float64); ok {
			m.Size = int64(size)
		}
		out = append(out, m)
	}
	return out, nil
}

// saveReceipts keeps the calls of plugins; the same question to the same program
// is one receipt.
func saveReceipts(ctx context.Context, tx *ent.Client, c *casework.Case) error {
	var kept []*ent.CheckReceiptCreate
	for _, r := range c.Receipts {
		kept = append(kept, tx.CheckReceipt.Create().SetID(r.ID).SetCaseID(c.ID).SetPlugin(r.Source.Plugin).SetVersion(r.Source.Version).
			SetDigest(r.Source.Digest).SetSandbox(r.Source.Sandbox).SetUnsigned(r.Source.Unsigned).
			SetRequest(r.Request).SetResponse(r.Response).SetRecordedAt(c.RecordedAt))
	}
	return inBulk(kept, func(b []*ent.CheckReceiptCreate) error {
		return tx.CheckReceipt.CreateBulk(b...).OnConflict(replacing([]string{checkreceipt.FieldRecordedAt})...).Exec(ctx)
	})
}

// PastCases lists cases that have been submitted, the newest first.
func (s *Store) PastCases(ctx context.Context, limit int) ([]string, error) {
	ids, err := s.client.CaseFile.Query().Where(casefile.NumberNotNil()).Order(ent.Desc(casefile.FieldOpenedAt), ent.Desc(casefile.FieldID)).Limit(limit).IDs(ctx)
	return ids, unavailable("store.PastCases", err)
}
