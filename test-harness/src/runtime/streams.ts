import assert from 'node:assert/strict';
import { Component, type FlowContext, InitState, type Instance, Serve, type State, Update } from '@motion-ts/core';
import { all, errorOf, eventually, rejects } from './checks.js';
import { decorate, openJournal } from './journal.js';
import type { Place } from './place.js';
import type { Group } from './suite.js';

/** Its serves give words one by one. */
class Speaker extends Component<{
  state: { log: string[] };
  flows: {
    count: { props: { text: string; fail?: number; hang?: boolean }; chunk: string; result: number };
    bare: { props: { text: string }; chunk: string };
    plain: { props: { text: string }; chunk: string };
    kept: { props: { text: string }; chunk: string };
    mute: Record<never, never>;
  };
}> {
  readonly events: string[] = [];
  served = 0;

  setup(): object {
    return { log: [] };
  }
  async *count(
    _: unknown,
    { text, fail, hang }: { text: string; fail?: number; hang?: boolean },
    { signal }: FlowContext,
  ): AsyncGenerator<string, number> {
    let n = 0;
    try {
      for (const word of text.split(' ')) {
        if (n === fail) throw new RangeError(`failed at ${n}`);
        if (hang && n === 1) await new Promise(() => {});
        n++;
        this.events.push(word);
        yield word;
      }
      return n;
    } finally {
      this.events.push(signal.aborted ? 'closed, aborted' : 'closed');
    }
  }
  async *bare(_: unknown, { text }: { text: string }): AsyncGenerator<string, void> {
    this.served++;
    yield* text.split(' ');
  }
  *plain(_: unknown, { text }: { text: string }): Generator<string, void> {
    yield* text.split(' ');
  }
  heard(state: State<Speaker>, { serveResult }: { serveResult: unknown }): object {
    return { log: [...state.log, JSON.stringify(serveResult)] };
  }
}
decorate(Speaker, {
  setup: InitState(),
  count: Serve('count'),
  bare: [Serve('bare'), Serve('kept', { cache: { ttlMs: 60_000, scope: 'any-version' } })],
  plain: Serve('plain'),
  heard: Update(['count', 'bare', 'plain', 'kept', 'mute']),
});

async function open(place: Place): Promise<{ speaker: Instance<Speaker>; component: Speaker }> {
  const component = new Speaker();
  const motion = (await place.motion()).register(Speaker, () => component);
  return { speaker: await motion.instance(Speaker, 'a'), component };
}

export const streams: Group = (add) => {
  add('a stream gives chunks as they are taken, then a result, and queues its updates at its end', async (place) => {
    const { speaker, component } = await open(place);
    const stream = speaker.stream('count', { text: 'a b c' });
    const heard: string[] = [];
    for await (const word of stream) {
      heard.push(word);
      assert.deepEqual(component.events, heard, 'the serve runs ahead of its caller');
      assert.deepEqual(await speaker.readState('log'), []);
    }
    assert.deepEqual(heard, ['a', 'b', 'c']);
    assert.equal(await stream.result, 3);
    await speaker.flushUpdates();
    assert.deepEqual(await speaker.readState('log'), ['3']);
  });

  add('any kind of generator streams; without a result of its own it results in its chunks', async (place) => {
    const { speaker } = await open(place);
    for (const flow of ['bare', 'plain'] as const) {
      const stream = speaker.stream(flow, { text: 'a b' });
      assert.deepEqual(await all(stream), ['a', 'b']);
      assert.deepEqual(await stream.result, ['a', 'b']);
      assert.deepEqual(await speaker.run(flow, { text: 'c d' }), ['c', 'd']);
    }
    assert.equal(await speaker.run('count', { text: 'a b' }), 2);
    await speaker.flushUpdates();
    const log = ['["a","b"]', '["c","d"]', '["a","b"]', '["c","d"]', '2'];
    assert.deepEqual(await speaker.readState('log'), log);
  });

  add('with flushUpdates a stream ends when its updates are in the state', async (place) => {
    const { speaker } = await open(place);
    await all(speaker.stream('count', { text: 'a' }, { flushUpdates: true }));
    assert.deepEqual(await speaker.readState('log'), ['1']);
  });

  add('left early: the generator is closed and told; nothing is cached or queued', async (place) => {
    const { speaker, component } = await open(place);
    const stream = speaker.stream('count', { text: 'a b c' });
    for await (const word of stream) if (word === 'b') break;
    await eventually('the generator is closed', () => component.events.at(-1) === 'closed, aborted');
    await rejects(stream.result, 'ABORTED', /'count'/);
    for await (const _ of speaker.stream('kept', { text: 'x y' })) break;
    assert.deepEqual(await all(speaker.stream('kept', { text: 'x y' })), ['x', 'y']);
    assert.equal(component.served, 2);
    await speaker.flushUpdates();
    assert.deepEqual(await speaker.readState('log'), ['["x","y"]']);
  });

  add('left before the first chunk, its result settles', async (place) => {
    const { speaker, component } = await open(place);
    const stream = speaker.stream('count', { text: 'a' });
    await stream[Symbol.asyncIterator]().return?.();
    await rejects(stream.result, 'ABORTED');
    assert.deepEqual(component.events, []);
  });

  add('one that fails throws what the method threw, after the chunks before it; nothing is queued', async (place) => {
    const { speaker } = await open(place);
    const stream = speaker.stream('count', { text: 'a b c', fail: 2 });
    const heard: string[] = [];
    const error = await errorOf(
      (async () => {
        for await (const word of stream) heard.push(word);
      })(),
    );
    assert.ok(error instanceof RangeError);
    assert.equal(await errorOf(stream.result), error);
    assert.deepEqual(heard, ['a', 'b']);
    await speaker.flushUpdates();
    assert.equal(await speaker.version(), 1);
  });

  add('one that hangs is given up by its caller’s signal', async (place) => {
    const { speaker, component } = await open(place);
    const controller = new AbortController();
    const stream = speaker.stream('count', { text: 'a b', hang: true }, { signal: controller.signal });
    const taking = rejects(all(stream), 'ABORTED');
    await eventually('it gave a chunk', () => component.events.includes('a'));
    controller.abort(new Error('enough'));
    await taking;
    const { cause } = await rejects(stream.result, 'ABORTED');
    assert.equal((cause as Error).message, 'enough');
  });

  add('one whose Motion closes in its midst ends with CLOSED', async (place) => {
    const component = new Speaker();
    const motion = (await place.motion()).register(Speaker, () => component);
    const stream = (await motion.instance(Speaker, 'a')).stream('count', { text: 'a b c' });
    const taking = (async () => {
      for await (const _ of stream) await motion.close();
    })();
    await rejects(taking, 'CLOSED');
    await rejects(stream.result, 'CLOSED');
  });

  add('a flow that is not there, one without a serve, props that are none', async (place) => {
    const { speaker } = await open(place);
    await rejects(all(speaker.stream('nope' as 'bare', { text: '' })), 'UNKNOWN_FLOW', /'nope'/);
    await rejects(all(speaker.stream('mute' as 'bare', { text: '' })), 'UNKNOWN_FLOW', /'mute'/);
    await rejects(all(speaker.stream('bare', [] as never)), 'INVALID_PROPS', /'bare' of Speaker\/a/);
    const { journal } = await openJournal(place);
    assert.deepEqual(await all(journal.stream('add' as never, { word: 'x' } as never)), []);
  });
};
