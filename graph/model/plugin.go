package model

import (
	"time"

	"github.com/onedoor/onedoor/ent"
	"github.com/onedoor/onedoor/internal/check"
)

// Plugin is an installed version of a department's plugin, and how it is doing.
type Plugin struct {
	Name, Version             string
	Department                *ent.Department
	Mode                      check.Mode
	Digest                    *string
	Signed                    bool
	Checks                    []*PluginCheck
	State                     *check.State
	Since, RetryAt            *time.Time
	Reason, Sandbox           *string
	Calls, Failures, Restarts int
	Latency                   *Latency
}

// NewPlugin makes the view of a version; status is nil where it is not active.
// Why it does not run is told to officials.
func NewPlugin(v check.Version, department *ent.Department, status *check.Status, official bool) *Plugin {
	p := &Plugin{Name: v.Name, Version: v.Version, Department: department, Mode: v.Mode, Signed: len(v.Signature) > 0, Checks: make([]*PluginCheck, len(v.Checks))}
	for i, c := range v.Checks {
		if approved, ok := v.Policies[c.ID]; ok {
			c.Policy = approved
		}
		p.Checks[i] = &PluginCheck{
			ID: c.ID, Clauses: nonNil(c.Clauses), Facts: append(nonNil(c.Facts), c.OptionalFacts...), Materials: append(nonNil(c.Materials), c.Contents...),
			OnFailure: c.Policy, Pure: c.Pure,
		}
	}
	if status == nil {
		return p
	}
	p.State, p.Since, p.RetryAt = &status.State, Instant(status.Since), Instant(status.RetryAt)
	p.Digest, p.Sandbox = text(&status.Plugin.Digest), text(&status.Sandbox)
	p.Calls, p.Failures, p.Restarts = int(status.Calls), int(status.Failures), int(status.Restarts)
	if official {
		p.Reason = text(&status.Reason)
	}
	if status.P50 > 0 {
		p.Latency = &Latency{P50: milliseconds(status.P50), P99: milliseconds(status.P99)}
	}
	return p
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func nonNil(s []string) []string { return append([]string{}, s...) }

// CaseCheck is a check of a plugin on a case.
type CaseCheck struct {
	check.Run
	Department *ent.Department
}

// OnFailure is the policy, as approved.
func (c *CaseCheck) OnFailure() check.Policy { return c.Policy }

// RanAt is the time of the last attempt.
func (c *CaseCheck) RanAt() *time.Time { return Instant(c.Run.RanAt) }

// NextAt is when it is tried next.
func (c *CaseCheck) NextAt() *time.Time { return Instant(c.Run.NextAt) }

// Fault is why it could not be run.
func (c *CaseCheck) Fault() *check.FaultCode {
	if c.Run.Fault == nil {
		return nil
	}
	return &c.Run.Fault.Code
}

// Note says what it means for the case.
func (c *CaseCheck) Note() string { return c.Run.Note().ZH }

// NoteEn is the same in English.
func (c *CaseCheck) NoteEn() string { return c.Run.Note().EN }
