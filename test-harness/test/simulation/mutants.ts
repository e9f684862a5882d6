import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from 'esbuild';
import type { Core } from '../../src/simulation/crew.js';
import { calm } from '../../src/simulation/faults.js';
import type { Plan } from '../../src/simulation/journal/plan.js';

/** A mistake in core that the simulation must find. */
export interface Mutant {
  readonly name: string;
  /** What stands in core's sources, once and exactly so. */
  readonly right: string;
  readonly wrong: string;
  /** It takes a certain kind of run. */
  readonly plan?: Partial<Plan>;
  /** Only a store that falls back shows it. */
  readonly rollback?: boolean;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'commits do not check root',
    right: 'checks: more.checks ? [self, ...more.checks] : [self],',
    wrong: 'checks: more.checks,',
  },
  {
    name: 'a take-over does not check the root that it judged',
    right: 'const fence = new Fence(committed.root, committed.rootRev, {',
    wrong:
      'const now = (await store.get(partition, [ROOT])).entries[0]; const fence = new Fence(committed.root, now?.rev ?? null, {',
  },
  {
    name: 'a new holder trusts the state that it has in memory',
    right: '(await claim(queue, me, fresh.committed, fresh.seq))',
    wrong:
      '(await claim(queue, me, (current ?? fresh.committed).withRoot(fresh.committed.rootRev, fresh.committed.root, (current ?? fresh.committed).dirRev), fresh.seq))',
  },
  {
    name: 'state and cursor are committed one after the other',
    right: 'const changed = await tenure.commit((root) => group.nextRoot(root), rest);',
    wrong:
      'await tenure.commit((root) => ({ ...root, beat: root.beat + 1 }), { puts: prepared.puts }); const changed = await tenure.commit((root) => group.nextRoot(root), { ...rest, puts: [] });',
  },
  {
    name: 'a batch leaves the queue before it runs',
    right: 'const items = itemsOf(batch);\n      group.beginBatch(batch);',
    wrong:
      'const items = itemsOf(batch); group.beginBatch(batch); await this.queue.store.commit(this.queue.partition, { id: this.queue.env.id(), deletes: ["q/" + String(batch.seq).padStart(16, "0")] });',
  },
  {
    name: 'a release does not check that nothing was appended',
    right: 'seqIs: cursor,',
    wrong: '',
  },
  {
    name: 'an append does not make the instance due',
    right: 'due: DUE_NOW,',
    wrong: '',
  },
  {
    name: "an append does not check the writer's slot",
    right: '{ key: this.slot, rev: this.slotRev },',
    wrong: '',
  },
  {
    name: 'appends go side by side',
    right: `this.waiting.push({ append, resolve, reject });
      if (!this.busy) void this.pump();`,
    wrong: `this.waiting.push({ append, resolve, reject });
      void this.pump();`,
  },
  {
    name: 'an append does not check its idempotency keys',
    right: 'checks.push({ key, rev: null });',
    wrong: '',
  },
  {
    name: 'ids that were tried before are forgotten',
    right: 'tried.has(this.slotRev)',
    wrong: 'commit.id === this.slotRev',
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
  {
    name: 'an update that kills its holders is tried for ever',
    right: 'carefulUntil: Math.max(root.carefulUntil, seq),',
    wrong: '',
  },
  {
    name: 'who waits takes a bound for a position',
    right: 'if (position.index === Infinity) return false;',
    wrong: '',
  },
  {
    name: 'a refusal by a full store speaks for sendings before it',
    right: 'if (!uncertain) throw error;',
    wrong: 'if (!uncertain || !mayPass) throw error;',
  },
  {
    name: 'an append does not check that the instance is there',
    right: '{ key: INIT, rev: this.incarnation },',
    wrong: '',
  },
  {
    name: 'what is too much for a commit is put there all the same',
    right: 'const room = group.canTake(changes);',
    wrong: "const room = 'yes' as string;",
  },
  {
    name: 'what ran need not be what stands in the queue',
    right: 'if (rev !== undefined) this.checks.push({ key: appendKey(seq), rev });',
    wrong: '',
    rollback: true,
  },
  {
    name: 'a pointer may be committed without its chunks',
    right: 'if (stored?.check) this.chunkChecks.push(stored.check);',
    wrong: '',
    rollback: true,
  },
];

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
