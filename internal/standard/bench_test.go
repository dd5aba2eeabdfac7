package standard_test

import (
	"testing"

	"github.com/onedoor/onedoor/internal/standard"
)

func (p *pack) cycled(n int) []*standard.Compiled {
	clauses := make([]*standard.Compiled, n)
	for i := range clauses {
		clauses[i] = p.compiled[i%len(p.compiled)]
	}
	return clauses
}

func benchmarkEvaluate(b *testing.B, n int) {
	p := loadPack(b)
	clauses := p.cycled(n)
	project := p.project(b, p.samples[0])
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range clauses {
			c.Evaluate(project)
		}
	}
}

func BenchmarkEvaluate500(b *testing.B)   { benchmarkEvaluate(b, 500) }
func BenchmarkEvaluate10000(b *testing.B) { benchmarkEvaluate(b, 10_000) }

// BenchmarkEvaluatePartial500 judges S01 with only its own answers.
func BenchmarkEvaluatePartial500(b *testing.B) {
	p := loadPack(b)
	clauses := p.cycled(500)
	project, problems := p.vocabulary.Project(p.samples[0].Facts)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, c := range clauses {
			c.Evaluate(project)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	p := loadPack(b)
	expressions := p.expressions()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p.vocabulary.Parse(expressions[i%len(expressions)])
		i++
	}
}

func BenchmarkExplain(b *testing.B) {
	p := loadPack(b)
	project := p.project(b, p.samples[1])
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		p.compiled[i%len(p.compiled)].Applies.Explain(project)
		i++
	}
}
