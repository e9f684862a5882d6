/** One snapshot: the head, with the server's time behind it if there is a due, and the entries that are not known. */
export const GET: string = `
local room = tonumber(words())
local wanted, known = {''}, {}
for i = 2, tonumber(words()) + 1 do wanted[i], known[i] = words(), words() end
local found = call('HMGET', key, unpack(wanted))
for i = 2, #wanted do
  local entry = found[i]
  if entry then
    local rev = string.match(entry, '^[^ +]+')
    if rev == known[i] then
      found[i] = ''
    else
      if string.byte(entry, #rev + 1) == 43 then
        entry = call('HGET', key, ' ' .. wanted[i])
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
  found[1] = head .. ' ' .. string.format('%d', now())
end
return found
`;

/** A page of entries in order of their keys: key, entry, key, entry and so on. */
export const LIST: string = `
local low, high, limit, room = words(), words(), words(), tonumber(words())
local order = string.gsub(key, '}:p:', '}:k:', 1)
local keys = call('ZRANGEBYLEX', order, low, high, 'LIMIT', 0, limit)
if #keys == 0 then return keys end
local found = call('HMGET', key, unpack(keys))
local page = {}
for i, name in ipairs(keys) do
  local entry = found[i]
  if entry then
    local large = string.find(entry, '^[^ +]+%+')
    if large then entry = call('HGET', key, ' ' .. name) end
    if not entry then return redis.error_reply('CORRUPT large value is missing') end
    page[#page + 1] = name
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
 */
export const SCAN: string = `
local head, tail = words(), words()
local from, after, low, high = words(), words(), words(), words()
local limit, at_once = tonumber(words()), tonumber(words())
local keys = many()
for i, bucket in ipairs(keys) do keys[i] = head .. bucket .. tail end
if high == 'now' then high = string.format('%d', now()) end

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

local lists = {}
-- Most are not there, and one command tells so for many; in a cluster a command has keys of one slot alone.
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
