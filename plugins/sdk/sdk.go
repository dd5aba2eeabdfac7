// Package sdk is all that the author of a department's plugin imports.
//
//	func main() {
//		sdk.Serve(sdk.Plugin{
//			Name: "parking", Version: "1.0.0", Department: "urban",
//			Checks: []sdk.Check{{
//				ID:      "spaces",
//				Clauses: []string{"URBAN-PARK-01"},
//				Facts:   []string{"floor_area", "parking_spaces"},
//				Run: func(_ context.Context, c *sdk.Case) []sdk.Finding {
//					need := c.Number("floor_area").Div(sdk.Whole(100)).Ceil()
//					if c.Int("parking_spaces") >= need {
//						return []sdk.Finding{sdk.Pass("URBAN-PARK-01")}
//					}
//					return []sdk.Finding{sdk.Fail("URBAN-PARK-01", "TOO_FEW_SPACES").
//						Say("spaces.too_few", "need", need).
//						Under("宁波市停车场规划建设和管理条例", "第十二条")}
//				},
//			}},
//		})
//	}
//
// The day, chance and the case's facts and files are inputs: a check reads no
// clock, no random source and no network (the sandbox has none), so that the same
// question gets the same answer for ever and a finding can be replayed.
package sdk

import "context"

// Plugin is a department's set of checks.
type Plugin struct {
	Name       string // lower-case letters, digits and hyphens: "fire"
	Version    string // semantic: "1.4.0"
	Department string // the code of the department that answers for it
	Checks     []Check
}

// Check judges some clauses of a case.
type Check struct {
	ID      string   // unique in the plugin: "exit-width"
	Clauses []string // codes of the clauses that it judges; it may find nothing on others

	// Facts are needed: without one of them the check is not run, and each of its
	// clauses gets NEEDS_FACTS. OptionalFacts may be unknown. A check that reads any
	// other fact fails.
	Facts         []string
	OptionalFacts []string

	// Materials are the codes of those of which the check reads what is known;
	// Contents of those that it opens.
	Materials []string
	Contents  []string

	// OnFailure is what the department wishes to happen to a case when the check
	// cannot be run. The central team decides.
	OnFailure Policy

	// Impure says that the answer depends on more than the question. Such a check is
	// not asked again when a call was lost, and its findings cannot be replayed.
	Impure bool

	// SelfTest is asked after each start, before the plugin is trusted.
	SelfTest *SelfTest

	// Run judges. It is called concurrently, stops when ctx is done, and gives at
	// least one finding. A panic is an error of this check alone.
	Run func(ctx context.Context, c *Case) []Finding
}

// SelfTest is a question with its answer.
type SelfTest struct {
	Given Question
	Want  []Finding
}

// Policy is what happens to a case when a check cannot be run.
type Policy int

// The policies.
const (
	Refer   Policy = iota // an officer judges the clauses by hand
	Reject                // the submission is not taken until the check has been run
	Proceed               // the case goes on, with a note
)

// Trust grades a material by who vouches for it (国办函〔2016〕108号).
type Trust string

// The grades.
const (
	TrustA Trust = "A" // from an agency
	TrustB Trust = "B" // verified by the window
	TrustC Trust = "C" // uploaded, the original still to be seen
	TrustD Trust = "D" // made by the applicant, with a commitment
)
