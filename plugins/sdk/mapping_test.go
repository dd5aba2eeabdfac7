package sdk_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/onedoor/onedoor/plugins/internal/pb"
	"github.com/onedoor/onedoor/plugins/internal/pbtest"
	"github.com/onedoor/onedoor/plugins/sdk"
)

// TestEveryFieldOfARequestIsRead fails when somebody adds a field to the contract
// and forgets it in the SDK.
func TestEveryFieldOfARequestIsRead(t *testing.T) {
	t.Parallel()
	for name, set := range pbtest.Oneofs(&pb.Fact{}) {
		want := &pb.CheckRequest{}
		pbtest.Fill(want)
		want.Day = "2026-03-02"
		for i, f := range want.Facts {
			set(f)
			if n, ok := f.Value.(*pb.Fact_Number); ok {
				n.Number = fmt.Sprintf("%d.5", i+1)
			}
		}
		got, err := sdk.RoundTrip(want)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("facts with %s (-want +got):\n%s", name, diff)
		}
	}
}

// fillStruct gives a value to every exported field of v.
func fillStruct(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillStruct(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillStruct(v.Index(0), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillStruct(key, n)
		fillStruct(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%d", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(1)
	default:
		panic("no value for " + v.Type().String())
	}
}

// TestEveryFieldOfAFindingIsWritten fails when a field of Finding does not get to
// the wire, or a field of the wire has none in Finding.
func TestEveryFieldOfAFindingIsWritten(t *testing.T) {
	t.Parallel()
	var f sdk.Finding
	n := 0
	fillStruct(reflect.ValueOf(&f).Elem(), &n)
	f.Verdict = sdk.Passed
	out := sdk.Wire(f)
	if forgotten := pbtest.Empty(out); len(forgotten) > 0 {
		t.Errorf("not written: %v", forgotten)
	}
	texts := map[string]bool{}
	collect(reflect.ValueOf(f), texts)
	written := map[string]bool{}
	collect(reflect.ValueOf(out).Elem(), written)
	for text := range texts {
		if !written[text] && text != string(sdk.Passed) {
			t.Errorf("%q got lost in %v", text, out)
		}
	}
}

// collect gathers all texts below v.
func collect(v reflect.Value, into map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), into)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				collect(v.Field(i), into)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), into)
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			collect(entries.Key(), into)
			collect(entries.Value(), into)
		}
	case reflect.String:
		into[v.String()] = true
	}
}

func TestEveryFieldOfADescriptionIsWritten(t *testing.T) {
	t.Parallel()
	out := sdk.Describe(sdk.Plugin{
		Name: "full", Version: "1.0.0", Department: "fire",
		Checks: []sdk.Check{{
			ID: "all", Clauses: []string{"C"}, OptionalFacts: []string{"o"}, Contents: []string{"m"},
			OnFailure: sdk.Reject,
			SelfTest: &sdk.SelfTest{
				Given: sdk.Question{
					CaseRef: "r", Day: sdk.Date(2026, 3, 2), Seed: 1, Checks: []string{"all"}, Facts: map[string]any{"o": true},
					Materials: []sdk.Material{{Code: "m", Name: "n", Type: "t", Size: 1, SHA256: make([]byte, 32), Trust: sdk.TrustA}},
				},
				Want: []sdk.Finding{sdk.NeedsFacts("C", "o").Say("k", "p", 1).Advise("k", "p", 1).Under("l", "a").Used("o").UsedFiles("m")},
			},
		}},
	})
	var forgotten []string
	for _, name := range pbtest.Empty(out) {
		switch name {
		case "onedoor.plugin.v1.Material.path": // only the host knows where a file is
		case "onedoor.plugin.v1.Finding.missing_materials": // its own test
		case "onedoor.plugin.v1.DescribeResponse.contract_minor": // 0 is the first
		default:
			forgotten = append(forgotten, name)
		}
	}
	if len(forgotten) > 0 {
		t.Errorf("not written: %v", forgotten)
	}
	if c := out.Checks[0]; c.OnFailure != pb.FailurePolicy_FAILURE_POLICY_REJECT || !c.Pure {
		t.Errorf("policy %v, pure %v", c.OnFailure, c.Pure)
	}
}
