import type { Subject } from './subject.js';
import type { Scale, Workload } from './workloads.js';

const INSTANCES = 10_000;
const AT_ONCE = 100;
/** Leases are given back, and slots of compilers and collectors come to rest. */
const SETTLE_MS = 5_000;
const WATCH_MS = 10_000;

/** What open instances cost that nobody calls. */
export const idle: Workload = {
  what: `${INSTANCES.toLocaleString('en-US')} open instances that nobody calls: share of a core / requests per second`,
  alone: true,
  show: ([core = 0, requests = 0]) => `${(100 * core).toFixed(2)} % / ${requests.toFixed(1)}`,
  async run(subject: Subject, scale: Scale) {
    const instances = scale.of(INSTANCES);
    for (let n = 0; n < instances; n += AT_ONCE)
      await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, i) => {
          const counter = await subject.open(`idle-${n + i}`, 0);
          await counter.call(true);
        }),
      );
    await pause(SETTLE_MS);
    const requests = subject.requests?.() ?? 0;
    const cpu = process.cpuUsage();
    const start = performance.now();
    await pause(WATCH_MS);
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    return { figures: [(user + system) / 1_000 / ms, ((subject.requests?.() ?? 0) - requests) / (ms / 1_000)] };
  },
};

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
