import assert from 'node:assert/strict';
import { Component, InitState, type Motion, type State, Update } from '@motion-ts/core';
import { pause } from '../conformance/suite.js';
import { rejects, times } from './checks.js';
import { decorate } from './journal.js';
import type { Place, ProcessOptions } from './place.js';
import type { Group } from './suite.js';

class News extends Component<{
  state: { log: string[] };
  flows: {
    soon: { props: { word: string } };
    patient: { props: { word: string } };
    latest: { props: { word: string } };
    every: { props: { word: string } };
    broken: { props: { word: string } };
  };
}> {
  setup(): object {
    return { log: [] };
  }
  soon(state: State<News>, { word }: { word: string }): object {
    return { log: [...state.log, word] };
  }
  patient(state: State<News>, { word }: { word: string }): object {
    return { log: [...state.log, word] };
  }
  latest(state: State<News>, { word }: { word: string }): object {
    return { log: [...state.log, word] };
  }
  every(state: State<News>, { word }: { word: string }): object {
    return { log: [...state.log, word] };
  }
  broken(): void {
    throw new Error('broken');
  }
}
decorate(News, {
  setup: InitState(),
  soon: Update('soon', { discard: { afterMs: 60 } }),
  patient: Update('patient', { discard: { afterMs: 600_000 } }),
  latest: Update('latest', { discard: { afterUpdates: 3 } }),
  every: Update('every'),
  broken: Update('broken', { retry: { attempts: 1 } }),
});

const open = async (place: Place, options: ProcessOptions): Promise<Motion> =>
  (await place.motion(options)).register(News);

export const discards: Group = (add) => {
  add('an update that waited longer than its afterMs is discarded, which is no failure', async (place) => {
    const news = await (await open(place, { updates: 'off' })).instance(News, 'a');
    for (const flow of ['soon', 'patient', 'every'] as const) await news.run(flow, { word: flow });
    await pause(100);
    await open(place, {});
    await news.flushUpdates();
    assert.deepEqual(await news.readState('log'), ['patient', 'every']);
    assert.deepEqual(await news.deadLetters(), []);
  });

  add('an update is discarded once so many newer ones of its method wait', async (place) => {
    const news = await (await open(place, { updates: 'off' })).instance(News, 'a');
    for (const n of times(8, (n) => n)) {
      await news.run('latest', { word: `l${n}` });
      await news.run('every', { word: `e${n}` });
    }
    await open(place, {});
    await news.flushUpdates();
    const log = (await news.readState('log')) as string[];
    assert.deepEqual(
      log.filter((word) => word.startsWith('l')),
      ['l5', 'l6', 'l7'],
    );
    assert.deepEqual(
      log.filter((word) => word.startsWith('e')),
      times(8, (n) => `e${n}`),
    );
  });

  add('who waits for a discarded update hears of it; accepted = applied + discarded + dead', async (place) => {
    const motion = await open(place, { updates: 'off' });
    const news = await motion.instance(News, 'a');
    const outcomes: string[] = [];
    const calls = times(12, (n) =>
      news.run(n % 4 === 3 ? 'broken' : 'latest', { word: `${n}` }, { flushUpdates: true }).then(
        () => void outcomes.push('applied'),
        (error) => void outcomes.push((error as { code: string }).code),
      ),
    );
    while ((await motion.inspect(News, 'a')).queued < 12) await pause(5);
    await open(place, {});
    await Promise.all(calls);
    const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length;
    assert.deepEqual([count('applied'), count('UPDATE_DISCARDED'), count('UPDATE_FAILED')], [3, 6, 3]);
    assert.equal((await news.readState('log')).length, 3);
    assert.equal((await news.deadLetters()).length, 3);
    await rejects(news.flushUpdates(), 'UPDATE_FAILED', /3 updates/);
  });
};
