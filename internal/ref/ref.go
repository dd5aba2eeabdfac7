// Package ref makes the identities of catalogue things: a text whose prefix
// names the type and whose rest is the natural key. The same pack has the same
// identities in every database.
package ref

import (
	"strconv"
	"strings"
)

// Department identifies a department.
func Department(code string) string { return "dep_" + code }

// Region identifies a region.
func Region(code string) string { return "reg_" + code }

// Zone identifies a functional zone.
func Zone(code string) string { return "zon_" + code }

// Fact identifies a fact.
func Fact(key string) string { return "fct_" + key }

// Law identifies a law by its name.
func Law(name string) string { return "law_" + name }

// CalendarYear identifies a year of a calendar.
func CalendarYear(calendar string, year int) string {
	return "cal_" + calendar + "_" + strconv.Itoa(year)
}

// Rule identifies a policy rule.
func Rule(section, code string) string { return "rul_" + section + "_" + code }

// Item identifies a version of an item.
func Item(code string, version int) string { return "itm_" + versioned(code, version) }

// Scheme identifies a version of a scheme.
func Scheme(code string, version int) string { return "sch_" + versioned(code, version) }

// ItemStandard identifies a version of a single-item standard.
func ItemStandard(code string, version int) string { return "std_" + versioned(code, version) }

// JointStandard identifies a version of a joint standard.
func JointStandard(code string, version int) string { return "jst_" + versioned(code, version) }

// Clause identifies a clause in a version of its item's standard.
func Clause(code, item string, version int) string {
	return "cls_" + code + "_" + versioned(item, version)
}

// Material identifies the n-th material of a version of an item.
func Material(item string, version, n int) string {
	return "mat_" + versioned(item, version) + "_" + strconv.Itoa(n)
}

// Notice identifies a notice.
func Notice(number string) string { return "not_" + number }

// Prefix gives the part of an identity that names the type, or "".
func Prefix(id string) string {
	prefix, _, ok := strings.Cut(id, "_")
	if !ok {
		return ""
	}
	return prefix
}

// Version gives the version in an identity that ends with one.
func Version(id string) int {
	n, _ := strconv.Atoi(id[strings.LastIndexByte(id, '_')+1:])
	return n
}

func versioned(code string, version int) string { return code + "_" + strconv.Itoa(version) }
