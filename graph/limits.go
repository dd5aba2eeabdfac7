package graph

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entgo.io/contrib/entgql"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/onedoor/onedoor/internal/fault"
)

// What one operation may ask for.
const (
	maxCost = 60_000 // list elements that the answer may hold, at most
	maxList = 1000   // values of a list or object in an argument
	maxText = 10_000 // characters of a text in an argument
	// openList is what a list counts that says no size of its own; the catalogue's
	// nested lists are shorter.
	openList = 30
	// guideCost is what a computed or frozen guide counts, in list elements, and
	// analysisCost what an analysis of the catalogue does: it takes as long as a hundred
	// guides.
	guideCost    = 500
	analysisCost = 10_000
	// shortList is what a list of a case or a review counts, and dayList the days of
	// a clock.
	shortList = 5
	dayList   = 30
)

// ownLists counts the lists that are no connections, of types that come in pages.
var ownLists = map[string]int{
	"Deadline.days": dayList, "Clock.pauses": shortList,
	"Case.blockers": shortList, "Case.undetermined": shortList, "Case.standards": shortList, "Case.supplements": shortList,
	"Case.specialProcedures": shortList, "Case.extensions": shortList, "Case.clockStops": shortList, "Case.holds": shortList, "Case.meetings": shortList, "Case.duties": shortList, "Case.checks": openList,
	"StandardDraft.changes": openList, "StandardDraft.reviews": shortList, "StandardDraft.refusals": shortList, "Standard.history": shortList, "Standard.changes": openList,
	"Coordination.positions": shortList, "Coordination.meetings": shortList, "Coordination.parties": shortList, "ImpactRun.flips": openList,
	"Query.plugins": openList, "Precheck.findings": openList, "Precheck.checks": openList,
	"Review.findings": openList, "Review.reasons": shortList,
}

// computed counts the fields that are computed, whatever they give.
var computed = map[string]int{
	"guide": guideCost, "issueNotice": guideCost, "notice": guideCost, "precheck": guideCost,
	"analysis": analysisCost, "wayOut": analysisCost, "publishGate": analysisCost, "standardDiff": analysisCost,
}

// limits refuses operations that ask for too much, pages of more than maxPage or
// from both ends, and cursors that do not fit their list, before anything runs.
// How large and deep a document may be, graph/protocol has measured before.
type limits struct{}

// ExtensionName names the extension.
func (limits) ExtensionName() string { return "Limits" }

// Validate accepts every schema.
func (limits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext weighs the operation.
func (limits) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	for name, value := range op.Variables {
		op.Variables[name] = plainLists(value)
	}
	if problems := misfits(op); len(problems) > 0 {
		return gqlerror.WrapIfUnwrapped(fault.InvalidInput("graph.variables", problems...))
	}
	w := weigher{variables: op.Variables, fragments: map[string]int{}}
	cost := w.set(op.Operation.SelectionSet)
	if w.err == nil && cost > maxCost {
		w.at = nil // of the whole
		w.refuse("", "TOO_COSTLY", fmt.Sprintf("查询可能返回 %d 个元素，上限 %d：请减小 first 或分次查询", cost, maxCost),
			fmt.Sprintf("the answer may hold %d elements, at most %d: ask for smaller pages, or in parts", cost, maxCost))
	}
	if w.err != nil {
		e := gqlerror.WrapIfUnwrapped(w.err)
		if w.at != nil {
			e.Locations = []gqlerror.Location{{Line: w.at.Line, Column: w.at.Column}}
		}
		return e
	}
	return nil
}

// longest gives the length of the longest list or object in an argument.
func longest(v any) int {
	most := 0
	switch v := v.(type) {
	case map[string]any:
		most = len(v)
		for _, child := range v {
			most = max(most, longest(child))
		}
	case []any:
		most = len(v)
		for _, child := range v {
			most = max(most, longest(child))
		}
	}
	return most
}

// badText finds a text in an argument that no field can hold: with a NUL, which
// databases refuse, not UTF-8, or longer than anybody writes.
func badText(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0) || !utf8.ValidString(v) || utf8.RuneCountInString(v) > maxText
	case map[string]any:
		for key, child := range v {
			if badText(key) || badText(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, badText)
	}
	return false
}

// weigher adds up what an operation may cost. A fragment is weighed once,
// however often it is spread.
type weigher struct {
	variables map[string]any
	fragments map[string]int
	at        *ast.Position // of the field that is weighed
	err       error
}

func (w *weigher) refuse(path, code, zh, en string) {
	if w.err == nil {
		w.err = fault.InvalidInput("graph.limits", fault.Problem{Path: path, Code: code, ZH: zh, EN: en})
	}
}

// set gives the elements that a selection may hold for one parent.
func (w *weigher) set(set ast.SelectionSet) int {
	if w.err != nil {
		return 0
	}
	cost := 0
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			cost += w.field(s)
		case *ast.InlineFragment:
			cost += w.set(s.SelectionSet)
		case *ast.FragmentSpread:
			known, ok := w.fragments[s.Name]
			if !ok {
				known = w.set(s.Definition.SelectionSet)
				w.fragments[s.Name] = known
			}
			cost += known
		}
		cost = min(cost, 10*maxCost) // enough to refuse, and no overflow
	}
	return cost
}

func (w *weigher) field(f *ast.Field) int {
	if strings.HasPrefix(f.Name, "__") {
		return 0 // introspection is bounded by the schema
	}
	w.at = f.Position
	if len(f.Arguments) > 0 && longest(f.ArgumentMap(w.variables)) > maxList {
		w.refuse(f.Alias, "LIST_TOO_LONG", fmt.Sprintf("列表或对象最多 %d 个值", maxList), fmt.Sprintf("a list or object holds at most %d values", maxList))
		return 0
	}
	if len(f.Arguments) > 0 && badText(f.ArgumentMap(w.variables)) {
		w.refuse(f.Alias, "BAD_TEXT", fmt.Sprintf("文字不得含 NUL，且至多 %d 字", maxText), fmt.Sprintf("a text holds no NUL and at most %d characters", maxText))
		return 0
	}
	eachValue(f, w.variables, func(kind, path string, value any) {
		if tooWide(kind, value) {
			w.refuse(strings.TrimSuffix(f.Alias+"."+path, "."), "OUT_OF_RANGE", "Int 须在 -2147483648 与 2147483647 之间", "an Int lies between -2147483648 and 2147483647")
		}
	})
	if w.err != nil {
		return 0
	}
	size := 1
	if f.Definition != nil && strings.HasSuffix(f.Definition.Type.Name(), "Connection") {
		size = w.page(f)
	}
	if f.ObjectDefinition != nil {
		size = max(size, ownLists[f.ObjectDefinition.Name+"."+f.Name])
	}
	if cost := computed[f.Name]; cost > 0 {
		return cost + w.set(f.SelectionSet)
	}
	return size * max(1, w.set(f.SelectionSet))
}

// page gives the size of a page and refuses one that is too large or has two
// ends.
func (w *weigher) page(f *ast.Field) int {
	size, asked := openList, 0
	for _, name := range []string{"first", "last"} {
		arg := f.Arguments.ForName(name)
		if arg == nil || arg.Value == nil {
			continue
		}
		v, err := arg.Value.Value(w.variables)
		if err != nil || v == nil {
			continue // the executor says what is wrong with it
		}
		asked++
		n, err := strconv.Atoi(fmt.Sprint(v))
		switch {
		case err != nil:
		case n > maxPage:
			w.err = tooMany(f.Alias+"."+name, n)
		default:
			size = max(n, 1)
		}
	}
	w.cursors(f)
	if asked == 2 {
		w.refuse(f.Alias, "BOTH_ENDS", "first 和 last 只能给出一个", "give either first or last, not both")
	}
	return size
}

// cursors refuses a cursor that was not made by this list in this order: its
// values would reach the database as they are.
func (w *weigher) cursors(f *ast.Field) {
	args := f.ArgumentMap(w.variables)
	orders, isList := args["orderBy"].([]any)
	if one, ok := args["orderBy"].(map[string]any); ok && !isList {
		orders = []any{one} // GraphQL takes one value for a list of one
	}
	for _, name := range []string{"after", "before"} {
		text, ok := args[name].(string)
		if !ok {
			continue
		}
		var cursor entgql.Cursor[string]
		if cursor.UnmarshalGQL(text) != nil || !fits(cursor.Value, orders) {
			w.refuse(f.Alias+"."+name, "BAD_CURSOR", "游标不属于这个列表或这个排序：请使用同一查询返回的 cursor",
				"the cursor is not of this list in this order: use one that the same query gave")
		}
	}
}

// fits says that a cursor has one value for each field of the order, of that
// field's type.
func fits(value any, orders []any) bool {
	values, ok := value.([]any)
	if !ok && value != nil || len(values) != len(orders) {
		return false
	}
	for i, order := range orders {
		by, _ := order.(map[string]any)
		field, _ := by["field"].(string)
		if !fitsField(field, values[i]) {
			return false
		}
	}
	return true
}

// fitsField says that a value can be one of a field of an order. What has not
// happened yet has no instant, and what has no limit no day.
func fitsField(field string, value any) bool {
	switch {
	case value == nil:
		return field == "RECEIVED_AT" || strings.HasSuffix(field, "DUE_ON")
	case strings.HasSuffix(field, "_AT"):
		_, ok := value.(time.Time)
		return ok
	case field == "POSITION" || field == "VERSION":
		kind := reflect.ValueOf(value)
		return kind.CanInt() || kind.CanUint()
	}
	return reflect.ValueOf(value).Kind() == reflect.String
}
