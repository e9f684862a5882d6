/** One snapshot: the head, with the server's time behind it if there is a due, and the entries that are not known. */
export const GET: string = `#!lua flags=no-writes
local call = redis.call
local keys = (#ARGV - 1) / 2
local room = tonumber(ARGV[1])
local found = call('HMGET', KEYS[1], '', unpack(ARGV, 2, keys + 1))
for i = 2, keys + 1 do
  local entry = found[i]
  if entry then
    local rev = string.match(entry, '^[^ +]+')
    if rev == ARGV[keys + i] then
      found[i] = ''
    else
      if string.byte(entry, #rev + 1) == 43 then
        entry = call('HGET', KEYS[1], ' ' .. ARGV[i])
        if not entry then return redis.error_reply('CORRUPT large value is missing') end
        found[i] = entry
      end
      room = room - #entry + #rev + 1
      if room < 0 then return redis.error_reply('TOOLARGE more than one get brings') end
    end
  end
end
local head = found[1]
if head and string.sub(head, -1) ~= ' ' then
  local time = call('TIME')
  found[1] = head .. ' ' .. string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
end
return found
`;

/** A page of entries in order of their keys: key, entry, key, entry and so on. */
export const LIST: string = `#!lua flags=no-writes
local call = redis.call
local room = tonumber(ARGV[4])
local keys = call('ZRANGEBYLEX', KEYS[2], ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
if #keys == 0 then return keys end
local found = call('HMGET', KEYS[1], unpack(keys))
local page = {}
for i, key in ipairs(keys) do
  local entry = found[i]
  if entry then
    local large = string.find(entry, '^[^ +]+%+')
    if large then entry = call('HGET', KEYS[1], ' ' .. key) end
    if not entry then return redis.error_reply('CORRUPT large value is missing') end
    page[#page + 1] = key
    page[#page + 1] = entry
    room = room - #entry
    if room <= 0 then break end
  end
end
return page
`;

/**
 * Looks through many buckets: what is due, most overdue first, or names with a prefix. Answers with one list for each
 * bucket that has any: name, score, name, score and so on, behind the cursor and at most so many.
 *
 * It names its keys itself, so that one call does for all the buckets of a server; hence no flags, which would forbid it.
 */
export const SCAN: string = `
local call = redis.call
local head, tail = ARGV[1], ARGV[2]
local from, after, low, high = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local limit = tonumber(ARGV[7])
if high == 'now' then
  local time = call('TIME')
  high = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
end

local function dues(key)
  local list = {}
  local offset = 0
  while #list < 2 * limit do
    local some = call('ZRANGEBYSCORE', key, from, high, 'WITHSCORES', 'LIMIT', offset, limit)
    for i = 1, #some, 2 do
      if #list < 2 * limit and (some[i + 1] ~= from or some[i] > after) then
        list[#list + 1] = some[i]
        list[#list + 1] = some[i + 1]
      end
    end
    if #some < 2 * limit then break end
    offset = offset + limit
  end
  return list
end
local function names(key)
  local list = {}
  for _, name in ipairs(call('ZRANGEBYLEX', key, low, high, 'LIMIT', 0, limit)) do
    list[#list + 1] = name
    list[#list + 1] = '0'
  end
  return list
end

local keys = {}
for bucket in string.gmatch(ARGV[8], '%d+') do keys[#keys + 1] = head .. bucket .. tail end
local lists = {}
-- Most are not there, and one command tells so for many; in a cluster a command has keys of one slot alone.
local at_once = tonumber(ARGV[9])
for i = 1, #keys, at_once do
  local last = math.min(i + at_once - 1, #keys)
  if at_once == 1 or call('EXISTS', unpack(keys, i, last)) > 0 then
    for j = i, last do
      local list = low == '' and dues(keys[j]) or low ~= '' and names(keys[j])
      if #list > 0 then lists[#lists + 1] = list end
    end
  end
end
return lists
`;
