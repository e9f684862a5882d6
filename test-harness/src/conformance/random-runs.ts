import { randomInt } from 'node:crypto';
import { compareWithModel, type ModelOptions } from '../model/index.js';
import type { Fixture, Group } from './options.js';
import { fresh } from './suite.js';

/** However slow the store is, one in so many runs is done. */
const LEAST = 15;

/** Runs by chance, compared with the memory store: what nobody thought of. */
export const randomRuns: Group = (add, terms) => {
  let chosen: number | undefined;
  const compare = async (
    { store, other, options, note }: Fixture,
    kind: ModelOptions['kind'],
    share: { readonly runs: number; readonly time: number },
  ): Promise<void> => {
    const { modelRuns = 300, modelBudgetMs = 5000 } = options;
    chosen ??= randomInt(2 ** 31);
    const seed = options.seed ?? process.env['MOTION_SEED'] ?? chosen;
    const runs = Math.ceil(modelRuns * share.runs);
    const { runs: done, calls } = await compareWithModel({
      kind,
      clients: store === other ? [store] : [store, other],
      fresh: () => fresh('m'),
      runs,
      least: Math.ceil(runs / LEAST),
      budgetMs: modelBudgetMs * share.time,
      seed,
      scanWithinMs: terms.scanLagMs > 0 ? terms.scanLagMs + terms.patienceMs : 0,
    });
    const what = kind === 'calls' ? 'random runs' : 'with calls at once';
    note(`${done} of ${runs} ${what} (${calls} calls, seed ${seed})`);
  };

  add('C2 random calls give what the model gives', (fixture) => compare(fixture, 'calls', { runs: 1, time: 0.6 }));

  add('C2 random calls made at once give what some order of them gives', (fixture) =>
    compare(fixture, 'rounds', { runs: 1 / 3, time: 0.4 }),
  );
};
