// Package ref makes identities: a text whose prefix names the type and whose
// rest is the natural key. The same catalogue pack has the same identities in
// every database; a part of a case carries the case's key.
package ref

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
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

// Plugin identifies a version of a plugin.
func Plugin(name, version string) string { return "plg_" + name + "_" + version }

// Webhook identifies a webhook by its key.
func Webhook(key string) string { return "whk_" + key }

// Delivery identifies the delivery of the event at a place to a webhook, however
// often it is sent.
func Delivery(webhook string, seq int64) string {
	return "dlv_" + Code(webhook) + "_" + strconv.FormatInt(seq, 10)
}

// Attempt identifies the n-th attempt of a delivery.
func Attempt(delivery string, n int) string { return "att_" + Code(delivery) + "_" + strconv.Itoa(n) }

// Case identifies a case by its key, a text that nobody else's case has.
func Case(key string) string { return "cas_" + key }

// Draft identifies a draft of a standard by its key.
func Draft(key string) string { return "drf_" + key }

// Coordination identifies a coordination by its key.
func Coordination(key string) string { return "crd_" + key }

// ImpactRun identifies an impact run by its key.
func ImpactRun(key string) string { return "imp_" + key }

// StandardEvent identifies the n-th event of a draft or a coordination.
func StandardEvent(owner string, n int) string {
	return "sev_" + strings.Replace(owner, "_", "-", 1) + "_" + strconv.Itoa(n)
}

// The parts of a case: each kind has its prefix.
const (
	Review     = "rev"
	Supplement = "sup"
	Procedure  = "prc"
	Meeting    = "mtg"
	Hold       = "hld"
	Stop       = "stp"
	Event      = "evt"
	Paper      = "pap" // a material of a case
)

// Part identifies the n-th part of its kind in a case, counted from 1.
func Part(kind, caseID string, n int) string {
	return kind + "_" + strings.TrimPrefix(caseID, "cas_") + "_" + strconv.Itoa(n)
}

// CaseOf gives the identity of the case that a case's or a part's identity
// names; "" when it names neither.
func CaseOf(id string) string {
	prefix, key, _ := strings.Cut(id, "_")
	if prefix != "cas" {
		switch prefix {
		case Review, Supplement, Procedure, Meeting, Hold, Stop, Event, Paper:
		default:
			return ""
		}
		key, _, _ = strings.Cut(key, "_")
	}
	if key == "" {
		return ""
	}
	return Case(key)
}

// crockford spells numbers without letters that look alike.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// NewKey makes a key of 26 letters and digits that sorts by time (a ULID).
func NewKey(now time.Time, random io.Reader) (string, error) {
	var key [16]byte
	binary.BigEndian.PutUint64(key[:8], uint64(now.UnixMilli())<<16) //nolint:gosec // after 1970
	if _, err := io.ReadFull(random, key[6:]); err != nil {
		return "", fmt.Errorf("ref.NewKey: %w", err)
	}
	return crockford.EncodeToString(key[:]), nil
}

// NewCode makes a code of n letters and digits, five random bits each.
func NewCode(random io.Reader, n int) (string, error) {
	bits := make([]byte, (n*5+7)/8)
	if _, err := io.ReadFull(random, bits); err != nil {
		return "", fmt.Errorf("ref.NewCode: %w", err)
	}
	return crockford.EncodeToString(bits)[:n], nil
}

// NewNumber makes a number for people: what it numbers, the day (2026-11-23) and
// 50 random bits, so that nobody finds other people's by counting.
func NewNumber(prefix, day string, random io.Reader) (string, error) {
	code, err := NewCode(random, 10)
	return prefix + strings.ReplaceAll(day, "-", "") + "-" + code, err
}

// Prefix gives the part of an identity that names the type, or "".
func Prefix(id string) string {
	prefix, _, ok := strings.Cut(id, "_")
	if !ok {
		return ""
	}
	return prefix
}

// Code gives the code in an identity: dep_samr → samr, itm_biz-reg_2 → biz-reg.
func Code(id string) string {
	prefix, rest, _ := strings.Cut(id, "_")
	switch prefix {
	case "itm", "sch", "std", "jst":
		return rest[:strings.LastIndexByte(rest, '_')]
	}
	return rest
}

// Version gives the version in an identity that ends with one.
func Version(id string) int {
	n, _ := strconv.Atoi(id[strings.LastIndexByte(id, '_')+1:])
	return n
}

func versioned(code string, version int) string { return code + "_" + strconv.Itoa(version) }
