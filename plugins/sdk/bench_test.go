package sdk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/sdk/plugintest"
)

// BenchmarkBatch asks 100 checks in one call.
func BenchmarkBatch(b *testing.B) {
	p := parking()
	one := p.Checks[0]
	one.SelfTest, p.Checks = nil, nil
	request := &pb.CheckRequest{Day: "2026-03-02", Facts: []*pb.Fact{
		{Key: "floor_area", Value: &pb.Fact_Number{Number: "250.5"}}, {Key: "parking_spaces", Value: &pb.Fact_Integer{Integer: 2}},
	}}
	for i := range 100 {
		one.ID = fmt.Sprintf("spaces-%d", i)
		p.Checks = append(p.Checks, one)
		request.Checks = append(request.Checks, one.ID)
	}
	client := pb.NewCheckerClient(plugintest.Start(b, p, ""))
	for b.Loop() {
		if _, err := client.Check(context.Background(), request); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/check")
}
