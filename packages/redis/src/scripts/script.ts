import { createHash } from 'node:crypto';
import { CACHE_CLEAR, CACHE_GET, CACHE_SET } from './cache.js';
import { COMMIT } from './commit.js';
import { GET, LIST, SCAN } from './reads.js';

/** A script that runs in the server. */
export interface Script {
  readonly source: string;
  /** By which the server knows it. */
  readonly sha: string;
}

const READS = '#!lua flags=no-writes';

type Name = 'commit' | 'get' | 'list' | 'scan' | 'cacheGet' | 'cacheSet' | 'cacheClear';

export const scripts: Readonly<Record<Name, Script>> = {
  commit: script(COMMIT),
  get: script(GET, READS),
  list: script(LIST, READS),
  // One call does for all the buckets of a server: a script without a shebang may touch keys of several slots.
  scan: script(SCAN, ''),
  cacheGet: script(CACHE_GET, READS),
  cacheSet: script(CACHE_SET),
  cacheClear: script(CACHE_CLEAR),
};

/**
 * Makes a script of a function's body, which is run for each of many requests in turn: one round trip, and one command, for
 * what is asked for at the same time. An error of one harms no other.
 *
 * What a request says is not in arguments of its own, of which it would have dozens: ARGV[1] has all words of all requests,
 * each with a space behind it, and ARGV[2] all values, one behind the other. The body calls `words()` for the next word and
 * `value()` for the next value, whose size is a word; it takes all of its own before anything in it can fail. It is given
 * the first of its keys.
 *
 * Answers with a list of answers, and a list of errors: index, message, index, message and so on.
 */
function script(body: string, shebang = '#!lua'): Script {
  const source = `${shebang}
local call = redis.call
local words = string.gmatch(ARGV[1], '(%S*) ')
local values, at = ARGV[2], 0
local function value()
  local from = at + 1
  at = at + tonumber(words())
  return string.sub(values, from, at)
end
local function many()
  local list = {}
  for i = 1, tonumber(words()) do list[i] = words() end
  return list
end
local function now()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function run(key)${body}end

local count = tonumber(words())
local answers, errors = {}, {}
for i = 1, count do
  local ok, answer = pcall(run, KEYS[(i - 1) * #KEYS / count + 1])
  local message = not ok and answer or type(answer) == 'table' and answer.err
  if message then
    errors[#errors + 1] = i
    errors[#errors + 1] = tostring(type(message) == 'table' and message.err or message)
  end
  -- Redis ends a list at the first nil.
  answers[i] = not message and answer or false
end
return {answers, errors}
`;
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}
