package sdk

import "slices"

// Truth is what the facts say about a condition: it holds, it does not, or it
// cannot be told before more facts are known. The unknown is never false: All and
// Any reckon as a lawyer does, who needs no further fact once one settles the
// matter. The zero value is unknown.
type Truth struct {
	known, holds bool
	missing      []string
}

// That is the truth of a condition on what is known.
func That(holds bool) Truth { return Truth{known: true, holds: holds} }

// Unknown is the truth of a condition that needs these facts.
func Unknown(facts ...string) Truth { return Truth{missing: slices.Clone(facts)} }

// Yes says that the condition holds for certain.
func (t Truth) Yes() bool { return t.known && t.holds }

// No says that the condition does not hold for certain.
func (t Truth) No() bool { return t.known && !t.holds }

// Not turns yes into no and leaves the unknown unknown.
func (t Truth) Not() Truth {
	t.holds = t.known && !t.holds
	return t
}

// Missing are the facts that could still decide, each once, sorted.
func (t Truth) Missing() []string { return slices.Clone(t.missing) }

// All holds when every condition holds, and does not as soon as one does not.
func All(conditions ...Truth) Truth {
	all := That(true)
	for _, t := range conditions {
		if t.No() {
			return t
		}
		all = all.with(t)
	}
	return all
}

// Any holds as soon as one condition holds, and does not when none does.
func Any(conditions ...Truth) Truth {
	some := That(false)
	for _, t := range conditions {
		if t.Yes() {
			return t
		}
		some = some.with(t)
	}
	return some
}

// with keeps what is unknown in either.
func (t Truth) with(other Truth) Truth {
	if other.known {
		return t
	}
	missing := slices.Concat(t.missing, other.missing)
	slices.Sort(missing)
	return Truth{missing: slices.Compact(missing)}
}

// Holds is the truth of a BOOL fact.
func (c *Case) Holds(key string) Truth {
	v, known := c.OptionalBool(key)
	if !known {
		return Unknown(key)
	}
	return That(v)
}

// Is says whether an ENUM fact has one of these values.
func (c *Case) Is(key string, choices ...string) Truth {
	v, known := c.OptionalChoice(key)
	if !known {
		return Unknown(key)
	}
	return That(slices.Contains(choices, v))
}

// AtLeast says whether a NUMBER or INT fact is ≥ a limit.
func (c *Case) AtLeast(key string, limit Decimal) Truth {
	v, known := c.OptionalNumber(key)
	if !known {
		return Unknown(key)
	}
	return That(v.AtLeast(limit))
}

// AtMost says whether a NUMBER or INT fact is ≤ a limit.
func (c *Case) AtMost(key string, limit Decimal) Truth {
	v, known := c.OptionalNumber(key)
	if !known {
		return Unknown(key)
	}
	return That(limit.AtLeast(v))
}

// Above says whether a NUMBER or INT fact is > a limit.
func (c *Case) Above(key string, limit Decimal) Truth { return c.AtMost(key, limit).Not() }

// Below says whether a NUMBER or INT fact is < a limit.
func (c *Case) Below(key string, limit Decimal) Truth { return c.AtLeast(key, limit).Not() }

// NotApplicable says that a clause does not apply.
func NotApplicable(clause string) Finding {
	f := Pass(clause)
	f.Code = "NOT_APPLICABLE"
	return f
}

// Judge finds on a clause from whether it applies and whether it is met. What is
// not known and could still matter is NEEDS_FACTS; fail words the failure.
func Judge(clause string, applies, met Truth, fail func() Finding) Finding {
	switch {
	case applies.No():
		return NotApplicable(clause)
	case met.Yes():
		return Pass(clause)
	case applies.Yes() && met.No():
		return fail()
	case met.No():
		return NeedsFacts(clause, applies.Missing()...)
	default:
		return NeedsFacts(clause, All(applies, met).Missing()...)
	}
}
