package drafting

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is one difference between two contents, in words.
type Change struct {
	Kind    string // ADDED, REMOVED or CHANGED
	Subject string // item, scheme, or a clause's code
	Field   string // as the pack spells it; "" for a whole clause
	Before  string
	After   string
	ZH, EN  string
}

// The kinds of change.
const (
	Added   = "ADDED"
	Removed = "REMOVED"
	Changed = "CHANGED"
)

// words are the fields in words; one that is not here is called by its name.
var words = map[string]Text{
	"name": {"名称", "name"}, "department": {"实施机关", "department"}, "type": {"类型", "type"}, "basis": {"依据", "legal basis"},
	"time": {"期限", "limits"}, "needed_when": {"何时需要", "condition of need"}, "preconditions": {"前置", "preconditions"},
	"materials": {"申请材料", "materials"}, "obligations": {"义务", "duties"}, "result": {"结果", "result"}, "fee": {"收费", "fee"},
	"commitment": {"告知承诺", "commitment"}, "stops_clock": {"特别程序", "special procedures"}, "text": {"条文", "text"},
	"text_en": {"英文条文", "English text"}, "applies_when": {"适用条件", "condition of application"}, "requires": {"要求", "demand"},
	"manual": {"人工判断", "question for a person"}, "promisable": {"可承诺", "promisability"}, "evidence": {"证明", "evidence"},
	"effective": {"施行期间", "dates of the law"}, "category": {"类别", "category"}, "kind": {"性质", "kind"}, "rulings": {"裁定", "rulings"},
	"lead": {"主办", "lead"}, "assisting": {"协办", "co-departments"}, "clock": {"联合期限", "joint limits"}, "stages": {"阶段", "stages"},
	"items": {"事项", "items"}, "edges": {"先后", "precedence"}, "zoning": {"分区", "zoning"}, "ask_first": {"先问", "first questions"},
	"zone": {"功能区", "zone"}, "verdict": {"结论", "verdict"}, "reason": {"理由", "reason"}, "clauses": {"条款", "clauses"}, "note": {"说明", "note"},
	"strength": {"强度", "strength"}, "source": {"来源", "source"}, "number": {"文号", "number"}, "dated": {"日期", "date"}, "id": {"代码", "code"},
	"from": {"自", "from"}, "to": {"至", "to"},
	"item": {"事项", "item"}, "interpretation_group": {"解释分组", "readings of one rule"},
}

// Changes says in words what differs between two contents as a pack spells them.
func Changes(before, after map[string]any) []Change {
	out := []Change{}
	for _, top := range []string{"items", "industries"} {
		subject := map[string]string{"items": "item", "industries": "scheme"}[top]
		was, is := first(before[top]), first(after[top])
		switch name := map[string]Text{"item": {"事项", "item"}, "scheme": {"方案", "scheme"}}[subject]; {
		case was == nil && is != nil:
			out = append(out, Change{Kind: Added, Subject: subject, After: text(is, "name"), ZH: "新设" + name.ZH + "：" + text(is, "name"), EN: "the " + name.EN + " is new: " + text(is, "name")})
		case was != nil && is == nil:
			out = append(out, Change{Kind: Removed, Subject: subject, Before: text(was, "name"), ZH: "废止" + name.ZH + "：" + text(was, "name"), EN: "the " + name.EN + " is repealed: " + text(was, "name")})
		default:
			out = append(out, fields(subject, was, is)...)
		}
	}
	old, now := byCode(before["clauses"]), byCode(after["clauses"])
	codes := slices.Sorted(maps.Keys(union(old, now)))
	for _, code := range codes {
		was, is := old[code], now[code]
		switch {
		case was == nil:
			out = append(out, whole(Added, code, "", text(is, "text")))
		case is == nil:
			out = append(out, whole(Removed, code, text(was, "text"), ""))
		default:
			out = append(out, fields(code, was, is)...)
		}
	}
	return out
}

func whole(kind, code, before, after string) Change {
	c := Change{Kind: kind, Subject: code, Before: before, After: after}
	if kind == Added {
		c.ZH, c.EN = "新增条款 "+code+"："+after, "clause "+code+" is added: "+after
	} else {
		c.ZH, c.EN = "删除条款 "+code+"："+before, "clause "+code+" is removed: "+before
	}
	return c
}

func fields(subject string, before, after map[string]any) []Change {
	var out []Change
	for _, field := range slices.Sorted(maps.Keys(union(before, after))) {
		was, is := spell(before[field]), spell(after[field])
		if was == is {
			continue
		}
		name, ok := words[field]
		if !ok {
			name = Text{field, field}
		}
		c := Change{Kind: Changed, Subject: subject, Field: field, Before: was, After: is}
		who := map[string]Text{"item": {"事项", "the item"}, "scheme": {"方案", "the scheme"}}[subject]
		if who.ZH == "" {
			who = Text{"条款 " + subject, "clause " + subject}
		}
		switch {
		case was == "":
			c.Kind = Added
			v := phrases(after[field])
			c.ZH, c.EN = fmt.Sprintf("%s新增%s：%s", who.ZH, name.ZH, v.ZH), fmt.Sprintf("%s gets its %s: %s", who.EN, name.EN, v.EN)
		case is == "":
			c.Kind = Removed
			v := phrases(before[field])
			c.ZH, c.EN = fmt.Sprintf("%s不再有%s：%s", who.ZH, name.ZH, v.ZH), fmt.Sprintf("%s loses its %s: %s", who.EN, name.EN, v.EN)
		case entries(before[field]) && entries(after[field]):
			zh, en := entryChanges(before[field].([]any), after[field].([]any))
			c.ZH, c.EN = fmt.Sprintf("%s的%s：%s", who.ZH, name.ZH, zh), fmt.Sprintf("the %s of %s: %s", name.EN, who.EN, en)
		default:
			a, b := phrase(before[field]), phrase(after[field])
			c.ZH, c.EN = fmt.Sprintf("%s的%s由“%s”改为“%s”", who.ZH, name.ZH, a.ZH, b.ZH), fmt.Sprintf("the %s of %s changes from “%s” to “%s”", name.EN, who.EN, a.EN, b.EN)
		}
		out = append(out, c)
	}
	return out
}

// entries says that a value is a list of entries that have fields.
func entries(v any) bool {
	list, _ := v.([]any)
	if len(list) == 0 {
		return false
	}
	_, is := list[0].(map[string]any)
	return is
}

// keys name the entries of a list, of which each has its own.
var keys = []string{"id", "zone", "item", "code", "stage"}

// keyed gives the entries of both lists by a key that each of them has alone in
// its list, or else by place.
func keyed(before, after []any) (was, is map[string]any, order []string, byPlace bool) {
	for _, key := range keys {
		was, is, order = by(before, key), by(after, key), nil
		if was == nil || is == nil {
			continue
		}
		for _, list := range [][]any{before, after} {
			for _, e := range list {
				if k := text(e.(map[string]any), key); !slices.Contains(order, k) {
					order = append(order, k)
				}
			}
		}
		return was, is, order, false
	}
	was, is = map[string]any{}, map[string]any{}
	for i := range max(len(before), len(after)) {
		k := fmt.Sprint(i + 1)
		order = append(order, k)
		if i < len(before) {
			was[k] = before[i]
		}
		if i < len(after) {
			is[k] = after[i]
		}
	}
	return was, is, order, true
}

// by gives entries by a key; nil where one lacks it or two share it.
func by(list []any, key string) map[string]any {
	out := map[string]any{}
	for _, e := range list {
		m, _ := e.(map[string]any)
		k := text(m, key)
		if _, twice := out[k]; k == "" || twice {
			return nil
		}
		out[k] = e
	}
	return out
}

// entryChanges says what differs between two lists of entries, one by one.
func entryChanges(before, after []any) (zh, en string) {
	was, is, order, byPlace := keyed(before, after)
	var inZH, inEN []string
	for _, k := range order {
		a, b := phrase(was[k]), phrase(is[k])
		nameZH, nameEN := k, k
		if byPlace {
			nameZH, nameEN = "第"+k+"项", "no. "+k
		}
		switch {
		case a == b:
		case was[k] == nil:
			inZH, inEN = append(inZH, "新增“"+b.ZH+"”"), append(inEN, "“"+b.EN+"” is new")
		case is[k] == nil:
			inZH, inEN = append(inZH, "删去“"+a.ZH+"”"), append(inEN, "“"+a.EN+"” is gone")
		default:
			inZH = append(inZH, nameZH+"由“"+a.ZH+"”改为“"+b.ZH+"”")
			inEN = append(inEN, nameEN+" changes from “"+a.EN+"” to “"+b.EN+"”")
		}
	}
	if len(inZH) == 0 {
		return "次序改变", "the order changes"
	}
	return strings.Join(inZH, "；"), strings.Join(inEN, "; ")
}

// phrases gives a value that is there on one side alone.
func phrases(v any) Text {
	if !entries(v) {
		return phrase(v)
	}
	var zh, en []string
	for _, e := range v.([]any) {
		p := phrase(e)
		zh, en = append(zh, p.ZH), append(en, p.EN)
	}
	return Text{strings.Join(zh, "；"), strings.Join(en, "; ")}
}

// phrase gives an entry with its fields in words.
func phrase(v any) Text {
	m, is := v.(map[string]any)
	if !is || text(m, "law") != "" {
		return Text{spell(v), spell(v)}
	}
	var zh, en []string
	for _, field := range slices.Sorted(maps.Keys(m)) {
		value := spell(m[field])
		if value == "" {
			continue
		}
		name, known := words[field]
		if !known {
			name = Text{field, field}
		}
		zh, en = append(zh, name.ZH+" "+value), append(en, name.EN+" "+value)
	}
	return Text{strings.Join(zh, "，"), strings.Join(en, ", ")}
}

// spell gives a value as people read it: a text as it is, a list of texts joined,
// anything else as JSON.
func spell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		if len(v) == 0 {
			return ""
		}
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = spell(e)
		}
		return strings.Join(parts, "；")
	case map[string]any:
		if law := text(v, "law"); law != "" {
			return strings.TrimSpace(law + " " + text(v, "article"))
		}
	}
	out, _ := json.Marshal(v)
	return string(out)
}

func first(v any) map[string]any {
	if list, _ := v.([]any); len(list) > 0 {
		m, _ := list[0].(map[string]any)
		return m
	}
	return nil
}

func byCode(v any) map[string]map[string]any {
	out := map[string]map[string]any{}
	list, _ := v.([]any)
	for _, e := range list {
		if m, _ := e.(map[string]any); m != nil {
			out[text(m, "id")] = m
		}
	}
	return out
}
