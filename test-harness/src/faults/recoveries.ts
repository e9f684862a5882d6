import { trueNow } from './clock.js';
import { Crew, Gone, type Inside, type Member, pause, quiet, until } from './crew.js';
import { Ledger } from './ledger.js';
import type { FaultOptions, FaultReport } from './options.js';
import { report, seedOf, spread } from './report.js';

/** Options of {@link recoveries}. */
export interface RecoveriesOptions extends FaultOptions {
  /** Instances whose holder is killed inside an update, in all. Default: 50. */
  readonly samples?: number;
  /** Of leases, in milliseconds. Default: 1,000. */
  readonly ttlMs?: number;
  /** Milliseconds within which another must run that update. Default: 5,000. */
  readonly recoveryMs?: number;
  /** Instances. Default: 10. */
  readonly instances?: number;
}

/** Milliseconds that an update takes: the kill comes while it runs. */
const HOLD = 300;

/** The holder of many instances is killed while their updates run: how long until another runs them again? */
export async function recoveries(options: RecoveriesOptions): Promise<FaultReport> {
  const { samples = 50, ttlMs = 1_000, recoveryMs = 5_000, instances: count = 10 } = options;
  const instances = Array.from({ length: count }, (_, n) => `i${n}`);
  const ledger = new Ledger();
  const problems: string[] = [];
  const insides: { readonly member: Member; readonly inside: Inside }[] = [];
  const crew = new Crew(
    { ...options, ttlMs },
    {
      acknowledged: (_instance, line, n) => ledger.acknowledge(line, n),
      inside: (member, inside) => insides.push({ member, inside }),
    },
  );
  const started = performance.now();
  const times: number[] = [];
  try {
    const director = crew.start({ updates: 'off' });
    let [holder, standby] = [crew.start({ updates: 'background' }), crew.start({ updates: 'background' })];
    for (const instance of instances) await director.ask({ do: 'open', instance, size: 0 });
    let kills = 0;
    while (times.length < samples && problems.length === 0) {
      await Promise.all([holder.ready, standby.ready]);
      insides.length = 0;
      await Promise.all(
        instances.map((instance) => director.call(instance, [ledger.next(instance, `l-${instance}`, { hold: HOLD })])),
      );
      const running = (member: Member): Inside[] =>
        insides.filter((one) => one.member === member).map(({ inside }) => inside);
      const begun = await until(recoveryMs, () => insides.length >= count, 2);
      if (!begun) problems.push(`only ${insides.length} of ${count} updates began within ${recoveryMs} ms`);
      // Whoever of the two holds more.
      if (running(standby).length > running(holder).length) [holder, standby] = [standby, holder];
      const hit = running(holder);
      const killedAt = trueNow();
      await holder.kill();
      kills++;
      const again = ({ instance, epoch }: Inside): Inside | undefined =>
        running(standby).find((other) => other.instance === instance && other.epoch > epoch);
      // An update may have been done just before the kill: it does not run again.
      const pending = async (): Promise<Inside[]> => {
        const open: Inside[] = [];
        for (const inside of hit)
          if (!again(inside) && (await director.inspect(inside.instance)).queued > 0) open.push(inside);
        return open;
      };
      if (!(await until(recoveryMs, async () => hit.every(again) || (await pending()).length === 0, 10)))
        for (const { instance } of await pending())
          problems.push(`nobody runs the update of ${instance} ${recoveryMs} ms after its holder died`);
      for (const inside of hit) {
        const at = again(inside)?.at;
        if (at !== undefined) times.push(at - killedAt);
      }
      holder = standby;
      standby = crew.start({ updates: 'background' });
      await until(HOLD + 2_000, async () => {
        for (const instance of instances) if ((await director.inspect(instance)).queued > 0) return false;
        return true;
      });
      await pause(20);
    }
    const { seen, problems: noisy } = await quiet(director, instances, problems.length > 0 ? 100 : ttlMs + 2_000);
    const audit = ledger.auditAll(seen);
    problems.push(...noisy, ...audit.problems);
    const { lost, doubled, reordered } = audit;
    return report('recovery', options, seedOf(options), problems, {
      kills,
      ...spread('recovered', times),
      lost,
      doubled,
      reordered,
      seconds: (performance.now() - started) / 1_000,
    });
  } catch (error) {
    if (error instanceof Gone) throw new Error(`a process ended by itself: ${error.message}`, { cause: error });
    throw error;
  } finally {
    await crew.end();
  }
}
