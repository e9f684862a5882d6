import type { Call, Outcome } from './calls.js';

/** A call in one line. */
export function describeCall(call: Call): string {
  switch (call.method) {
    case 'commit': {
      const { id, checks = [], seqIs, puts = [], appends = [], deletes = [], due, drop } = call.commit;
      const parts = [
        ...checks.map(({ key, rev }) => `check ${key} is ${rev ?? 'absent'}`),
        ...(seqIs === undefined ? [] : [`check seq is ${seqIs}`]),
        ...puts.map(({ key, value }) => `put ${key}=${show(value)}`),
        ...appends.map((value) => `append ${show(value)}`),
        ...(deletes.length > 0 ? [`delete ${deletes.join(' ')}`] : []),
        ...(due === undefined ? [] : [`due ${JSON.stringify(due)}`]),
        ...(drop ? ['drop'] : []),
      ];
      return `commit ${id} in ${call.partition}: ${parts.join(', ') || 'nothing'}`;
    }
    case 'get':
      return `get in ${call.partition}: ${call.keys.map((key, i) => (call.known[i] ? `${key} known ${call.known[i]}` : key)).join(', ')}`;
    case 'list':
      return `list in ${call.partition}: ${JSON.stringify(call.prefix)} behind ${call.after ?? 'nothing'}, ${call.limit} a page`;
    case 'scan':
      return `scan ${JSON.stringify(call.query)}`;
    case 'cacheSet':
      return `cacheSet in ${call.partition}: ${call.key}=${show(call.value)}`;
    case 'cacheGet':
      return `cacheGet in ${call.partition}: ${call.key}`;
    case 'cacheClear':
      return `cacheClear in ${call.partition}`;
  }
}

/** What came of a call, in one line. */
export function describeOutcome(outcome: Outcome): string {
  if ('rejected' in outcome) return `rejected with ${outcome.rejected}: ${outcome.message}`;
  if ('committed' in outcome) return JSON.stringify(outcome.committed);
  if ('snapshot' in outcome) {
    const { seq, dueIn, entries } = outcome.snapshot;
    const shown = entries.map((entry) => (entry ? `${entry.key}@${entry.rev}=${show(entry.value)}` : 'absent'));
    return `seq ${seq}, due ${dueIn === null ? 'never' : `in ${Math.round(dueIn / 60_000)} min`}, [${shown.join(', ')}]`;
  }
  if ('listed' in outcome)
    return `[${outcome.listed.map(({ key, rev, value }) => `${key}@${rev}=${show(value)}`).join(', ')}]`;
  if ('scanned' in outcome) return `[${outcome.scanned.join(', ')}]`;
  if ('cached' in outcome) return outcome.cached === undefined ? 'nothing cached' : show(outcome.cached);
  return 'done';
}

const SHOWN = 12;

function show(value: Uint8Array | undefined): string {
  if (value === undefined) return '(as known)';
  const text = JSON.stringify(String.fromCharCode(...value.subarray(0, SHOWN)));
  return value.byteLength > SHOWN ? `${text}... of ${value.byteLength}` : text;
}
