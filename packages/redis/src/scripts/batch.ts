/**
 * Makes of a script another one that runs it for many requests in turn, each with keys and arguments of its own: one
 * round trip, and one command, for what is asked for at the same time. An error of one harms no other.
 *
 * ARGV: how many requests; for each, how many keys, how many arguments, and the arguments. Answers with a list of their
 * answers, and a list of errors: index, message, index, message and so on.
 */
export function batchOf(source: string): string {
  const end = source.indexOf('\n');
  return `${source.slice(0, end)}
local function run(KEYS, ARGV)${source.slice(end)}end

local answers, errors = {}, {}
local key, arg = 1, 2
for i = 1, tonumber(ARGV[1]) do
  local keys, args = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
  local ok, answer = pcall(run, {unpack(KEYS, key, key + keys - 1)}, {unpack(ARGV, arg + 2, arg + args + 1)})
  key = key + keys
  arg = arg + 2 + args
  local message = not ok and answer or type(answer) == 'table' and answer.err
  if message then
    errors[#errors + 1] = i
    errors[#errors + 1] = tostring(type(message) == 'table' and message.err or message)
  end
  answers[i] = not message and answer
end
return {answers, errors}
`;
}
