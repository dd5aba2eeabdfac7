package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/onedoor/onedoor/graph/generated"
	"github.com/onedoor/onedoor/graph/scalar"
	"github.com/onedoor/onedoor/internal/fault"
	"github.com/onedoor/onedoor/internal/workday"
)

// types are those of the schema.
var types = generated.NewExecutableSchema(generated.Config{}).Schema().Types

// eachValue visits the values of a field's arguments that are no objects or
// lists, each with its type and its place below the input.
func eachValue(f *ast.Field, variables map[string]any, visit func(kind, path string, value any)) {
	if f.Definition == nil {
		return
	}
	given := f.ArgumentMap(variables)
	for _, argument := range f.Definition.Arguments {
		path := argument.Name
		if path == "input" {
			path = ""
		}
		visitValue(argument.Type, path, given[argument.Name], visit)
	}
}

func visitValue(t *ast.Type, path string, value any, visit func(kind, path string, value any)) {
	if value == nil {
		return
	}
	if t.Elem != nil {
		list, ok := value.([]any)
		if !ok {
			list = []any{value} // GraphQL takes one value for a list of one
		}
		for i, v := range list {
			visitValue(t.Elem, fmt.Sprintf("%s[%d]", path, i), v, visit)
		}
		return
	}
	definition := types[t.NamedType]
	object, isObject := value.(map[string]any)
	if definition == nil || definition.Kind != ast.InputObject || !isObject {
		visit(t.NamedType, path, value)
		return
	}
	for _, field := range definition.Fields {
		below := field.Name
		if path != "" {
			below = path + "." + field.Name
		}
		visitValue(field.Type, below, object[field.Name], visit)
	}
}

// badScalars finds every argument of the field in ctx that its scalar refuses. The
// executor stops at the first.
func badScalars(ctx context.Context) []fault.Problem {
	var problems []fault.Problem
	eachValue(graphql.GetFieldContext(ctx).Field.Field, graphql.GetOperationContext(ctx).Variables, func(kind, path string, value any) {
		if p, bad := badScalar(kind, value); bad {
			p.Path = path
			problems = append(problems, p)
		}
	})
	return problems
}

func badScalar(kind string, value any) (fault.Problem, bool) {
	switch kind {
	case "Date":
		text, _ := value.(string)
		_, err := workday.ParseDate(text)
		var f *fault.Error
		if errors.As(err, &f) && len(f.Problems) == 1 {
			return f.Problems[0], true
		}
	case "DateTime":
		if _, err := scalar.UnmarshalDateTime(value); err != nil {
			return fault.Problem{Code: "BAD_DATETIME", ZH: fmt.Sprintf("时刻须写作 2026-11-23T08:00:00Z，而不是 %.40q", fmt.Sprint(value)), EN: fmt.Sprintf("an instant is written 2026-11-23T08:00:00Z, not %.40q", fmt.Sprint(value))}, true
		}
	case "FactSet", "JSON":
		if _, err := scalar.UnmarshalFactSet(value); err != nil {
			return fault.Problem{Code: "NOT_AN_OBJECT", ZH: "须为 JSON 对象", EN: "is a JSON object"}, true
		}
	}
	return fault.Problem{}, false
}

// plainLists makes every list one of anything: where one value stands for a list of
// one, the library makes a list of its kind, which nobody would look into.
func plainLists(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = plainLists(inner)
		}
		return v
	case []any:
		for i, inner := range v {
			v[i] = plainLists(inner)
		}
		return v
	}
	list := reflect.ValueOf(value)
	if list.Kind() != reflect.Slice {
		return value
	}
	plain := make([]any, list.Len())
	for i := range plain {
		plain[i] = plainLists(list.Index(i).Interface())
	}
	return plain
}

// misfits finds every value in the variables that is not of its type. The library
// takes "1" for an Int, 1 for a String, 1.5 for an ID and day for DAY.
func misfits(op *graphql.OperationContext) []fault.Problem {
	var problems []fault.Problem
	for _, v := range op.Operation.VariableDefinitions {
		path := v.Variable
		if path == "input" {
			path = ""
		}
		visitValue(v.Type, path, op.Variables[v.Variable], func(kind, path string, value any) {
			if p, bad := misfit(kind, value); bad {
				p.Path = path
				problems = append(problems, p)
			}
		})
	}
	return problems
}

// misfit says why a value of the variables is not of its type.
func misfit(kind string, value any) (fault.Problem, bool) {
	if fitsType(kind, value) {
		return badScalar(kind, value)
	}
	return fault.Problem{Code: "WRONG_TYPE", ZH: fmt.Sprintf("%.40q 不是 %s", fmt.Sprint(value), kind), EN: fmt.Sprintf("%.40q is no %s", fmt.Sprint(value), kind)}, true
}

// fitsType says whether a value of the variables is of a type that GraphQL defines,
// or of an enum. Of other scalars badScalar knows.
func fitsType(kind string, value any) bool {
	number, isNumber := value.(json.Number)
	_, isText := value.(string)
	if rv := reflect.ValueOf(value); rv.CanInt() || rv.CanFloat() { // a default, or what the library has read
		number, isNumber = json.Number(fmt.Sprint(value)), true
	}
	switch kind {
	case "Int":
		_, err := strconv.ParseInt(string(number), 10, 64) // what is beyond an Int, limits tells
		return isNumber && (err == nil || errors.Is(err, strconv.ErrRange))
	case "Float":
		return isNumber
	case "String":
		return isText
	case "Boolean":
		_, isTruth := value.(bool)
		return isTruth
	case "ID":
		_, err := strconv.ParseInt(string(number), 10, 64)
		return isText || isNumber && (err == nil || errors.Is(err, strconv.ErrRange))
	}
	if definition := types[kind]; definition != nil && definition.Kind == ast.Enum {
		return isText && definition.EnumValues.ForName(value.(string)) != nil
	}
	return true
}

// tooWide says whether a value is beyond what GraphQL calls an Int.
func tooWide(kind string, value any) bool {
	if kind != "Int" {
		return false
	}
	_, err := strconv.ParseInt(fmt.Sprint(value), 10, 32)
	return errors.Is(err, strconv.ErrRange)
}
