// Package wire is what a host and a plugin must agree on beside the contract:
// the handshake, the environment, the limits, and how the unknown is read. The
// host and the SDK both import it; a plugin's author does not.
package wire

import (
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/onedoor/onedoor/plugins/internal/pb"
)

// Handshake is go-plugin's: the version is the major version of the contract.
// The cookie is no secret; it tells a person who starts a plugin by hand that it
// is started by the host.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "ONEDOOR_PLUGIN",
	MagicCookieValue: "a department's checks, started by the host",
}

// Names of the contract.
const (
	// PluginName is the key of the only plugin in go-plugin's set.
	PluginName = "checker"

	// HealthService is SERVING in grpc.health.v1.Health of a plugin that is well.
	HealthService = "plugin"

	// ContractMinor is the minor version of the contract that this code knows.
	ContractMinor = 0

	// CapabilityProbes says that the plugin answers the probes.
	CapabilityProbes = "probes"

	// ProbePanic is a check that panics, ProbeSleep one that waits for the end of
	// its deadline.
	ProbePanic = "_panic"
	ProbeSleep = "_sleep"
)

// The environment of a plugin. Nothing else of the host's environment is there,
// beside PATH, HOME, TMPDIR and what go-plugin sets (PLUGIN_*).
const (
	// EnvDir is the plugin's own directory, where the host puts materials for it to
	// read. It can write below TMPDIR only.
	EnvDir = "ONEDOOR_PLUGIN_DIR"

	// EnvLifeline is the number of an inherited pipe's read end. The host holds the
	// write end and writes nothing; when it ends, the host is dead, and so is the
	// plugin.
	EnvLifeline = "ONEDOOR_PLUGIN_LIFELINE"

	// EnvTLS is the number of an inherited pipe from which the plugin reads, to its
	// end, the PEM that ReadTLS understands. Without it the plugin serves in
	// plain, for development: another process of the same user can then call it.
	EnvTLS = "ONEDOOR_PLUGIN_TLS"
)

// The limits of a message and of a connection, for both sides.
const (
	MaxMessage     = 4 << 20 // bytes, both ways
	MaxStreams     = 128     // calls at once on a connection, go-plugin's own two included
	KeepaliveLeast = 5 * time.Second
	KeepaliveAt    = 10 * time.Second // how often an idle host asks
	KeepaliveFor   = 2 * time.Second  // how long it waits
)

// The limits inside of a message, as the contract states them.
const (
	MaxChecks        = 256  // of a call
	MaxFacts         = 4096 // of a call
	MaxMaterials     = 256  // of a call
	MaxFindings      = 64   // of a check
	MaxCallFindings  = 1024 // of a call
	MaxBases         = 16   // of a finding
	MaxParams        = 16   // of a message
	MaxNamed         = 256  // facts or materials that a finding names
	MaxCode          = 256  // bytes of a code, key, id or name
	MaxText          = 1024 // bytes of a parameter's value or a legal basis
	MaxErrorText     = 4096 // bytes of an error's message
	MaxDeclared      = 256  // checks of a plugin
	MaxClauses       = 256  // of a check
	MaxCapabilities  = 64   // of a plugin
	MaxNeeded        = 256  // facts or materials that a check declares
	materialHashSize = 32
)

// Verdict reads a verdict: what is not known is for an officer.
func Verdict(v pb.Verdict) pb.Verdict {
	switch v {
	case pb.Verdict_VERDICT_PASS, pb.Verdict_VERDICT_FAIL, pb.Verdict_VERDICT_NEEDS_FACTS:
		return v
	}
	return pb.Verdict_VERDICT_HUMAN
}

// Policy reads a failure policy: what is not known is for an officer.
func Policy(p pb.FailurePolicy) pb.FailurePolicy {
	switch p {
	case pb.FailurePolicy_FAILURE_POLICY_REJECT, pb.FailurePolicy_FAILURE_POLICY_PROCEED:
		return p
	}
	return pb.FailurePolicy_FAILURE_POLICY_REFER
}

// Trust reads a grade: what is not known is the lowest.
func Trust(t pb.Trust) pb.Trust {
	switch t {
	case pb.Trust_TRUST_A, pb.Trust_TRUST_B, pb.Trust_TRUST_C:
		return t
	}
	return pb.Trust_TRUST_D
}

// ErrorCode reads the kind of a failure: what is not known is FAILED.
func ErrorCode(c pb.CheckErrorCode) pb.CheckErrorCode {
	switch c {
	case pb.CheckErrorCode_CHECK_ERROR_CODE_UNKNOWN_CHECK, pb.CheckErrorCode_CHECK_ERROR_CODE_PANIC,
		pb.CheckErrorCode_CHECK_ERROR_CODE_DEADLINE, pb.CheckErrorCode_CHECK_ERROR_CODE_BAD_FINDING:
		return c
	}
	return pb.CheckErrorCode_CHECK_ERROR_CODE_FAILED
}
