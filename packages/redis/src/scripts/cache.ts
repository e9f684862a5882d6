/** A cached value with its expiry in front; nothing if that has passed. */
export const CACHE_GET: string = `#!lua flags=no-writes
local cached = redis.call('HGET', KEYS[1], ARGV[1])
if not cached then return false end
local time = redis.call('TIME')
local expires = tonumber(string.match(cached, '^%d+'))
return expires > time[1] * 1000 + math.floor(time[2] / 1000) and cached
`;

/**
 * Caches a value in the hash of its partition, which lives as long as what is in it. Redis 7 has no expiry of fields: each
 * set looks at a few and removes those that are over, so that they stay a minority.
 */
export const CACHE_SET: string = `#!lua
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[3])
if ttl <= 0 then return call('HDEL', KEYS[1], ARGV[1]) end
call('HSET', KEYS[1], ARGV[1], string.format('%d ', now + ttl) .. ARGV[2])
if call('PTTL', KEYS[1]) < ttl then call('PEXPIRE', KEYS[1], ARGV[3]) end
for _, key in ipairs(call('HRANDFIELD', KEYS[1], 3)) do
  local expires = tonumber(string.match(call('HGET', KEYS[1], key), '^%d+'))
  if expires <= now then call('HDEL', KEYS[1], key) end
end
return 1
`;

/** Forgets what is cached for a partition. */
export const CACHE_CLEAR: string = `#!lua
return redis.call('UNLINK', KEYS[1])
`;
