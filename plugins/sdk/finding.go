package sdk

import (
	"fmt"
	"maps"
	"slices"
)

// Verdict is what a check says about a clause.
type Verdict string

// The verdicts. Any other one is read as Human.
const (
	Passed  Verdict = "PASS"        // the clause is met, or does not apply
	Failed  Verdict = "FAIL"        // the clause is not met
	Missing Verdict = "NEEDS_FACTS" // it cannot be judged yet
	Officer Verdict = "HUMAN"       // an officer judges it
)

// Finding is what a check says about one clause. It holds no words: the message
// and the remedy are keys of the plugin's manifest, which has the texts in
// Chinese and in English.
type Finding struct {
	Verdict          Verdict
	Clause           string  // one of the check's own
	Code             string  // stable, UPPER_SNAKE, for programs
	Message          Message // why; needed for FAIL
	Basis            []Basis // the law; needed for FAIL
	Remedy           Message // what would meet the clause
	UsedFacts        []string
	UsedMaterials    []string
	MissingFacts     []string
	MissingMaterials []string

	evidence bool // Used was called: what the case saw does not count
}

// Message is a text of the manifest with values for its gaps.
type Message struct {
	Key    string
	Params map[string]string
}

// Basis is a place in the law.
type Basis struct {
	Law     string // by name or number: "GB 50016-2014"
	Article string // "5.5.21", "第二十四条第一款"
}

// Pass says that the clause is met, or does not apply.
func Pass(clause string) Finding {
	return Finding{Verdict: Passed, Clause: clause, Code: "MET"}
}

// Fail says that the clause is not met. It needs a message and a legal basis:
// Fail(…).Say(…).Under(…).
func Fail(clause, code string) Finding {
	return Finding{Verdict: Failed, Clause: clause, Code: code}
}

// NeedsFacts says that the clause cannot be judged before these facts are known.
func NeedsFacts(clause string, facts ...string) Finding {
	return Finding{Verdict: Missing, Clause: clause, Code: "FACTS_MISSING", MissingFacts: slices.Clone(facts)}
}

// NeedsMaterials says that the clause cannot be judged before these materials are
// there.
func NeedsMaterials(clause string, materials ...string) Finding {
	return Finding{Verdict: Missing, Clause: clause, Code: "MATERIALS_MISSING", MissingMaterials: slices.Clone(materials)}
}

// Human says that an officer judges the clause.
func Human(clause, code string) Finding {
	return Finding{Verdict: Officer, Clause: clause, Code: code}
}

// Say adds why: a key of the manifest, then names and values in turn.
func (f Finding) Say(key string, namesAndValues ...any) Finding {
	f.Message = message(key, namesAndValues)
	return f
}

// Advise adds what would meet the clause: a key of the manifest, then names and
// values in turn.
func (f Finding) Advise(key string, namesAndValues ...any) Finding {
	f.Remedy = message(key, namesAndValues)
	return f
}

// Under adds the law on which the finding rests.
func (f Finding) Under(law, article string) Finding {
	f.Basis = append(slices.Clone(f.Basis), Basis{law, article})
	return f
}

// Used names the facts on which the finding rests, instead of all that the check
// has read.
func (f Finding) Used(facts ...string) Finding {
	f.UsedFacts, f.evidence = slices.Clone(facts), true
	return f
}

// UsedFiles names the materials on which the finding rests, instead of all that
// the check has read.
func (f Finding) UsedFiles(materials ...string) Finding {
	f.UsedMaterials, f.evidence = slices.Clone(materials), true
	return f
}

// message pairs names with values. A mistake in it is the author's: it panics,
// and becomes an error of the check.
func message(key string, namesAndValues []any) Message {
	if len(namesAndValues)%2 != 0 {
		panic(fmt.Sprintf("sdk: message %q: names and values come in pairs", key))
	}
	m := Message{Key: key}
	for i := 0; i < len(namesAndValues); i += 2 {
		name, ok := namesAndValues[i].(string)
		if !ok {
			panic(fmt.Sprintf("sdk: message %q: the name %v is no text", key, namesAndValues[i]))
		}
		if m.Params == nil {
			m.Params = map[string]string{}
		}
		switch v := namesAndValues[i+1].(type) {
		case float32, float64:
			panic(fmt.Sprintf("sdk: message %q: %s is a binary fraction, use a Decimal", key, name))
		default:
			m.Params[name] = fmt.Sprint(v)
		}
	}
	return m
}

// clone makes a finding that shares nothing.
func (f Finding) clone() Finding {
	f.Message.Params, f.Remedy.Params = maps.Clone(f.Message.Params), maps.Clone(f.Remedy.Params)
	f.Basis = slices.Clone(f.Basis)
	f.UsedFacts, f.UsedMaterials = slices.Clone(f.UsedFacts), slices.Clone(f.UsedMaterials)
	f.MissingFacts, f.MissingMaterials = slices.Clone(f.MissingFacts), slices.Clone(f.MissingMaterials)
	return f
}
