import type { Entry, Key, Snapshot, Store } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { agree, type Call, listAll, make, type Outcome, sameEntries, sameSnapshot } from './calls.js';
import { describeCall, describeOutcome } from './describe.js';
import type { Draft } from './drafts.js';
import { Resolver } from './resolver.js';

/** One run on a store. */
export interface Play {
  /** Clients of the same data, which take turns. */
  readonly clients: readonly Store[];
  /** The calls of a round are made at once. */
  readonly rounds: readonly (readonly Draft[])[];
  /** A name of a partition that was never used: the run's own are it and some that begin with it. */
  readonly base: string;
  /** How long a scan may need until it shows what is so. */
  readonly scanWithinMs: number;
}

/** The store did what the model does not allow. */
export class Difference extends Error {
  override readonly name = 'Difference';
}

/**
 * Plays a run on the store and on the model.
 *
 * @returns how many calls were made
 * @throws Difference
 */
export async function play({ clients, rounds, base, scanWithinMs }: Play): Promise<number> {
  const [first] = clients as [Store];
  const places = [base, `${base}/`, `${base}0`];
  const resolver = new Resolver(base, places, first.limits);
  const lines: string[] = [];
  const differ = (what: string): Difference => new Difference([...lines, what].join('\n').replaceAll(base, 'p'));
  const applied: Call[] = [];
  let model: Store = new MemoryStore();
  let turn = 0;
  for (const round of rounds) {
    const calls: Call[] = [];
    for (const draft of round) calls.push(await resolver.resolve(draft, model));
    const who = calls.map(() => turn++ % clients.length);
    const outcomes = await Promise.all(
      calls.map(async (call, i) => {
        try {
          return await makeAndSpoil(clients[who[i] as number] as Store, call);
        } catch (error) {
          throw differ(`  client ${who[i]}: ${describeCall(call)} -> ${String(error)}`);
        }
      }),
    );
    for (const [i, call] of calls.entries()) {
      const together = calls.length > 1 ? 'at once, ' : '';
      lines.push(`  ${together}client ${who[i]}: ${describeCall(call)} -> ${describeOutcome(outcomes[i] as Outcome)}`);
    }
    if (calls.length === 1) {
      const [call, outcome] = [calls[0] as Call, outcomes[0] as Outcome];
      const expected = await make(model, askedInFull(call));
      if (!agree(call, outcome, expected) && !(await agreesLater(first, call, expected, scanWithinMs)))
        throw differ(`  the model gives ${describeOutcome(expected)}`);
      applied.push(call);
    } else {
      const touched = [...new Set(calls.flatMap((call) => ('partition' in call ? [call.partition] : [])))];
      const states = await Promise.all(touched.map((place) => read(first, place, differ)));
      const found = await serialOrder(applied, calls, outcomes, states);
      if (found === undefined)
        throw differ(`  no order of these calls gives these answers and ${describeStates(states)}`);
      applied.push(...found.order);
      model = found.model;
    }
    for (const outcome of outcomes) spoil(outcome);
  }
  const states = await Promise.all(places.map((place) => read(first, place, differ)));
  if (!(await holds(model, states)))
    throw differ(
      `  at the end there is ${describeStates(states)}\n` +
        `  in the model ${describeStates(await Promise.all(places.map((place) => read(model, place, differ))))}`,
    );
  await forget(first, base, states).catch((error) => {
    throw differ(`  deleting and dropping all of it -> ${String(error)}`);
  });
  return turn;
}

/** What a caller gave is its own again as soon as the call was made: whoever kept it keeps nothing. */
function makeAndSpoil(store: Store, call: Call): Promise<Outcome> {
  if (call.method !== 'commit') return make(store, call);
  const { puts = [], appends = [] } = call.commit;
  const commit = {
    ...call.commit,
    puts: puts.map(({ key, value }) => ({ key, value: new Uint8Array(value) })),
    appends: appends.map((value) => new Uint8Array(value)),
  };
  const outcome = make(store, { ...call, commit });
  for (const value of [...commit.puts.map((put) => put.value), ...commit.appends]) value.fill(SPOILT);
  return outcome;
}

/** And so is what the store gave. */
function spoil(outcome: Outcome): void {
  if ('snapshot' in outcome) for (const entry of outcome.snapshot.entries) entry?.value?.fill(SPOILT);
  if ('listed' in outcome) for (const { value } of outcome.listed) value.fill(SPOILT);
  if ('cached' in outcome) outcome.cached?.fill(SPOILT);
}

const SPOILT = 33;

/** A scan may lag: it is asked again until it shows what is so. */
async function agreesLater(store: Store, call: Call, expected: Outcome, withinMs: number): Promise<boolean> {
  if (call.method !== 'scan') return false;
  for (const late = performance.now() + withinMs; performance.now() < late; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (agree(call, await make(store, call), expected)) return true;
  }
  return false;
}

/** An order in which calls that were made at once give what they gave, and lead to where they led. */
async function serialOrder(
  before: readonly Call[],
  calls: readonly Call[],
  outcomes: readonly Outcome[],
  states: readonly State[],
): Promise<{ readonly order: readonly Call[]; readonly model: Store } | undefined> {
  // A healthy store may still be too busy for one of many; that one was not applied then.
  const made = [...calls.keys()].filter((i) => {
    const outcome = outcomes[i] as Outcome;
    return !('rejected' in outcome && outcome.rejected === 'unavailable');
  });
  for (const order of permutations(made)) {
    const model = new MemoryStore();
    for (const call of before) if (call.method === 'commit') await make(model, call);
    let agrees = true;
    for (const i of order) {
      const call = calls[i] as Call;
      agrees &&= agree(call, outcomes[i] as Outcome, await make(model, askedInFull(call)));
    }
    if (agrees && (await holds(model, states))) return { order: order.map((i) => calls[i] as Call), model };
  }
  return undefined;
}

function* permutations(items: readonly number[]): Generator<readonly number[]> {
  if (items.length === 0) yield [];
  for (const item of items)
    for (const rest of permutations(items.filter((other) => other !== item))) yield [item, ...rest];
}

/** The model tells all values: whether one may stay out is judged by what the store was told. */
function askedInFull(call: Call): Call {
  return call.method === 'get' ? { ...call, known: [] } : call;
}

/** All that a partition holds, by `list` and by `get`. */
interface State {
  readonly place: string;
  readonly entries: readonly Entry[];
  readonly keys: readonly Key[];
  readonly snapshot: Snapshot;
}

const PAGE = 100;
/** Every store takes a get of so many keys. */
const READ = 10;

async function read(store: Store, place: string, differ: (what: string) => Difference): Promise<State> {
  try {
    const entries = await listAll(store, place, '', PAGE);
    const keys = entries.map(({ key }) => key).slice(0, READ);
    return { place, entries, keys, snapshot: await store.get(place, keys) };
  } catch (error) {
    throw differ(`  reading all of ${place} -> ${String(error)}`);
  }
}

async function holds(model: Store, states: readonly State[]): Promise<boolean> {
  for (const { place, entries, keys, snapshot } of states) {
    if (!sameEntries(entries, await listAll(model, place, '', PAGE))) return false;
    if (!sameSnapshot(snapshot, await model.get(place, keys), [])) return false;
  }
  return true;
}

function describeStates(states: readonly State[]): string {
  return states
    .map(
      ({ place, entries, snapshot }) =>
        `in ${place} ${describeOutcome({ listed: entries })}, read as ${describeOutcome({ snapshot })}`,
    )
    .join(', ');
}

/** A later scan need not walk through what this run left. */
async function forget(store: Store, base: string, states: readonly State[]): Promise<void> {
  const most = store.limits.commitOps;
  await Promise.all(
    states.map(async ({ place, entries, snapshot }, n) => {
      if (entries.length === 0 && snapshot.seq === 0 && snapshot.dueIn === null) return;
      for (let i = 0; i === 0 || i < entries.length; i += most) {
        const deletes = entries.slice(i, i + most).map(({ key }) => key);
        await store.commit(place, { id: `${base}.end${n}.${i}`, deletes, drop: i + most >= entries.length });
      }
    }),
  );
}
