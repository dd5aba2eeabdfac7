package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/onedoor/onedoor/internal/item"
	"github.com/onedoor/onedoor/internal/law"
	"github.com/onedoor/onedoor/internal/standard"
)

// JSON gives the pack as one JSON object: file without its ending → what the file
// holds. It says what the YAML files say.
func (p *Pack) JSON() ([]byte, error) {
	files, err := p.Files()
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var content any
		if err := yaml.Unmarshal(files[name], &content); err != nil {
			return nil, fmt.Errorf("catalog.JSON: %s: %w", name, err)
		}
		out[strings.TrimSuffix(name, ".yaml")] = jsonLike(content)
	}
	return indented(out)
}

func indented(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("catalog.JSON: %w", err)
	}
	return out.Bytes(), nil
}

// terms are the vocabularies of LinkedData. od is this platform's own, for what
// CPSV-AP has no word for.
func terms(base string) map[string]any {
	return map[string]any{
		"cpsv": "http://purl.org/vocab/cpsv#",
		"cv":   "http://data.europa.eu/m8g/",
		"dct":  "http://purl.org/dc/terms/",
		"eli":  "http://data.europa.eu/eli/ontology#",
		"xsd":  "http://www.w3.org/2001/XMLSchema#",
		"od":   base + "/vocabulary#",
	}
}

type node = map[string]any

// LinkedData gives the pack as linked open data in JSON-LD, by the Core Public
// Service Vocabulary Application Profile of the European Union (CPSV-AP 3): an
// item is a cpsv:PublicService, a clause a cpsv:Rule that it follows and a
// cv:Requirement that it holds, a material a cv:Evidence, a law an
// eli:LegalResource, a scheme a cv:Event in which services are grouped. base is
// the address under which the things are named.
func (p *Pack) LinkedData(base string) ([]byte, error) {
	base = strings.TrimSuffix(base, "/")
	id := func(kind, code string) string { return base + "/id/" + kind + "/" + escapePath(code) }
	var graph []node
	for _, e := range p.Departments {
		d := e.Value
		graph = append(graph, node{"@id": id("department", d.Code), "@type": "cv:PublicOrganisation", "dct:identifier": d.Code, "dct:title": titles(d.Name, d.NameEN)})
	}
	for _, e := range p.Laws {
		graph = append(graph, node{"@id": id("law", e.Value.Name), "@type": "eli:LegalResource", "dct:title": titles(e.Value.Name, "")})
	}
	clauses := map[string][]standard.Clause{}
	for _, e := range p.Clauses {
		clauses[e.Value.Item] = append(clauses[e.Value.Item], e.Value)
	}
	grouped := map[string][]node{}
	for _, e := range p.Schemes {
		for _, entry := range e.Value.Items {
			grouped[entry.Item] = append(grouped[entry.Item], node{"@id": id("scheme", e.Value.Code)})
		}
	}
	for _, e := range p.Items {
		it := e.Value
		service := node{
			"@id": id("item", it.Code), "@type": "cpsv:PublicService", "dct:identifier": it.Code, "dct:title": titles(it.Name, it.NameEN),
			"dct:description":          titles(described(it), ""),
			"dct:type":                 string(it.Kind()),
			"cv:hasCompetentAuthority": node{"@id": id("department", it.Department)},
			"cv:hasLegalResource":      resources(id, it.Basis),
			"cv:processingTime":        node{"@type": "xsd:duration", "@value": fmt.Sprintf("P%dD", it.Time.Promised)},
			"od:timeUnit":              string(it.Time.Unit),
			"od:statutoryDays":         it.Time.Statutory,
			"od:neededWhen":            it.NeededWhen,
			"cpsv:produces":            node{"@id": id("output", it.Code), "@type": "cv:Output", "dct:identifier": it.Code, "dct:title": titles(it.Result.Name, "")},
			"cv:hasCost":               node{"@id": id("cost", it.Code), "@type": "cv:Cost", "dct:identifier": it.Code, "cv:value": it.Fee.Amount, "cv:currency": "CNY"},
		}
		if events := grouped[it.Code]; len(events) > 0 {
			service["cv:isGroupedBy"] = events
		}
		var inputs, before, rules, requirements []node
		for n, m := range it.Materials {
			inputs = append(inputs, node{"@id": id("evidence", fmt.Sprintf("%s-%d", it.Code, n+1)), "@type": "cv:Evidence", "dct:identifier": m.Code(),
				"dct:title": titles(m.Name, ""), "od:broughtBy": string(m.Source)})
		}
		for _, pre := range it.Preconditions {
			before = append(before, node{"@id": id("item", pre.Item)})
		}
		for _, k := range clauses[it.Code] {
			rules = append(rules, node{"@id": id("clause", k.Code)})
			requirements = append(requirements, node{"@id": id("clause", k.Code)})
			graph = append(graph, clauseNode(id, k))
		}
		for key, list := range map[string][]node{"cpsv:hasInput": inputs, "dct:requires": before, "cpsv:follows": rules, "cv:holdsRequirement": requirements} {
			if len(list) > 0 {
				service[key] = list
			}
		}
		graph = append(graph, service)
	}
	for _, e := range p.Schemes {
		s := e.Value
		graph = append(graph, node{"@id": id("scheme", s.Code), "@type": "cv:BusinessEvent", "dct:identifier": s.Code, "dct:title": titles(s.Name, s.NameEN),
			"od:lead": node{"@id": id("department", s.Lead)}, "od:appliesWhen": s.AppliesWhen})
	}
	return indented(node{"@context": terms(base), "@graph": graph})
}

func clauseNode(id func(kind, code string) string, k standard.Clause) node {
	n := node{
		"@id": id("clause", k.Code), "@type": []string{"cpsv:Rule", "cv:Requirement"}, "dct:identifier": k.Code,
		"dct:title": titles(k.Code, ""), "dct:description": titles(k.Text, k.TextEN), "cpsv:implements": resources(id, k.Basis),
		"dct:type": strings.ToUpper(string(k.Kind)), "od:category": k.Category, "od:appliesWhen": k.AppliesWhen,
		"cv:hasCompetentAuthority": node{"@id": id("department", k.Department)},
	}
	if k.Requires != nil {
		n["od:requires"] = *k.Requires
	}
	var rulings []node
	for _, r := range k.Rulings {
		rulings = append(rulings, node{"dct:identifier": r.Number, "dct:date": node{"@type": "xsd:date", "@value": r.Dated}, "dct:description": titles(r.Text, r.TextEN)})
	}
	if len(rulings) > 0 {
		n["od:ruling"] = rulings
	}
	return n
}

func described(it item.Item) string {
	if it.Note != "" {
		return it.Note
	}
	return it.Name
}

// titles gives a text in its languages.
func titles(zh, en string) []node {
	out := []node{{"@language": "zh", "@value": zh}}
	if en != "" {
		out = append(out, node{"@language": "en", "@value": en})
	}
	return out
}

// resources names the laws cited, with their articles.
func resources(id func(kind, code string) string, basis []law.Basis) []node {
	out := []node{}
	for _, b := range basis {
		n := node{"@id": id("law", b.Law)}
		if b.Article != "" {
			n = node{"@type": "eli:LegalResource", "eli:is_part_of": node{"@id": id("law", b.Law)}, "dct:title": titles(b.Law+" "+b.Article, "")}
		}
		out = append(out, n)
	}
	return out
}

// escapePath makes a name safe as a part of an address.
func escapePath(s string) string {
	return strings.NewReplacer(" ", "%20", "/", "%2F", "#", "%23", "?", "%3F", "<", "%3C", ">", "%3E", "\"", "%22", "%", "%25").Replace(s)
}
