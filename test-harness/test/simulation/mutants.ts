import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Limits } from '@motion-ts/core/store';
import { transform } from 'esbuild';
import type { Core } from '../../src/simulation/crew.js';
import { calm } from '../../src/simulation/faults.js';
import type { Plan } from '../../src/simulation/journal/plan.js';

/** A mistake in core that the simulation must find. */
export interface Mutant {
  readonly name: string;
  /** What is wrong, where the name does not say it. */
  readonly what?: string;
  /** What stands in core's sources, once and exactly so. */
  readonly right: string;
  readonly wrong: string;
  /** It takes a certain kind of run. */
  readonly plan?: Partial<Plan>;
  /** Only a store that falls back shows it. */
  readonly rollback?: boolean;
  /** Not left to chance: a test of its own finds it, by name. */
  readonly directed?: boolean;
  /** Found within seconds: also looked for in a quick run. */
  readonly quick?: boolean;
}

/** Narrow limits: small values are big ones already. */
const narrow: Limits = { getKeys: 20, getBytes: 16_000, valueBytes: 800, commitOps: 40, commitBytes: 80_000 };

/** A mix to add to: callers do nothing at all. */
const nothing: Plan['mix'] = {
  tell: 0,
  note: 0,
  triple: 0,
  aging: 0,
  newest: 0,
  hasty: 0,
  stubborn: 0,
  stream: 0,
  ask: 0,
  writeState: 0,
  readState: 0,
  flush: 0,
  letters: 0,
  inspect: 0,
  clear: 0,
  reopen: 0,
};

/** Those of the queue's design: each shows what one part of it is there for. */
const byDesign: readonly Mutant[] = [
  {
    name: 'no root check',
    right: 'checks: more.checks ? [self, ...more.checks] : [self],',
    wrong: 'checks: more.checks,',
    quick: true,
  },
  {
    name: 'lease by local clock',
    what: 'a holder trusts its own clock for as long as its lease lasts, and asks nobody',
    right: 'checks: more.checks ? [self, ...more.checks] : [self],',
    wrong:
      'checks: env.mono() - this.changedAt < patienceMs / 5 ? more.checks : more.checks ? [self, ...more.checks] : [self],',
  },
  {
    name: 'unchecked takeover',
    what: 'a takeover does not check the root that it judged',
    right: 'const fence = new Fence(committed.root, committed.rootRev, {',
    wrong:
      'const now = (await store.get(partition, [ROOT])).entries[0]; const fence = new Fence(committed.root, now?.rev ?? null, {',
    quick: true,
  },
  {
    name: 'state loaded before the lease',
    what: 'the root that is replaced is newer than the state that was loaded',
    right: 'return (await claim(queue, me, fresh.committed, fresh.seq)) ??',
    wrong: `const late = await queue.store.get(queue.partition, [ROOT]);
  const { decodeRoot } = await import('../state/records.js');
  const newer = late.entries[0]?.value
    ? fresh.committed.withRoot(late.entries[0].rev, decodeRoot(late.entries[0].value, ''))
    : fresh.committed;
  return (await claim(queue, me, newer, late.seq)) ??`,
    plan: { workers: 3, callers: 4, ttlMs: 500, incidents: 40, incidentKinds: ['pause'], instances: ['A'] },
  },
  {
    name: 'stale in-memory state',
    what: 'a new holder trusts the state that it has in memory',
    right: '(await claim(queue, me, fresh.committed, fresh.seq))',
    wrong:
      '(await claim(queue, me, (current ?? fresh.committed).withRoot(fresh.committed.rootRev, fresh.committed.root, (current ?? fresh.committed).dirRev), fresh.seq))',
    quick: true,
  },
  {
    name: 'state and cursor in two commits',
    right: 'const changed = await tenure.commit((root) => group.nextRoot(root), rest);',
    wrong:
      'await tenure.commit((root) => ({ ...root, beat: root.beat + 1 }), { puts: prepared.puts }); const changed = await tenure.commit((root) => group.nextRoot(root), { ...rest, puts: [] });',
    quick: true,
  },
  {
    name: 'dequeue before the run',
    right: 'const items = itemsOf(batch);\n      group.beginBatch(batch);',
    wrong:
      'const items = itemsOf(batch); group.beginBatch(batch); await this.queue.store.commit(this.queue.partition, { id: this.queue.env.id(), deletes: ["q/" + String(batch.seq).padStart(16, "0")] });',
    quick: true,
  },
  {
    name: 'release without seqIs',
    right: 'seqIs: cursor,',
    wrong: '',
    quick: true,
  },
  {
    name: 'append without due',
    right: 'due: DUE_NOW,',
    wrong: '',
    quick: true,
  },
  {
    name: 'no writer slot',
    what: "an append does not check the writer's slot",
    right: 'return [{ key: INIT, rev: this.incarnation }, this.slot.check()];',
    wrong: 'return [{ key: INIT, rev: this.incarnation }];',
    quick: true,
  },
  {
    name: 'parallel appends',
    right: `this.waiting.push({ append, resolve, reject });
      if (!this.busy) void this.pump();`,
    wrong: `this.waiting.push({ append, resolve, reject });
      void this.pump();`,
    quick: true,
  },
  {
    name: 'no idempotency check',
    right: 'checks.push({ key, rev: null });',
    wrong: '',
    quick: true,
  },
  {
    name: 'numeric revisions',
    what: "a commit's id is its number in the chain of its holder: after a failover, another commit has it",
    right: 'const turn = this.replace(next, rest, id, patienceMs);',
    wrong: `const after = next(this.record);
    const numbered = arguments[2] ?? [after.holder ?? 'none', after.beat].join('.');
    const turn = this.replace(next, rest, numbered, patienceMs);`,
    rollback: true,
  },
  {
    name: 'ids tried are forgotten',
    what: 'an append knows only its last sending again, not those before',
    right: 'tried.has(slot.rev)',
    wrong: '[...tried].at(-1) === slot.rev',
    plan: {
      flushes: 1,
      ttlMs: 500,
      workers: 2,
      callers: 3,
      incidents: 60,
      incidentKinds: ['pause'],
      faults: { ...calm, loseReply: 0.2, timeoutMs: 500 },
    },
  },
];

/** And more, of what came with the code. */
const ofOurOwn: readonly Mutant[] = [
  {
    name: 'poison is tried for ever',
    right: 'carefulUntil: Math.max(root.carefulUntil, seq),',
    wrong: '',
    plan: { poison: 0.05, failures: 0 },
    quick: true,
  },
  {
    name: 'full speaks for sendings before it',
    right: 'if (!uncertain) throw error;',
    wrong: 'if (!uncertain || !mayPass) throw error;',
    plan: { flushes: 0, faults: { ...calm, full: 0.3, loseReply: 0.2, timeoutMs: 500 } },
    quick: true,
  },
  {
    name: 'append to a cleared instance',
    right: '{ key: INIT, rev: this.incarnation },',
    wrong: '',
    quick: true,
  },
  {
    name: 'commits that hold too much',
    right: 'const room = group.canTake(changes);',
    wrong: "const room = 'yes' as string;",
    plan: { limits: narrow, wide: 0.5 },
  },
  {
    name: 'what ran is not what is queued',
    right: 'if (rev !== undefined) this.checks.push({ key: appendKey(seq), rev });',
    wrong: '',
    rollback: true,
    quick: true,
  },
  {
    name: 'pointer without chunks',
    right: 'if (stored?.check) this.chunkChecks.push(stored.check);',
    wrong: '',
    rollback: true,
    plan: { limits: narrow, big: 0.6, rollbacks: 25 },
  },
  {
    name: 'cache by version number',
    what: 'after a failover, two states have one number',
    right: ': committed.identity;',
    wrong: ': [committed.root.incarnation, committed.root.version].join(" ");',
    rollback: true,
    plan: { rollbacks: 25, flushes: 0.9, mix: { ...nothing, tell: 5, ask: 10 } },
    quick: true,
  },
  {
    name: 'another in its place',
    what: 'what ran before it was queued is committed for whatever stands where it was queued',
    right: 'batch?.calls[0] === deferred.call;',
    wrong: 'appended.position.index === deferred.call.updates.length - 1;',
    rollback: true,
    directed: true,
  },
  {
    name: 'done by its place alone',
    what: 'a late answer tells of a commit that a failover took, and others stand in its place',
    right: 'ids.length > 0 ? ids.every((id) => ran.has(id)) :',
    wrong: 'ids.length > 0 ? true :',
    rollback: true,
    directed: true,
  },
  {
    name: 'flushed by what was sent before',
    what: 'likewise, for who waits for all that is queued',
    right: ': since <= sentAt;',
    wrong: ': true;',
    rollback: true,
    directed: true,
  },
  {
    name: 'damage without a second look',
    what: 'a batch that a failover took counts as damaged',
    right: 'if (changed || (bytes && this.decode(bytes, seq))) {',
    wrong: 'if (false) {',
    rollback: true,
    directed: true,
  },
  {
    name: 'a lease that is due far too late',
    right: '{ due: { in: options.ttlMs } });\n    if (!changed.ok) return undefined;',
    wrong: '{ due: { in: 100 * options.ttlMs } });\n    if (!changed.ok) return undefined;',
    quick: true,
  },
  {
    name: 'a new holder begins the batch anew',
    right: 'holder: me, epoch: root.epoch + 1, beat: root.beat + 1 };',
    wrong: 'holder: me, epoch: root.epoch + 1, beat: root.beat + 1, index: 0 };',
  },
  {
    name: 'epochs do not rise',
    right: 'holder: me, epoch: root.epoch + 1, beat: root.beat + 1 };',
    wrong: 'holder: me, epoch: root.epoch, beat: root.beat + 1 };',
    quick: true,
  },
  {
    name: 'the last call first',
    right: `this.waiting.push({ append, resolve, reject });
      if (!this.busy) void this.pump();`,
    wrong: `this.waiting.unshift({ append, resolve, reject });
      if (!this.busy) void this.pump();`,
    quick: true,
  },
  {
    name: 'a new id for each sending',
    right: 'await sleep(env, jittered(env, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt)));',
    wrong:
      'await sleep(env, jittered(env, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt))); commit = { ...commit, id: env.id() };',
    quick: true,
  },
  {
    name: 'unknown counts as queued',
    right: "if (outcome.applied === 'open') throw this.unknown(outcome.error);",
    wrong: "if (outcome.applied === 'open') { this.resolveUpTo(arguments[0].batch, 0); throw outcome.error; }",
    plan: {
      flushes: 0,
      storeTimeoutMs: 3_000,
      faults: { ...calm, loseRequest: 0.4, loseReply: 0.2, timeoutMs: 2_000 },
    },
    quick: true,
  },
  {
    name: 'chunks go before their pointer',
    right: 'const prepared = await group.prepare();\n',
    wrong: 'const prepared = await group.prepare();\n    await this.forget(group, tenure.rootRev as string);\n',
    plan: { limits: narrow, big: 0.6 },
  },
  {
    name: 'serves see what is not committed',
    right: 'const changed = await tenure.commit((root) => group.nextRoot(root), rest);',
    wrong:
      'this.queue.view.publish(group.committed(tenure.rootRev as string, tenure.root)); const changed = await tenure.commit((root) => group.nextRoot(root), rest);',
    quick: true,
  },
  {
    name: 'redriven, but a dead letter still',
    right: 'deletes: redriven && [redriven.key],',
    wrong: '',
    plan: { failures: 0.3 },
    quick: true,
  },
  {
    name: 'a big state is read in parts of different times',
    right: 'if (found[0]?.rev !== first.entries[0]?.rev) return TORN;',
    wrong: '',
    plan: { limits: narrow, wide: 0.5, names: 40, many: 0.6 },
  },
  {
    name: 'a handle goes on in the next life',
    right: 'if (incarnation !== undefined && incarnation !== root.incarnation) throw this.gone();',
    wrong: '',
  },
  {
    name: 'unqueued calls overtake the queue',
    right: 'deletes, seqIs: before.cursor };',
    wrong: 'deletes };',
    quick: true,
  },
];

export const mutants: readonly Mutant[] = [...byDesign, ...ofOurOwn];

const root = fileURLToPath(new URL('../../../', import.meta.url));
const source = process.env['MOTION_CORE_SOURCE'] ?? join(root, 'packages/core/src');

/** A copy of core with one mistake. Core itself knows of no tests. */
export async function coreWith({ name, right, wrong }: Mutant): Promise<Core> {
  const target = join(root, 'node_modules/.cache/motion-mutants', String(process.pid), name.replaceAll(/\W+/g, '-'));
  let found = 0;
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts')) continue;
    const text = readFileSync(join(source, path), 'utf8');
    found += text.split(right).length - 1;
    const { code } = await transform(
      text.replace(right, () => wrong),
      {
        loader: 'ts',
        target: 'es2022',
        format: 'esm',
        sourcefile: path,
      },
    );
    const out = join(target, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, code);
  }
  if (found !== 1) throw new Error(`'${right}' stands in core ${found} times: mend the mutant '${name}'`);
  writeFileSync(join(target, 'package.json'), '{ "type": "module" }');
  return (await import(pathToFileURL(join(target, 'index.js')).href)) as Core;
}
