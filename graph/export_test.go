package graph

// What the tests look at directly.
var (
	Mask          = mask
	Fingerprint   = fingerprint
	Present       = present
	IsPublicField = func(name string) bool { return publicFields[name] }
)
