import assert from 'node:assert/strict';
import type { State, UpdateProps } from '@motion-ts/core';
import { type SimulationOptions, simulate } from '@motion-ts/test-harness/simulation';
import { expect, test } from 'vitest';
import { readCatalogue } from '../book-recommender/catalogue.js';
import { FilmRecommender, type Recommendation } from '../book-recommender/film-recommender.js';
import { localRecommender } from '../book-recommender/model/local-recommender.js';

const shelf = readCatalogue().shelf.slice(0, 300);
const model = localRecommender(shelf);

/** Some devices of one viewer, who rates what is recommended, while processes die and messages get lost. */
function visits(recommender: typeof FilmRecommender, seeds: number): SimulationOptions {
  return {
    seeds,
    components: [[recommender, () => new recommender(model, shelf)]],
    async scenario({ open, random }) {
      const films = await open(recommender, 'ada', { init: { favourite: 'Alien (1979)' } });
      for (let n = 0; n < 5; n++) {
        const { title } = await films.run('recommend', {}, { flushUpdates: random.chance(0.3) });
        await films.run('rate', { title, stars: random.int(1, 5) }, { flushUpdates: random.chance(0.3) });
      }
    },
    async check({ state, calls, acknowledged }) {
      const found = await state(recommender, 'ada');
      const made = (flow: string, all = calls) =>
        all.filter((call) => call.flow === flow && call.outcome !== 'refused');
      const ratings = found?.ratings ?? 0;
      assert.ok(ratings >= made('rate', acknowledged).length, 'every rating that was acknowledged is learned from');
      assert.ok(ratings <= made('rate').length, 'no rating is learned from twice');
      for (const { result } of made('recommend', acknowledged))
        assert.ok(found?.recommended.includes((result as Recommendation).title), 'what was recommended is remembered');
    },
  };
}

test('the recommender keeps its promises whatever dies, stalls or gets lost', async () => {
  const { seeds, counts, seconds } = await simulate(visits(FilmRecommender, 100));
  console.log(`${seeds} seeds in ${seconds.toFixed(1)} s: ${counts['kills']} kills, ${counts['takeovers']} takeovers`);
  expect(counts['kills']).toBeGreaterThan(50);
  expect(counts['ranAgain']).toBeGreaterThan(10);
  expect(counts['checks']).toBeGreaterThan(90);
});

/** A mistake that is easily made: what the serve saw is not what is there when the update runs. */
class HastyRecommender extends FilmRecommender {
  private seen: readonly string[] = [];

  override recommend(...args: Parameters<FilmRecommender['recommend']>): Promise<Recommendation> {
    this.seen = args[0].recommended;
    return super.recommend(...args);
  }

  override remember(_: State<FilmRecommender>, { serveResult }: UpdateProps<FilmRecommender, 'recommend'>) {
    return { recommended: [...this.seen, serveResult.title] };
  }
}

test('a recommender that remembers in the wrong place is found out', async () => {
  await expect(simulate(visits(HastyRecommender, 100))).rejects.toThrow(/what was recommended is remembered/);
});
