import { Crew, pause, until } from './crew.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import { report, seedOf } from './report.js';

/** Options of {@link servesDuringUpdate}. */
export interface ServesDuringUpdateOptions extends FaultOptions {
  /** Milliseconds that the update takes. Default: 30,000. */
  readonly updateMs?: number;
  /** Milliseconds that a serve may take at most. Default: a tenth of `updateMs`. */
  readonly mostMs?: number;
  /** Of leases, in milliseconds. Default: 1,000: they are renewed meanwhile. */
  readonly ttlMs?: number;
}

const INSTANCE = 'served';

/**
 * One update takes long. Serves of the same instance, in the process that runs it and in another, do not wait for it: their
 * times are measured before and meanwhile.
 */
export async function servesDuringUpdate(options: ServesDuringUpdateOptions): Promise<FaultReport> {
  const { updateMs = 30_000, mostMs = updateMs / 10, ttlMs = 1_000 } = options;
  const ledger = new Ledger();
  const problems: string[] = [];
  let runs = 0;
  const crew = new Crew(
    { ...options, ttlMs },
    {
      acknowledged: (_, line, n) => ledger.acknowledge(line, n),
      inside: () => runs++,
      wrong: (what) => problems.push(what),
    },
  );
  const started = performance.now();
  try {
    const holder = crew.start({ updates: 'background' });
    const other = crew.start({ updates: 'off' });
    const serveMs = Math.min(updateMs * 0.8, Math.max(1_000, updateMs / 2));
    const serve = async (): Promise<number[][]> =>
      Promise.all(
        [holder, other].map((member) => member.ask<number[]>({ do: 'serve', instance: INSTANCE, ms: serveMs })),
      );
    await holder.ask({ do: 'open', instance: INSTANCE, size: 0 });
    // The first ones open the instance.
    await Promise.all([holder, other].map((member) => member.ask({ do: 'serve', instance: INSTANCE, ms: 200 })));
    const idle = await serve();
    await holder.call(INSTANCE, [ledger.next(INSTANCE, 'long', { hold: updateMs })]);
    if (!(await until(5_000, () => runs > 0, 5))) problems.push('the update did not begin');
    const meanwhile = await serve();
    const { queued } = await other.inspect(INSTANCE);
    if (queued === 0) problems.push('the update was over before the serves were: nothing was measured');
    if (!(await until(updateMs + 5_000, async () => (await other.inspect(INSTANCE)).queued === 0, 50)))
      problems.push('the update is not over');
    await pause(20);
    const seen = new Map([[INSTANCE, await other.inspect(INSTANCE)]]);
    const audit = ledger.auditAll(seen);
    problems.push(...audit.problems);
    if (runs > 1) problems.push(`the update ran ${runs} times: its lease was lost`);
    const figures: Record<string, number> = {
      'serves idle': idle.flat().length,
      'serves meanwhile': meanwhile.flat().length,
    };
    for (const [n, where] of ['in the holder', 'elsewhere'].entries()) {
      for (const [when, times] of [
        ['idle', idle[n]],
        ['meanwhile', meanwhile[n]],
      ] as const) {
        const sorted = [...(times ?? [])].sort((a, b) => a - b);
        for (const part of [0.5, 0.99])
          figures[`${where} ${when} p${part * 100} ms`] = round(sorted[Math.ceil(part * sorted.length) - 1] ?? 0);
      }
      const most = Math.max(0, ...(meanwhile[n] ?? []));
      figures[`${where} meanwhile p100 ms`] = round(most);
      if (most > mostMs) problems.push(`a serve ${where} took ${Math.round(most)} ms while an update ran`);
      if ((meanwhile[n] ?? []).length === 0) problems.push(`no serve ${where} was answered`);
    }
    return report('serves during an update', options, seedOf(options), problems, {
      ...figures,
      lost: audit.lost,
      doubled: audit.doubled,
      seconds: (performance.now() - started) / 1_000,
    });
  } finally {
    await crew.end();
  }
}

const round = (ms: number): number => Math.round(ms * 100) / 100;
