package wire_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/wire"
)

// TestTheUnknownIsReadWithCare walks over every value of every enum, and one that
// is not there. A value that is added to the contract fails here until somebody
// has decided how it is read.
func TestTheUnknownIsReadWithCare(t *testing.T) {
	t.Parallel()
	read := map[protoreflect.FullName]struct {
		read    func(int32) int32
		careful int32
	}{
		"onedoor.plugin.v1.Verdict":        {func(n int32) int32 { return int32(wire.Verdict(pb.Verdict(n))) }, int32(pb.Verdict_VERDICT_HUMAN)},
		"onedoor.plugin.v1.FailurePolicy":  {func(n int32) int32 { return int32(wire.Policy(pb.FailurePolicy(n))) }, int32(pb.FailurePolicy_FAILURE_POLICY_REFER)},
		"onedoor.plugin.v1.Trust":          {func(n int32) int32 { return int32(wire.Trust(pb.Trust(n))) }, int32(pb.Trust_TRUST_D)},
		"onedoor.plugin.v1.CheckErrorCode": {func(n int32) int32 { return int32(wire.ErrorCode(pb.CheckErrorCode(n))) }, int32(pb.CheckErrorCode_CHECK_ERROR_CODE_FAILED)},
	}
	enums := pb.File_onedoor_plugin_v1_checker_proto.Enums()
	for i := range enums.Len() {
		enum := enums.Get(i)
		c, ok := read[enum.FullName()]
		if !ok {
			t.Errorf("%s: nobody has decided how it is read", enum.FullName())
			continue
		}
		for n := range int32(enum.Values().Len()) {
			if got := c.read(n); n > 0 && got != n {
				t.Errorf("%s: %d is read as %d", enum.FullName(), n, got)
			}
		}
		for _, n := range []int32{0, -1, 1999} {
			if got := c.read(n); got != c.careful {
				t.Errorf("%s: %d is read as %d", enum.FullName(), n, got)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"0": true, "1": true, "-1": true, "0.1": true, "-0.000001": true, "2500.125": true, "10": true,
		"": false, "-0": false, "00": false, "01": false, "1.0": false, "1.": false, ".1": false, "1e3": false,
		"0.0000001": false, "+1": false, "-": false, "１": false, "1 ": false, "NaN": false, "1,5": false,
	} {
		if got := wire.IsNumber(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestTLS lets each side meet its own partner, and one of another start.
func TestTLS(t *testing.T) {
	t.Parallel()
	now := time.Now()
	host, bundle, err := wire.NewTLS(now)
	if err != nil {
		t.Fatal(err)
	}
	otherHost, otherBundle, err := wire.NewTLS(now)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		host   *tls.Config
		bundle []byte
		ok     bool
	}{
		"of one start":     {host, bundle, true},
		"another's host":   {otherHost, bundle, false},
		"another's plugin": {host, otherBundle, false},
	} {
		server, err := wire.ReadTLS(bytes.NewReader(c.bundle))
		if err != nil {
			t.Fatal(err)
		}
		a, b := net.Pipe()
		served := make(chan error, 1)
		go func() {
			err := tls.Server(b, server).HandshakeContext(t.Context())
			b.Close()
			served <- err
		}()
		err = tls.Client(a, c.host).HandshakeContext(t.Context())
		a.Close()
		if serverErr := <-served; (err == nil && serverErr == nil) != c.ok {
			t.Errorf("%s: host %v, plugin %v", name, err, serverErr)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "no host": string(bundle[:bytes.LastIndex(bundle, []byte("-----BEGIN"))]),
		"words": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + strings.Repeat("x", 100),
	} {
		if _, err := wire.ReadTLS(strings.NewReader(text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*pb.CheckRequest)
		says  string
	}{
		"as it should be": {func(*pb.CheckRequest) {}, ""},
		"of no day":       {func(r *pb.CheckRequest) { r.Day = "2026-02-30" }, "YYYY-MM-DD"},
		"no check":        {func(r *pb.CheckRequest) { r.Checks = nil }, "there is none"},
		"a check twice":   {func(r *pb.CheckRequest) { r.Checks = []string{"a", "a"} }, "there twice"},
		"too many checks": {func(r *pb.CheckRequest) { r.Checks = strings.Split(strings.Repeat("x", 300), "") }, "more than 256"},
		"a fact twice":    {func(r *pb.CheckRequest) { r.Facts = append(r.Facts, r.Facts...) }, "there twice"},
		"no number":       {func(r *pb.CheckRequest) { r.Facts[0].Value = &pb.Fact_Number{Number: "1.50"} }, "shortest form"},
		"out and away":    {func(r *pb.CheckRequest) { r.Materials[0].Path = "../x" }, "leads out"},
		"from the root":   {func(r *pb.CheckRequest) { r.Materials[0].Path = "/x" }, "leads out"},
		"half a digest":   {func(r *pb.CheckRequest) { r.Materials[0].Sha256 = []byte{1} }, "32 bytes"},
	} {
		r := &pb.CheckRequest{
			Day: "2026-03-02", Checks: []string{"a"},
			Facts:     []*pb.Fact{{Key: "f", Value: &pb.Fact_Number{Number: "1.5"}}, {Key: "of a kind that is not known"}},
			Materials: []*pb.Material{{Code: "m", Path: "in/x"}},
		}
		c.spoil(r)
		err := wire.ValidateRequest(r)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
