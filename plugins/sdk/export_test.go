package sdk

import "github.com/onedoor/onedoor/plugins/internal/pb"

// RoundTrip reads a request and writes it again.
func RoundTrip(r *pb.CheckRequest) (*pb.CheckRequest, error) {
	q, err := questionOf(r)
	return q.request(), err
}

// Wire writes a finding.
func Wire(f Finding) *pb.Finding { return f.wire() }

// Describe writes a plugin's description.
func Describe(p Plugin) *pb.DescribeResponse { return p.describe() }
