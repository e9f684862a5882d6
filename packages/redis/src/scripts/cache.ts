/** A cached value with its expiry in front; nothing if that has passed. */
export const CACHE_GET: string = `
local cached = call('HGET', key, words())
return cached and tonumber(string.match(cached, '^%d+')) > now() and cached
`;

/**
 * Caches a value in the hash of its partition, which lives as long as what is in it. Redis 7 has no expiry of fields: each
 * set looks at a few and removes those that are over, so that they stay a minority.
 */
export const CACHE_SET: string = `
local field, ttl, cached = words(), tonumber(words()), value()
local time = now()
if ttl <= 0 then return call('HDEL', key, field) end
call('HSET', key, field, string.format('%d ', time + ttl) .. cached)
if call('PTTL', key) < ttl then call('PEXPIRE', key, ttl) end
for _, some in ipairs(call('HRANDFIELD', key, 3)) do
  local expires = tonumber(string.match(call('HGET', key, some), '^%d+'))
  if expires <= time then call('HDEL', key, some) end
end
return 1
`;

/** Forgets what is cached for a partition. */
export const CACHE_CLEAR: string = `
return call('UNLINK', key)
`;
