/**
 * Applies a commit, or answers with the keys whose check failed.
 *
 * Redis never takes back what a script wrote before it failed. So everything that can fail comes before the first write:
 * checks, damaged heads, and keys of a foreign type. What is first written to `dues` fails alone if it fails.
 */
export const COMMIT: string = `#!lua
local call = redis.call
local entries, order, dues, names = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local partition, id, seq_is, mode, ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local checks, puts, appends = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
-- Check keys, their revisions, pairs of put key and entry, entries to append, keys to delete.
local keys_at = 8
local revs_at = keys_at + checks
local puts_at = revs_at + checks
local appends_at = puts_at + 2 * puts
local deletes_at = appends_at + appends
local deletes = #ARGV - deletes_at
local touches_head = mode ~= '' or appends > 0

local found = call('HMGET', entries, '', ' ', unpack(ARGV, keys_at + 1, revs_at))
local has_large = found[2]
local failed = {}
for i = 1, checks do
  local entry = found[i + 2]
  local rev = entry and string.match(entry, '^[^ +]+') or ''
  if rev ~= ARGV[revs_at + i] then failed[#failed + 1] = ARGV[keys_at + i] end
end
local seq, due, head = 0, nil, found[1]
if head then
  local s, d = string.match(head, '^(%d+) (%-?%d*)$')
  if not s then return redis.error_reply('CORRUPT head of the partition') end
  seq, due = tonumber(s), tonumber(d)
end
if seq_is ~= '' and tonumber(seq_is) ~= seq then failed[#failed + 1] = '#seq' end
if #failed > 0 then return failed end

local in_order = call('ZCARD', order)
if touches_head and not head then call('ZSCORE', names, partition) end
if mode == 'drop' then
  if deletes > 0 then
    local seen = {}
    for i, score in ipairs(call('ZMSCORE', order, unpack(ARGV, deletes_at + 1, deletes_at + deletes))) do
      local key = ARGV[deletes_at + i]
      if score and not seen[key] then
        seen[key] = true
        in_order = in_order - 1
      end
    end
  end
  if in_order > 0 then return redis.error_reply('LEFT ' .. in_order .. ' entries') end
  call('ZREM', dues, partition)
  call('ZREM', names, partition)
  call('DEL', entries, order)
  return 0
end

local fields = {}
if touches_head then
  local before = due
  if mode == 'clear' then
    due = nil
  elseif mode == 'in' or (mode == 'ifnull' and not due) then
    local time = call('TIME')
    due = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ms)
  end
  local due_text = due and string.format('%d', due) or ''
  if due ~= before then
    if due then call('ZADD', dues, due_text, partition) else call('ZREM', dues, partition) end
  end
  if not head then call('ZADD', names, 0, partition) end
  fields[1], fields[2] = '', string.format('%d', seq + appends) .. ' ' .. due_text
end

local new_large = false
local small, ordered = {}, {}
local function add(key, entry)
  ordered[#ordered + 1] = 0
  ordered[#ordered + 1] = key
  fields[#fields + 1] = key
  if #entry > 1024 then
    new_large = true
    fields[#fields + 1] = id .. '+'
    fields[#fields + 1] = ' ' .. key
  else
    small[#small + 1] = ' ' .. key
  end
  fields[#fields + 1] = entry
end
for i = puts_at + 1, appends_at, 2 do add(ARGV[i], ARGV[i + 1]) end
for i = 1, appends do add(string.format('q/%016d', seq + i), ARGV[appends_at + i]) end
if new_large and not has_large then
  fields[#fields + 1] = ' '
  fields[#fields + 1] = '1'
end

local function each(command, key, list)
  local done = 0
  for i = 1, #list, 1000 do done = done + call(command, key, unpack(list, i, math.min(i + 999, #list))) end
  return done
end
if each('HSET', entries, fields) > 0 and #ordered > 0 then each('ZADD', order, ordered) end
if has_large then each('HDEL', entries, small) end
if deletes > 0 and call('HDEL', entries, unpack(ARGV, deletes_at + 1, deletes_at + deletes)) > 0 then
  call('ZREM', order, unpack(ARGV, deletes_at + 1, deletes_at + deletes))
  if has_large then
    for i = deletes_at + 1, deletes_at + deletes do call('HDEL', entries, ' ' .. ARGV[i]) end
  end
end
return seq + appends
`;
