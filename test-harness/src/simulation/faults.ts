import type { Random } from './random.js';

/** What a simulated store, and the way to it, does wrong. Probabilities are per call. */
export interface Faults {
  /** The request never arrives. */
  loseRequest: number;
  /** It is done, but the answer never arrives. */
  loseReply: number;
  /** A second copy of a commit arrives, perhaps much later. */
  duplicate: number;
  /** A message takes up to 20 s. */
  slow: number;
  /** Refused with `unavailable`. */
  unavailable: number;
  /** A commit is refused with `full`. */
  full: number;
  /** A list is read at two moments and shows some of either. */
  tornList: number;
  /** Values travel although their revision was known. */
  ignoreKnown: number;
  /** What `watch` has to tell is not told. */
  loseHint: number;
  /** How old a scan may be, in milliseconds. */
  scanLagMs: number;
  /** Milliseconds after which a call is given up. */
  timeoutMs: number;
}

/** A store that works. */
export const calm: Readonly<Faults> = {
  loseRequest: 0,
  loseReply: 0,
  duplicate: 0,
  slow: 0,
  unavailable: 0,
  full: 0,
  tornList: 0,
  ignoreKnown: 0,
  loseHint: 0,
  scanLagMs: 200,
  timeoutMs: 2_000,
};

/** Every run has a temper of its own, and lacks some kinds of faults altogether: rare combinations come up. */
export function drawFaults(random: Random): Faults {
  const wild = random.fraction();
  const some = (often: number, most: number): number => (random.chance(often) ? wild * most : 0);
  return {
    loseRequest: some(0.6, 0.15),
    loseReply: some(0.6, 0.2),
    duplicate: some(0.5, 0.2),
    slow: some(0.5, 0.05),
    unavailable: some(0.4, 0.15),
    full: some(0.3, 0.1),
    tornList: random.chance(0.5) ? 0.5 : 0,
    ignoreKnown: random.pick([0, 0.3, 1]),
    loseHint: random.pick([0, 0.5]),
    scanLagMs: random.pick([0, 200, 2_000]),
    timeoutMs: random.pick([100, 500, 2_000]),
  };
}
