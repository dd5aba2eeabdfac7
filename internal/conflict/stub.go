package conflict

func (r *run) gaps(map[int]bool)       {}
func (r *run) redundant(map[int]bool)  {}
func (r *run) duplicates(map[int]bool) {}
