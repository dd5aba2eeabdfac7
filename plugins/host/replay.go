package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/onedoor/onedoor/internal/check"
	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/manifest"
)

// Trial is a version that runs beside those that are asked, for a comparison with
// the past. It must be closed.
type Trial struct {
	host *Host
	one  *active
}

// Trial starts a version as Apply does one that replaces another. Its results are
// of the mode SHADOW.
func (h *Host) Trial(ctx context.Context, r Release) (*Trial, error) {
	r.Mode = check.Shadow
	one, err := h.admit(ctx, r, nil)
	if err != nil {
		if one != nil {
			h.discard(one.instance)
		}
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, one.instance.startTimeout)
	defer cancel()
	if _, fault := one.instance.ready(within); fault != nil {
		h.discard(one.instance)
		return nil, fmt.Errorf("host: %s: %s", one.plugin.Name, fault.Detail)
	}
	return &Trial{h, one}, nil
}

// Plugin describes the version.
func (t *Trial) Plugin() check.Plugin { return t.one.plugin }

// Run asks some of its checks, as Host.Run does.
func (t *Trial) Run(ctx context.Context, q check.Question, checks []string) ([]check.Result, *check.Receipt) {
	ctx, cancel := t.host.within(ctx)
	defer cancel()
	p := t.one.plugin
	return t.one.ask(ctx, q, unanswered(t.one, check.Ask{Plugin: p.Name, Digest: p.Digest, Checks: checks}))
}

// Replay asks once more what was asked when the receipt was made, and says whether
// the answer is the same, byte for byte. Only what is pure can be replayed; what
// opens a material needs its content.
func (t *Trial) Replay(ctx context.Context, receipt check.Receipt, contents []check.Material) (same bool, response []byte, err error) {
	var request pb.CheckRequest
	if err := proto.Unmarshal(receipt.Request, &request); err != nil {
		return false, nil, fmt.Errorf("host: receipt %s: %w", clip(receipt.ID), err)
	}
	p := t.one.instance
	for _, id := range request.GetChecks() {
		if i := slices.IndexFunc(p.manifest.Checks, func(c manifest.Check) bool { return c.ID == id }); i < 0 || !p.manifest.Checks[i].Pure {
			return false, nil, fmt.Errorf("host: check %s cannot be replayed: it is not there, or not pure", id)
		}
	}
	var needed []check.Material
	for _, m := range request.GetMaterials() {
		if m.GetPath() == "" {
			continue
		}
		i := slices.IndexFunc(contents, func(c check.Material) bool { return pathOf(c) == m.GetPath() })
		if i < 0 {
			return false, nil, fmt.Errorf("host: the content of the material %s is needed", m.GetCode())
		}
		needed = append(needed, contents[i])
	}
	ctx, cancel := t.host.within(ctx)
	defer cancel()
	answer, _, fault := p.call(ctx, &request, needed, true)
	if fault != nil {
		return false, nil, fmt.Errorf("host: %s: %s: %s", t.one.plugin.Name, fault.Code, fault.Detail)
	}
	response, err = bytesOf(answer)
	return err == nil && bytes.Equal(response, receipt.Response), response, err
}

// Close ends the trial.
func (t *Trial) Close() { t.host.discard(t.one.instance) }

// Replay starts the program that made the receipt and asks it once more. See
// Trial.Replay.
func (h *Host) Replay(ctx context.Context, receipt check.Receipt, r Release, contents []check.Material) (same bool, response []byte, err error) {
	t, err := h.Trial(ctx, r)
	if err != nil {
		return false, nil, err
	}
	defer t.Close()
	if got := t.Plugin().Digest; got != receipt.Source.Digest {
		return false, nil, errors.New("host: the release is not the program that made the receipt")
	}
	return t.Replay(ctx, receipt, contents)
}
