import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import type { Process } from '../world.js';

/** Whose code runs. */
export interface Inside {
  readonly process: Process;
  /** The component's method that it is part of, if it is part of one. */
  readonly doing: string | undefined;
  /** Hears of something that the simulated world has no hand in. */
  readonly onReal: (kind: string, doing: string | undefined, where: string) => void;
}

const context = new AsyncLocalStorage<Inside>();

/** Runs something as a process of the simulated world; all that follows from it is that process's, too. */
export function runInside<T>(inside: Inside, run: () => T): T {
  return context.run(inside, run);
}

/** Whose code runs just now; undefined for whoever is not in the simulated world. */
export function insideNow(): Inside | undefined {
  return context.getStore();
}

/** Runs what belongs to the simulator and not to the process. */
export function runOutside<T>(run: () => T): T {
  return context.exit(run);
}

/** What Node makes on its way without anything real being done; output is not input. */
const HARMLESS: ReadonlySet<string> = new Set([
  'PROMISE',
  'TickObject',
  'Microtask',
  'TTYWRAP',
  'PIPEWRAP',
  'WRITEWRAP',
  'SIGNALWRAP',
  'bound-anonymous-fn',
]);

const KINDS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/^(Timeout|Immediate)$/, 'a real timer'],
  [/^(TCP|TLS|HTTP|UDP|PIPECONNECT|JSSTREAM)/, 'a network connection'],
  [/^(GETADDRINFO|GETNAMEINFO|QUERY|DNS)/, 'a look-up of a name in the network'],
  [/^(FS|FILEHANDLE|STATWATCHER|DIRHANDLE)/, 'a file'],
  [/^PROCESSWRAP$/, 'a child process'],
  [/^(WORKER|MESSAGEPORT)$/, 'a thread'],
  [/REQUEST$/, 'cryptography in a thread'],
  [/^ZLIB$/, 'compression in a thread'],
];

/** Sees real timers and real I/O that simulated processes begin. @returns ends it */
export function watchForReal(): () => void {
  const hook = createHook({
    init(_, type) {
      if (HARMLESS.has(type)) return;
      const here = context.getStore();
      if (!here) return;
      const limit = Error.stackTraceLimit;
      Error.stackTraceLimit = 40;
      const frames = (new Error().stack ?? '').split('\n').slice(2);
      Error.stackTraceLimit = limit;
      if (frames.some((frame) => frame.includes('node:internal/console'))) return;
      const own = frames.find((frame) => !/\(?node:|[\\/]node_modules[\\/]/.test(frame)) ?? frames[0] ?? '';
      const kind = KINDS.find(([pattern]) => pattern.test(type))?.[1] ?? `something real (${type})`;
      here.onReal(kind, here.doing, own.trim());
    },
  });
  hook.enable();
  return () => hook.disable();
}
