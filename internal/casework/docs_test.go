package casework_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onedoor/onedoor/internal/casework"
)

var update = flag.Bool("update", false, "write docs/states.md")

// docs/states.md says what the table says.
func TestStatesDocument(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# States of a case and of a review\n\nGenerated from `internal/casework` by `go test ./internal/casework -update`. Do not edit.\n\n## Case\n\n")
	for _, s := range casework.CaseStates {
		text, ok := casework.StateText[s]
		if !ok {
			t.Errorf("%s has no text", s)
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n%s\n\n", s, text.ZH, text.EN)
	}
	b.WriteString("## Review\n\n")
	for _, s := range casework.ReviewStates {
		text, ok := casework.ReviewText[s]
		if !ok {
			t.Errorf("%s has no text", s)
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n%s\n\n", s, text.ZH, text.EN)
	}
	b.WriteString("## Transitions 流转表\n\nWhat is not in this table is refused with CONFLICT. 表中没有的一律拒绝。\n\n" +
		"| from 从 | action 操作 | to 到 | who 谁 | guard 条件 | basis 依据 |\n|---|---|---|---|---|---|\n")
	for _, row := range casework.Table {
		var who []string
		for _, p := range row.Who {
			who = append(who, string(p))
		}
		guard := ""
		if row.Guard != nil {
			guard = fmt.Sprintf("`%s` %s / %s", row.Guard.Name, row.Guard.Text.ZH, row.Guard.Text.EN)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", row.From, row.Action, row.To, strings.Join(who, " "), guard, strings.TrimSpace(row.Basis.Law+" "+row.Basis.Article))
	}
	const path = "../../docs/states.md"
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b.String(), string(got)); diff != "" {
		t.Errorf("docs/states.md is not what the table says; run go test ./internal/casework -update\n%s", diff)
	}
}
