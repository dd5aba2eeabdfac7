package limit

// Len is how many buckets are kept.
func (l *Limiter) Len() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.full) }
