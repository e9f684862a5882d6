import { Motion } from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import { generateText, streamText } from 'ai';
import { describe, expect, onTestFinished, test } from 'vitest';
import { chance, type Film, readCatalogue } from '../book-recommender/catalogue.js';
import { FilmRecommender } from '../book-recommender/film-recommender.js';
import { mean, measure, measureBest, measureChance } from '../book-recommender/measure.js';
import { chooseModel } from '../book-recommender/model/choose.js';
import { localRecommender } from '../book-recommender/model/local-recommender.js';
import { fit, type Genres, refine } from '../book-recommender/profile.js';
import { findTitle, INSTRUCTIONS, writePrompt } from '../book-recommender/prompt.js';
import { rate, trueStars, type Viewer, viewers } from '../book-recommender/viewers.js';

const { listed, shelf, heldOut } = readCatalogue();
const films = new Map(shelf.map((film) => [film.title, film]));

describe('the catalogue', () => {
  test('holds films back', () => {
    expect([listed, shelf.length + heldOut.length, heldOut.length]).toEqual([3201, 2745, 670]);
    expect(heldOut.filter(({ title }) => films.has(title))).toEqual([]);
    expect(new Set([...shelf, ...heldOut].map(({ title }) => title)).size).toBe(2745);
  });

  test('puts years that were written with two digits into the last century', () => {
    const all = [...shelf, ...heldOut];
    expect(all.find(({ title }) => title.startsWith('Gone with the Wind'))?.title).toBe('Gone with the Wind (1939)');
    expect(all.find(({ title }) => title.startsWith('Modern Times'))?.decade).toBe(1930);
    expect(all.filter(({ decade }) => decade < 1910 || decade > 2010)).toEqual([]);
    expect(all.filter(({ title }) => /\(\d{4}\) \(/.test(title))).toEqual([]);
  });

  test('has the viewers’ favourites, and they are favourites', () => {
    for (const viewer of viewers) expect(trueStars(viewer, films.get(viewer.favourite) as Film)).toBeGreaterThan(3.5);
  });
});

describe('the profile', () => {
  test('gives the praise to the genre that deserves it', () => {
    let genres: Genres = {};
    for (let n = 0; n < 40; n += 2) {
      genres = refine(genres, { genres: ['Action', 'Science Fiction'] }, 5, n);
      genres = refine(genres, { genres: ['Action'] }, 3, n + 1);
    }
    expect(genres['Science Fiction']).toBeGreaterThan(1);
    expect(Math.abs(genres['Action'] ?? 9)).toBeLessThan(0.5);
    expect(fit(genres, { genres: ['Science Fiction', 'Opera'] })).toBe(genres['Science Fiction']);
  });

  test('is not moved by what it foretold', () => {
    expect(refine({ Drama: 1 }, { genres: ['Drama'] }, 4, 0)).toEqual({ Drama: 1 });
  });
});

describe('what a model says', () => {
  const candidates = ['Alien (1979)', 'Alien Resurrection (1997)', 'The Fog (1980)', 'The Fog (2005)', '9 (2009)'];
  test.each([
    ['Alien (1979)', 'Alien (1979)'],
    ['  "Alien Resurrection (1997)".\n', 'Alien Resurrection (1997)'],
    ['alien resurrection', 'Alien Resurrection (1997)'],
    ['I recommend Alien Resurrection (1997), because ...', 'Alien Resurrection (1997)'],
    ['**The Fog (2005)**', 'The Fog (2005)'],
    ['Aliens (1986)', undefined],
    ['I cannot choose one of these 9 films.', undefined],
    ['', undefined],
  ])('%j means %s', (answer, title) => expect(findTitle(answer, candidates)).toBe(title));
});

describe('the local recommender', () => {
  const model = localRecommender(shelf);
  const candidates = ['Annie Hall (1977)', 'The Shining (1980)', 'Toy Story (1995)'];
  const ask = (genres: Genres, likedTitles: string[] = []) => ({
    model,
    system: INSTRUCTIONS,
    prompt: writePrompt({ likedTitles, genres, recommended: [], candidates }),
  });
  const bored = { 'Contemporary Fiction': -1, Comedy: -1, 'Romantic Comedy': -1, Fantasy: 0, Adventure: 0 };

  test('follows the genres in the prompt', async () => {
    expect(candidates.map((title) => films.get(title)?.genres)).not.toContain(undefined);
    const horror = await generateText(ask({ ...bored, Horror: 1, 'Kids Fiction': 0 }));
    expect(horror.text).toBe('The Shining (1980)');
    const kids = await generateText(ask({ ...bored, Horror: 0, 'Kids Fiction': 1 }));
    expect(kids.text).toBe('Toy Story (1995)');
  });

  test('starts from what is liked', async () => {
    const { text } = await generateText(ask({}, ['The Shining (1980)']));
    expect(text).toBe('The Shining (1980)');
  });

  test('streams the same', async () => {
    let streamed = '';
    for await (const chunk of streamText(ask({ ...bored, Horror: 1, 'Kids Fiction': 0 })).textStream) streamed += chunk;
    expect(streamed).toBe('The Shining (1980)');
  });
});

describe('the model', () => {
  test('is the provider’s whose key is there', () => {
    expect(chooseModel({}, shelf)).toMatchObject({ key: undefined, model: { provider: 'local' } });
    expect(chooseModel({ OPENAI_API_KEY: '' }, shelf).key).toBeUndefined();
    expect(chooseModel({ OPENAI_API_KEY: 'k' }, shelf)).toMatchObject({ key: 'OPENAI_API_KEY' });
    expect(chooseModel({ ANTHROPIC_API_KEY: 'k', MODEL: 'some-model' }, shelf)).toMatchObject({
      key: 'ANTHROPIC_API_KEY',
      model: { modelId: 'some-model' },
    });
  });
});

describe('the measure', () => {
  const [ada] = viewers as [Viewer];

  test('lies between chance and the best possible', () => {
    const knowing = measure(ada, ada.taste.genres, heldOut);
    expect(measureChance(ada, heldOut).stars).toBeLessThan(knowing.stars);
    expect(knowing.stars).toBeLessThan(measureBest(ada, heldOut).stars);
    expect(measureBest(ada, heldOut).liked).toBe(10);
  });

  test('looks at the ten that suit best, and at the true stars', () => {
    const films = Array.from({ length: 30 }, (_, n) => ({
      title: `${n}`,
      genres: [n < 12 ? 'Western' : 'Musical'],
      director: null,
      decade: 1950,
      acclaim: 5,
    }));
    const viewer: Viewer = {
      id: 'x',
      name: 'X',
      favourite: '',
      taste: { genres: { Western: 9, Musical: -9 }, acclaim: 0 },
    };
    expect(measure(viewer, { Western: 1 }, films)).toEqual({ stars: 5, liked: 10 });
    expect(measure(viewer, { Musical: 1 }, films)).toEqual({ stars: 1, liked: 0 });
    expect(measureChance(viewer, films)).toEqual({ stars: (12 * 5 + 18) / 30, liked: 4 });
    expect(
      mean([
        { stars: 1, liked: 0 },
        { stars: 4, liked: 3 },
      ]),
    ).toEqual({ stars: 2.5, liked: 1.5 });
  });
});

describe('learning', () => {
  /** Viewers with tastes drawn at random, unlike those that the example shows. */
  const strangers = Array.from({ length: 20 }, (_, n): Viewer => {
    const genres = [...new Set(shelf.flatMap((film) => film.genres))].sort();
    const weights = genres.map((genre) => [genre, 2 * chance('stranger', n, genre) - 1]);
    return { id: `${n}`, name: `${n}`, favourite: '', taste: { genres: Object.fromEntries(weights), acclaim: 0.2 } };
  });

  async function learned(stars: (viewer: Viewer, film: Film) => number): Promise<number> {
    const motion = new Motion({ store: new MemoryStore() });
    onTestFinished(() => motion.close());
    motion.register(FilmRecommender, () => new FilmRecommender(localRecommender(shelf), shelf));
    const measured = await Promise.all(
      strangers.map(async (viewer) => {
        const recommender = await motion.instance(FilmRecommender, viewer.id, {
          init: { favourite: viewer.favourite },
        });
        for (let n = 0; n < 24; n++) {
          const { title } = await recommender.run('recommend');
          const props = { title, stars: stars(viewer, films.get(title) as Film) };
          await recommender.run('rate', props, { flushUpdates: true });
        }
        return measure(viewer, await recommender.readState('genres'), heldOut);
      }),
    );
    return mean(measured).stars;
  }

  test('comes from the ratings: true ones help viewers of any taste, random ones do not', async () => {
    const before = mean(strangers.map((viewer) => measure(viewer, {}, heldOut))).stars;
    expect(await learned(rate)).toBeGreaterThan(before + 0.4);
    expect(await learned((viewer, film) => 1 + Math.floor(5 * chance('dice', viewer.id, film.title)))).toBeLessThan(
      before + 0.1,
    );
  });

  test('refuses a rating of a film that is not in the catalogue, and goes on', async () => {
    const motion = new Motion({ store: new MemoryStore(), onError: () => undefined, retry: { attempts: 1 } });
    onTestFinished(() => motion.close());
    motion.register(FilmRecommender, () => new FilmRecommender(localRecommender(shelf), shelf));
    const recommender = await motion.instance(FilmRecommender, 'x', { init: { favourite: 'Alien (1979)' } });
    await expect(
      recommender.run('rate', { title: 'Nothing (1900)', stars: 5 }, { flushUpdates: true }),
    ).rejects.toMatchObject({ code: 'UPDATE_FAILED' });
    await recommender.run('rate', { title: 'Alien (1979)', stars: 5 }, { flushUpdates: true });
    expect(await recommender.readState('ratings')).toBe(1);
  });
});
