import { randomBytes } from 'node:crypto';
import type { Env } from './env.js';

/** 96 random bits a process, and a counter: unique without a system call per id. */
const session = randomBytes(12).toString('base64url');
let count = 0;
/** What Node's timers can hold; more would fire at once. Whoever waits longer looks again then. */
const LONGEST_MS = 2 ** 31 - 1;

/** The real world. */
export const systemEnv: Env = {
  now: () => Date.now(),
  mono: () => performance.now(),
  timer(ms, run, background = false) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_MS));
    if (background) timer.unref();
    return () => clearTimeout(timer);
  },
  turn(run) {
    setImmediate(run);
  },
  random: () => Math.random(),
  id: () => `${session}${(count++).toString(36)}`,
};
