/**
 * Applies a commit, or answers with the keys whose check failed.
 *
 * Redis never takes back what a script wrote before it failed. So everything that can fail comes before the first write:
 * checks, damaged heads, and keys of a foreign type. The first write is to `dues`: should that be of a foreign type, it fails, and nothing is written yet.
 */
export const COMMIT: string = `
local entries = key
local tag, partition = string.match(entries, '^(.-}):p:(.*)$')
local order, dues, names = tag .. ':k:' .. partition, tag .. ':due', tag .. ':names'
local id, seq_is, mode, ms = words(), words(), words(), words()
local wanted, revs = {'', ' '}, {}
for i = 1, tonumber(words()) do wanted[i + 2], revs[i] = words(), words() end
local puts, appends = {}, {}
for i = 1, 2 * tonumber(words()), 2 do puts[i], puts[i + 1] = words(), id .. ' ' .. value() end
for i = 1, tonumber(words()) do appends[i] = id .. ' ' .. value() end
local deletes = many()
local touches_head = mode ~= '' or #appends > 0

local found = call('HMGET', entries, unpack(wanted))
local has_large = found[2]
local failed = {}
for i, wanted_rev in ipairs(revs) do
  local entry = found[i + 2]
  local rev = entry and string.match(entry, '^[^ +]+') or ''
  if rev ~= wanted_rev then failed[#failed + 1] = wanted[i + 2] end
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
  if #deletes > 0 then
    local seen = {}
    for i, score in ipairs(call('ZMSCORE', order, unpack(deletes))) do
      if score and not seen[deletes[i]] then
        seen[deletes[i]] = true
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
    due = now() + tonumber(ms)
  end
  local due_text = due and string.format('%d', due) or ''
  if due ~= before then
    if due then call('ZADD', dues, due_text, partition) else call('ZREM', dues, partition) end
  end
  if not head then call('ZADD', names, 0, partition) end
  fields[1], fields[2] = '', string.format('%d', seq + #appends) .. ' ' .. due_text
end

local new_large = false
local small, ordered = {}, {}
local function add(name, entry)
  ordered[#ordered + 1] = 0
  ordered[#ordered + 1] = name
  fields[#fields + 1] = name
  if #entry > 1024 then
    new_large = true
    fields[#fields + 1] = id .. '+'
    fields[#fields + 1] = ' ' .. name
  else
    small[#small + 1] = ' ' .. name
  end
  fields[#fields + 1] = entry
end
for i = 1, #puts, 2 do add(puts[i], puts[i + 1]) end
for i, entry in ipairs(appends) do add(string.format('q/%016d', seq + i), entry) end
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
if #deletes > 0 and call('HDEL', entries, unpack(deletes)) > 0 then
  call('ZREM', order, unpack(deletes))
  if has_large then
    for _, gone in ipairs(deletes) do call('HDEL', entries, ' ' .. gone) end
  end
end
return seq + #appends
`;
