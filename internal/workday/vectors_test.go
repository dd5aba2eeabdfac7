package workday_test

import (
	"os"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/workday"
)

// extensions are what 行政许可法 第42条 allows on top of a statutory limit.
var extensions = map[int]int{20: 10, 45: 15}

// TestVectors runs the test vectors of the rules that onedoor ships.
func TestVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../catalog/packs/jiangbei/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Vectors struct {
			AddWorkdays []struct {
				Accepted, Due workday.Date
				Workdays      int
				Note          string
			} `yaml:"add_workdays"`
			Scenarios []struct {
				Name          string
				Accepted, Due workday.Date
				Statutory     int
				Pauses        []workday.Pause
				ExtendedDue   workday.Date `yaml:"extended_due"`
			}
		} `yaml:"test_vectors"`
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		t.Fatal(err)
	}
	c := mustCalendar(t)
	check := func(name string, start workday.Date, workdays int, pauses []workday.Pause, want workday.Date) {
		t.Helper()
		got, err := c.Deadline(start, workday.Limit{Amount: workdays, Unit: workday.UnitWorkday}, pauses)
		if err != nil || got.DueOn != want {
			t.Errorf("%s: %s + %d workdays: want %s, got %s, %v", name, start, workdays, want, got.DueOn, err)
		}
	}
	for _, v := range rules.Vectors.AddWorkdays {
		check(v.Note, v.Accepted, v.Workdays, nil, v.Due)
	}
	for _, v := range rules.Vectors.Scenarios {
		check(v.Name, v.Accepted, v.Statutory, v.Pauses, v.Due)
		if !v.ExtendedDue.IsZero() {
			check(v.Name, v.Accepted, v.Statutory+extensions[v.Statutory], v.Pauses, v.ExtendedDue)
		}
	}
	if len(rules.Vectors.AddWorkdays) == 0 || len(rules.Vectors.Scenarios) == 0 {
		t.Error("rules.yaml has no test vectors")
	}
}

func mustCalendar(t testing.TB) *workday.Calendar {
	t.Helper()
	c, err := loadCalendar()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
