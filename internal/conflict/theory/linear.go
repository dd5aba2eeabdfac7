package theory

import (
	"context"
	"math/big"
	"slices"

	"github.com/onedoor/onedoor/internal/conflict/sat"
)

type verdict uint8

const (
	settled  verdict = iota // every integer has its value
	again                   // the solver was told something new
	hopeless                // out of context
)

// settle gives every integer a value in its interval of the propositional model
// such that every sum is what its terms come to. Where that is impossible it
// teaches the solver why; where only fractions fit it splits a variable.
func (s *Solver) settle(ctx context.Context) verdict {
	for i := range s.ints {
		x := &s.ints[i]
		if x.terms != nil {
			continue
		}
		lo, hi := s.bounds(x)
		x.value = nearest(lo, hi, x.hint, x.unit)
	}
	if len(s.linear) == 0 {
		return settled
	}
	// Sums whose interval the chosen values already meet need no arithmetic, if
	// all of them do.
	fits := true
	for _, v := range s.linear {
		x := &s.ints[v]
		x.value = 0
		for _, t := range x.terms {
			x.value += t.Factor * s.ints[t.Var].value
		}
		lo, hi := s.bounds(x)
		fits = fits && lo <= x.value && x.value <= hi
	}
	if fits {
		return settled
	}
	return s.simplex(ctx)
}

// simplex is the general simplex method with exact fractions: sums are rows over
// the variables, both have bounds; a row that cannot be brought into its bounds
// explains itself by the bounds that hold it.
func (s *Solver) simplex(ctx context.Context) verdict {
	var columns []Var // variables that stand in sums, then the sums
	index := map[Var]int{}
	for _, v := range s.linear {
		for _, t := range s.ints[v].terms {
			if _, known := index[t.Var]; !known {
				index[t.Var] = len(columns)
				columns = append(columns, t.Var)
			}
		}
	}
	structural := len(columns)
	columns = append(columns, s.linear...)
	n := len(columns)
	lower, upper, value := make([]*big.Rat, n), make([]*big.Rat, n), make([]*big.Rat, n)
	lows, highs := make([]int64, n), make([]int64, n)
	for i, v := range columns {
		lows[i], highs[i] = s.bounds(&s.ints[v])
		lower[i], upper[i] = new(big.Rat).SetInt64(lows[i]), new(big.Rat).SetInt64(highs[i])
		value[i] = new(big.Rat).SetInt64(s.ints[v].value)
	}
	// rows[r][c] is the factor of column c in the row of basic[r].
	basic := make([]int, 0, len(s.linear))
	rowOf := make([]int, n)
	for i := range rowOf {
		rowOf[i] = -1
	}
	rows := make([][]*big.Rat, 0, len(s.linear))
	for k, v := range s.linear {
		row := make([]*big.Rat, n)
		for _, t := range s.ints[v].terms {
			row[index[t.Var]] = new(big.Rat).SetInt64(t.Factor)
		}
		rowOf[structural+k] = len(rows)
		basic = append(basic, structural+k)
		rows = append(rows, row)
	}
	for step := 0; ; step++ {
		if step%64 == 63 && ctx.Err() != nil || step > 20_000 {
			return hopeless
		}
		// The least basic variable out of its bounds (Bland's rule: no cycling).
		out, up := -1, false
		for _, b := range basic {
			if out >= 0 && b >= out {
				continue
			}
			if value[b].Cmp(lower[b]) < 0 {
				out, up = b, true
			} else if value[b].Cmp(upper[b]) > 0 {
				out, up = b, false
			}
		}
		if out < 0 {
			break
		}
		row := rows[rowOf[out]]
		in := -1
		for c := range n {
			if row[c] == nil || row[c].Sign() == 0 || rowOf[c] >= 0 {
				continue
			}
			rises := (row[c].Sign() > 0) == up
			if rises && value[c].Cmp(upper[c]) < 0 || !rises && value[c].Cmp(lower[c]) > 0 {
				in = c
				break
			}
		}
		if in < 0 {
			var why []sat.Lit
			blame := func(c int, high bool) {
				if high {
					why = append(why, s.LE(columns[c], highs[c]).Not())
				} else {
					why = append(why, s.GE(columns[c], lows[c]).Not())
				}
			}
			blame(out, !up)
			for c := range n {
				if row[c] != nil && row[c].Sign() != 0 && rowOf[c] < 0 {
					blame(c, (row[c].Sign() > 0) == up)
				}
			}
			s.sat.Add(why...)
			return again
		}
		target := upper[out]
		if up {
			target = lower[out]
		}
		change := new(big.Rat).Sub(target, value[out])
		change.Quo(change, row[in])
		value[in] = new(big.Rat).Add(value[in], change)
		value[out] = target
		for r, b := range basic {
			if b != out && rows[r][in] != nil && rows[r][in].Sign() != 0 {
				value[b] = new(big.Rat).Add(value[b], new(big.Rat).Mul(rows[r][in], change))
			}
		}
		pivot(rows, rowOf, basic, out, in)
	}
	for c := range structural {
		if !value[c].IsInt() {
			// Cut between the two neighbouring integers; the search takes a side.
			below := new(big.Int).Div(value[c].Num(), value[c].Denom())
			s.LE(columns[c], below.Int64())
			return again
		}
		s.ints[columns[c]].value = value[c].Num().Int64()
	}
	for _, v := range s.linear {
		x := &s.ints[v]
		x.value = 0
		for _, t := range x.terms {
			x.value += t.Factor * s.ints[t.Var].value
		}
	}
	return settled
}

// pivot swaps a basic and a nonbasic variable.
func pivot(rows [][]*big.Rat, rowOf, basic []int, out, in int) {
	r := rowOf[out]
	row := rows[r]
	inverse := new(big.Rat).Inv(row[in])
	for c := range row {
		if c != in && row[c] != nil {
			row[c] = new(big.Rat).Neg(new(big.Rat).Mul(row[c], inverse))
		}
	}
	row[in] = nil
	row[out] = inverse
	for q := range rows {
		factor := rows[q][in]
		if q == r || factor == nil || factor.Sign() == 0 {
			continue
		}
		rows[q][in] = nil
		for c := range row {
			if row[c] == nil {
				continue
			}
			add := new(big.Rat).Mul(factor, row[c])
			if rows[q][c] != nil {
				add.Add(add, rows[q][c])
			}
			rows[q][c] = add
		}
	}
	basic[r] = in
	rowOf[in], rowOf[out] = r, -1
}

// nearest gives the value of an interval that lies next to the hint and reads
// well: a multiple of the unit, or of a tenth of it, and so on.
func nearest(lo, hi, hint, unit int64) int64 {
	if lo <= hint && hint <= hi {
		return hint
	}
	for ; unit > 1; unit /= 10 {
		value := floorDiv(hi, unit) * unit
		if hint < lo {
			value = -floorDiv(-lo, unit) * unit
		}
		if lo <= value && value <= hi {
			return value
		}
	}
	if hint < lo {
		return lo
	}
	return hi
}

// Terms gives the terms of a sum, and nothing for other variables.
func (s *Solver) Terms(v Var) []Term { return slices.Clone(s.ints[v].terms) }
