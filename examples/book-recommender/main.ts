/** Simulated viewers with hidden tastes are recommended films; see README.md. */
import { resolve } from 'node:path';
import { type Instance, Motion, MotionError } from '@motion-ts/core';
import { SqliteStore } from '@motion-ts/sqlite';
import { readArguments, runProgram, UsageError, wholeNumber } from '../command-line.js';
import { type Catalogue, readCatalogue } from './catalogue.js';
import { FilmRecommender } from './film-recommender.js';
import { measure, measureBest, measureChance } from './measure.js';
import { type ChosenModel, chooseModel, explainFailure } from './model/choose.js';
import { type Progress, showProgress } from './progress.js';
import { describe } from './report.js';
import { rate, type Viewer, viewers } from './viewers.js';

const USAGE = `Usage: npm start -- [options]

Recommends films to five simulated viewers and learns from their ratings.

  --db PATH       the SQLite file with the state (default: motion-films.db)
  --ratings N     ratings per viewer in this run (default: 24)
  --reset         forget what earlier runs learned, then start
  --verbose       a line for every rating instead of the progress bar
  --help          this text

With OPENAI_API_KEY or ANTHROPIC_API_KEY in the environment a real model recommends, which
costs money: one call per rating. MODEL names another model than the default one.`;

/** A viewer with the recommender's instance for this viewer. */
interface Visitor {
  readonly viewer: Viewer;
  readonly recommender: Instance<FilmRecommender>;
}

/** What happened in this run. */
interface Visits {
  ratings: number;
  /** Answers of the model that were none of the films offered. */
  strayed: number;
  readonly answeredMs: number[];
  readonly learnedMs: number[];
}

await runProgram(USAGE, async (stop) => {
  const options = readArguments({
    db: { type: 'string', default: 'motion-films.db' },
    ratings: { type: 'string', default: '24' },
    reset: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (options.help) return console.log(USAGE);
  if (options.db === '') throw new UsageError('--db takes the path of a file');
  const path = resolve(options.db);
  const each = wholeNumber('ratings', options.ratings);

  const catalogue = readCatalogue();
  const chosen = chooseModel(process.env, catalogue.shelf);
  introduce(catalogue, chosen, each);

  // Closed however this ends: then no lease is left behind, and the next run need not wait for it to run out.
  await using motion = new Motion({
    store: new SqliteStore({ path }),
    // After a kill -9 the next run waits so long before it takes over. No update here takes more than milliseconds.
    lease: { ttlMs: 2_000 },
  });
  motion.register(FilmRecommender, () => new FilmRecommender(chosen.model, catalogue.shelf));
  if (options.reset) await forget(motion);
  const visitors = await welcome(motion);

  const genres = (): Promise<FilmRecommender['~types']['state']['genres'][]> =>
    Promise.all(visitors.map(({ recommender }) => recommender.readState('genres')));
  const before = await genres();
  const progress = showProgress(each * visitors.length, options.verbose);
  const visits: Visits = { ratings: 0, strayed: 0, answeredMs: [], learnedMs: [] };
  try {
    await visitAll(visitors, each, catalogue, visits, progress, stop);
  } catch (error) {
    throw explainFailure(error, chosen);
  } finally {
    progress.stop();
  }
  if (stop.aborted)
    return console.log(
      `\nStopped after ${counted(visits.ratings, 'rating')}, kept in ${path}\nRun again to go on from there.`,
    );

  const after = await genres();
  const { heldOut } = catalogue;
  const reports = visitors.map(({ viewer }, n) => ({
    name: viewer.name,
    chance: measureChance(viewer, heldOut),
    before: measure(viewer, before[n] ?? {}, heldOut),
    after: measure(viewer, after[n] ?? {}, heldOut),
    best: measureBest(viewer, heldOut),
    genres: after[n] ?? {},
  }));
  console.log(`\n${describe(reports)}\n`);
  console.log(
    `A recommendation took ${median(visits.answeredMs)} ms, learning from a rating ${median(visits.learnedMs)} ms (medians).`,
  );
  if (visits.strayed > 0)
    console.log(`${visits.strayed} times the model named a film that was not offered: the best offered one was taken.`);
  console.log(`\nThe state is in ${path}\nRun again to go on from there.`);
});

function introduce({ listed, shelf, heldOut }: Catalogue, { model, key }: ChosenModel, each: number): void {
  const count = (n: number): string => n.toLocaleString('en-US');
  console.log(
    `Films   ${count(shelf.length + heldOut.length)} of the ${count(listed)} of vega-datasets have genre, year and rating;`,
  );
  console.log(`        ${count(heldOut.length)} of these are held out: never recommended, only measured with`);
  console.log(
    key === undefined
      ? 'Model   local recommender, no language model: OPENAI_API_KEY and ANTHROPIC_API_KEY are not set'
      : `Model   ${model.modelId} (${key} is set), called ${count(each * viewers.length)} times`,
  );
}

/** Opens every viewer's instance, and says what is there from earlier runs. */
async function welcome(motion: Motion): Promise<Visitor[]> {
  let known = 0;
  let left = 0;
  for await (const id of motion.instances(FilmRecommender)) {
    known++;
    left += (await motion.inspect(FilmRecommender, id)).queued;
  }
  const visitors = await Promise.all(
    viewers.map(async (viewer) => {
      const init = { favourite: viewer.favourite };
      return { viewer, recommender: await motion.instance(FilmRecommender, viewer.id, { init }) };
    }),
  );
  if (left > 0)
    console.log(`State   an earlier run was cut off: finishing ${counted(left, 'update')} that it left queued ...`);
  await Promise.all(visitors.map(({ recommender }) => recommender.flushUpdates()));
  const ratings = await Promise.all(visitors.map(({ recommender }) => recommender.readState('ratings')));
  const learned = ratings.reduce((sum, one) => sum + one, 0);
  console.log(
    known === 0
      ? 'State   new: five viewers of whom one favourite film is known\n'
      : `State   found ${counted(known, 'viewer')} from an earlier run: ${counted(learned, 'rating')} learned so far\n`,
  );
  return visitors;
}

async function forget(motion: Motion): Promise<void> {
  for await (const id of motion.instances(FilmRecommender)) await motion.clear(FilmRecommender, id);
}

/** All viewers at once, each one rating after the other. */
async function visitAll(
  visitors: readonly Visitor[],
  each: number,
  { shelf }: Catalogue,
  visits: Visits,
  progress: Progress,
  stop: AbortSignal,
): Promise<void> {
  const films = new Map(shelf.map((film) => [film.title, film]));
  // When one cannot go on, the others need not finish.
  const failed = new AbortController();
  const signal = AbortSignal.any([stop, failed.signal]);

  const visit = async ({ viewer, recommender }: Visitor): Promise<void> => {
    for (let n = 0; n < each && !signal.aborted; n++) {
      const asked = performance.now();
      const { title, strayed } = await recommender.run('recommend', {}, { signal });
      const answered = performance.now();
      const film = films.get(title);
      if (!film) throw new Error(`'${title}' was recommended, which is not in the catalogue`);
      const stars = rate(viewer, film);
      // Simulated viewers ask again within milliseconds: only therefore is the learning waited for. The key makes a
      // rating count once, should it ever be sent twice.
      await recommender.run('rate', { title, stars }, { flushUpdates: true, idempotencyKey: `rate ${title}` });
      visits.ratings++;
      visits.strayed += Number(strayed);
      visits.answeredMs.push(answered - asked);
      visits.learnedMs.push(performance.now() - answered);
      progress.advance(visits.ratings, `${viewer.name.padEnd(8)}${'★'.repeat(stars).padEnd(6)}${title}`);
    }
  };

  const results = await Promise.allSettled(
    visitors.map((visitor) =>
      visit(visitor).catch((error) => {
        failed.abort();
        throw error;
      }),
    ),
  );
  const errors = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason as unknown);
  const [error] = errors.filter((reason) => !MotionError.is(reason, 'ABORTED'));
  if (error !== undefined) throw error;
}

function counted(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

function median(numbers: readonly number[]): string {
  const middle = [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
  return middle < 10 ? middle.toFixed(1) : middle.toFixed(0);
}
