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
			c.ZH, c.EN = fmt.Sprintf("%s新增%s：%s", who.ZH, name.ZH, is), fmt.Sprintf("%s gets its %s: %s", who.EN, name.EN, is)
		case is == "":
			c.Kind = Removed
			c.ZH, c.EN = fmt.Sprintf("%s不再有%s：%s", who.ZH, name.ZH, was), fmt.Sprintf("%s loses its %s: %s", who.EN, name.EN, was)
		default:
			c.ZH, c.EN = fmt.Sprintf("%s的%s由“%s”改为“%s”", who.ZH, name.ZH, was, is), fmt.Sprintf("the %s of %s changes from “%s” to “%s”", name.EN, who.EN, was, is)
		}
		out = append(out, c)
	}
	return out
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
