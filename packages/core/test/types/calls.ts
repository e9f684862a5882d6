// biome-ignore-all lint/suspicious/noExplicitAny: what is not declared is any
// The types that calls have. Standard library only: this file is also compiled without any other types.
import type {
  AnyComponent,
  Chunk,
  FlowKey,
  FlowStream,
  Instance,
  Props,
  Result,
  RunArgs,
  State,
  StreamKey,
} from '@motion-ts/core';
import { motion, remote } from './app.js';
import type { BookRecommender, Loose } from './books.js';
import * as books from './books.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles if both types are the same. */
function same<A, B>(..._: Same<A, B> extends true ? [] : [different: [A, B]]): void {}
const typed = <T>(_: T) => ({
  is<U>(..._: Same<T, U> extends true ? [] : [different: [T, U]]): void {},
});

same<FlowKey<BookRecommender>, 'rec' | 'chat' | 'tokens' | 'like' | 'stats' | 'up' | 'down'>();
same<StreamKey<BookRecommender>, 'chat' | 'tokens'>();
same<Props<BookRecommender, 'like'>, { title: string }>();
same<Result<BookRecommender, 'tokens'>, string[]>();
same<Result<BookRecommender, 'like'>, void>();
same<Chunk<BookRecommender, 'chat'>, string>();
same<Chunk<BookRecommender, 'rec'>, never>();

export async function use(): Promise<void> {
  const rec = await motion.instance(books.BookRecommender, 'u', { init: { likedBooks: ['Emma'] } });
  typed(rec).is<Instance<BookRecommender>>();
  typed(await rec.run('rec', { genre: 'sf' })).is<string[]>();
  typed(await rec.run('like', { title: 'Emma' }, { flushUpdates: true, idempotencyKey: 'k' })).is<void>();
  typed(await rec.run('stats')).is<{ liked: number }>();
  typed(await rec.run('chat', { question: '' })).is<number>();
  typed(await rec.run('tokens', { text: '' }, { forceRefresh: true, ignoreCache: false })).is<string[]>();
  const stream = rec.stream('chat', { question: '' });
  typed(stream).is<FlowStream<string, number>>();
  for await (const chunk of stream) typed(chunk).is<string>();
  typed(await stream.result).is<number>();
  typed(await rec.readState()).is<State<BookRecommender>>();
  typed(await rec.readState('likedBooks')).is<readonly string[]>();
  typed((await rec.readState()).seen.at(0)?.tags).is<readonly string[] | undefined>();
  await rec.writeState({ likedBooks: ['a'] });
  await rec.writeState(await rec.readState());
  typed(await rec.version()).is<number>();
  await rec.flushUpdates();
  await rec.flushUpdates('rec');
  for (const letter of await rec.deadLetters()) await rec.redrive(letter.id);
  await rec.close();

  await motion.instance(books.BookRecommender, undefined, { init: { likedBooks: [] } });
  await motion.instance(books.BookRecommender, 'u', { existing: true });
  await motion.instance(books.BookRecommender, 'u', { init: { likedBooks: [] }, existing: false });
  const loose = await motion.instance(books.Loose);
  await motion.instance(books.Loose, 'x', { init: 1 });
  await motion.instance(books.Loose, undefined, { existing: true });
  typed(await loose.run('count', { by: 2 })).is<any>();
  typed(await loose.run('whatever')).is<any>();
}

export async function dispose(): Promise<void> {
  await using rec = remote<BookRecommender>();
  await rec.run('stats');
}

// Generic functions pass the arguments on.
function traced<C extends AnyComponent, K extends FlowKey<C>>(
  instance: Instance<C>,
  flow: K,
  ...args: RunArgs<C, K>
): Promise<Result<C, K>> {
  return instance.run(flow, ...args);
}
typed(traced(remote<BookRecommender>(), 'rec', { genre: 'x' })).is<Promise<string[]>>();
export async function each<C extends AnyComponent>(instance: Instance<C>): Promise<State<C>> {
  return instance.readState();
}
const anyInstance: Instance = remote<BookRecommender>();
typed(remote<Loose>().readState()).is<Promise<any>>();

export { anyInstance };
