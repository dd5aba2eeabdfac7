package cache

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// bucketScript keeps a bucket as the instant at which it is full again, in
// microseconds of the server's own clock: one key, one round trip, no clocks to
// agree (the generic cell rate algorithm).
var bucketScript = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, burst, spend = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local after = full + interval
if after - now > burst * interval then
	return {0, string.format('%.0f', full - now)}
end
if spend == 1 then
	redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', string.format('%.0f', math.ceil((after - now) / 1000) + 1))
	full = after
end
return {1, string.format('%.0f', full - now)}
`)

// Buckets are buckets that all instances share.
type Buckets struct{ Cache *Cache }

// Take takes one from the bucket of a key that holds burst and gets one back
// every interval; without spend it only looks. It gives whether there was one,
// and how long the bucket takes to be full.
func (b Buckets) Take(ctx context.Context, key string, interval time.Duration, burst int, spend bool) (taken bool, untilFull time.Duration, err error) {
	one := 0
	if spend {
		one = 1
	}
	got, err := bucketScript.Run(ctx, b.Cache.client, []string{"limit:" + key}, interval.Microseconds(), burst, one).Slice()
	if err != nil {
		return false, 0, fmt.Errorf("cache.Take: %w", err)
	}
	ok, _ := got[0].(int64)
	text, _ := got[1].(string)
	var micros int64
	if _, err := fmt.Sscan(text, &micros); err != nil {
		return false, 0, fmt.Errorf("cache.Take: %v: %w", got, err)
	}
	return ok == 1, time.Duration(micros) * time.Microsecond, nil
}
