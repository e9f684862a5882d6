/** What must hold after every commit, whatever went wrong before it. */
export const INVARIANTS = {
  I1: 'the revisions of root form one chain, and nothing of the state changes beside it',
  I2: 'the state is the fold of the updates that were consumed and have no outcome',
  I3: 'what is queued and not consumed is there',
  I4: 'queued work is due',
  I5: 'due lies in a near future',
  I6: 'the cursor never goes back',
  I7: 'the calls of one caller are queued in their order',
  I8: 'an update takes effect once',
} as const;

/** Its name, as problems show it. */
export type Invariant = keyof typeof INVARIANTS;

/** Hears of what is wrong, and of the invariant that it breaks, if it is one of those. */
export type Problem = (text: string, invariant?: Invariant) => void;
