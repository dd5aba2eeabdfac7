// Package district describes who and where: departments, the tree of regions,
// and the functional zones that planning standards speak of.
package district

// Department is a body with a part in approvals. Role is its part: approver,
// coordinator, intake, assistant, utility, supervisor or reviewer.
type Department struct {
	Code   string `yaml:"id" json:"code"`
	Name   string `yaml:"name" json:"name"`
	NameEN string `yaml:"en,omitempty" json:"name_en,omitempty"`
	Role   string `yaml:"role" json:"role"`
	Duties string `yaml:"duties,omitempty" json:"duties,omitempty"`
	Note   string `yaml:"note,omitempty" json:"note,omitempty"`
}

// Region is a node of the tree district → street or town → community or
// village. The root has no parent.
type Region struct {
	Code       string  `yaml:"id" json:"code"`
	Name       string  `yaml:"name" json:"name"`
	Kind       string  `yaml:"kind" json:"kind"`
	Parent     *string `yaml:"parent" json:"parent"`
	Confidence string  `yaml:"confidence,omitempty" json:"confidence,omitempty"`
	Note       string  `yaml:"note,omitempty" json:"note,omitempty"`
}

// Zone is a functional area. A zone of one place names its region.
type Zone struct {
	Code       string  `yaml:"id" json:"code"`
	Name       string  `yaml:"name" json:"name"`
	NameEN     string  `yaml:"en,omitempty" json:"name_en,omitempty"`
	Region     *string `yaml:"region" json:"region"`
	Basis      string  `yaml:"basis,omitempty" json:"basis,omitempty"`
	Confidence string  `yaml:"confidence,omitempty" json:"confidence,omitempty"`
}
