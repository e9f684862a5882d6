// What must not compile: the line below each directive is an error, or the compiler reports the directive.
import { Component, InitState, type Props, Serve, type State, Update, type UpdateProps } from '@motion-ts/core';
import { motion } from './app.js';
import { BookRecommender } from './books.js';

interface S {
  likedBooks: string[];
  n: number;
}
class Bad extends Component<{
  params: { likedBooks: string[] };
  state: S;
  flows: {
    rec: { props: { genre: string }; result: string[] };
    chat: { props: { q: string }; chunk: string; result: number };
    like: { props: { t: string } };
  };
}> {
  // @ts-expect-error unknown flow
  @Serve('recs') async a(_: State<Bad>, _props: { genre: string }) {
    return ['x'];
  }
  // @ts-expect-error props do not fit
  @Serve('rec') async b(_: State<Bad>, _props: { genre: number }) {
    return ['x'];
  }
  // @ts-expect-error props ask for more than callers give
  @Serve('rec') async c(_: State<Bad>, _props: { genre: string; year: number }) {
    return ['x'];
  }
  // @ts-expect-error wrong result
  @Serve('rec') async d(_: State<Bad>, _props: Props<Bad, 'rec'>) {
    return [1];
  }
  // @ts-expect-error mutable state
  @Serve('rec') async e(_: S, _props: Props<Bad, 'rec'>) {
    return ['x'];
  }
  @Serve('rec') async f(state: State<Bad>, _props: Props<Bad, 'rec'>) {
    // @ts-expect-error writing to the state
    state.n = 1;
    // @ts-expect-error writing into the state
    state.likedBooks.push('x');
    return ['x'];
  }
  // @ts-expect-error wrong patch value
  @Update('rec') async g(_: State<Bad>, _props: UpdateProps<Bad, 'rec'>) {
    return { n: 'x' };
  }
  // @ts-expect-error unknown key in the patch
  @Update('rec') async h(_: State<Bad>, _props: UpdateProps<Bad, 'rec'>) {
    return { n: 1, m: 2 };
  }
  // @ts-expect-error serveResult of another type
  @Update('rec') async i(_: State<Bad>, _props: { genre: string; serveResult: number }) {
    return { n: 1 };
  }
  // @ts-expect-error a generator for a plain flow
  @Serve('rec') async *j(_: State<Bad>, _props: Props<Bad, 'rec'>) {
    yield 'x';
    return ['x'];
  }
  // @ts-expect-error a plain method for a streaming flow
  @Serve('chat') async k(_: State<Bad>, _props: Props<Bad, 'chat'>) {
    return 1;
  }
  // @ts-expect-error wrong chunk
  @Serve('chat') async *l(_: State<Bad>, _props: Props<Bad, 'chat'>) {
    yield 1;
    return 1;
  }
  // @ts-expect-error wrong end
  @Serve('chat') async *m(_: State<Bad>, _props: Props<Bad, 'chat'>) {
    yield 'a';
  }
  // @ts-expect-error incomplete state
  @InitState() n(_params: { likedBooks: string[] }) {
    return { n: 1 };
  }
  // @ts-expect-error params do not fit
  @InitState() o(params: { liked: string[] }) {
    return { n: 1, likedBooks: params.liked };
  }
  // @ts-expect-error a key that the state does not have
  @InitState() o2() {
    return { n: 1, likedBooks: [], m: 1 };
  }
  // @ts-expect-error a result for a flow without
  @Serve('like') p(_: State<Bad>, _props: { t: string }) {
    return 1;
  }
  // @ts-expect-error no flow of the method's name
  @Serve() q(_: State<Bad>) {
    return 1;
  }
  // @ts-expect-error unknown option
  @Serve('like', { ttl: 1 }) r() {}
  // @ts-expect-error the time to live is missing
  @Serve('like', { cache: {} }) r2() {}
  // @ts-expect-error a serve's option
  @Update('like', { cache: { ttlMs: 1 } }) r3() {}
  // @ts-expect-error nothing to discard by
  @Update('like', { discard: {} }) r4() {}
  // @ts-expect-error no patch
  @Update('like') r5() {
    return 1;
  }
}
// @ts-expect-error a misspelt member of a flow
class Bad2 extends Component<{ state: { n: number }; flows: { rec: { prop: object } } }> {}
// @ts-expect-error a misspelt member
class Bad3 extends Component<{ stat: { n: number } }> {}
class NotOne {
  // @ts-expect-error not a component
  @Serve('x') x() {}
}
class Bad4 extends Component {
  // @ts-expect-error a field
  @Serve('x') x = () => 1;
  // @ts-expect-error a static method
  @Serve('x') static y() {}
  // @ts-expect-error an accessor
  @Serve('x') get z() {
    return 1;
  }
}
// @ts-expect-error a class
@Serve('x')
class Bad5 extends Component {}

export async function use(): Promise<void> {
  const rec = await motion.instance(BookRecommender, 'u', { init: { likedBooks: [] } });
  // @ts-expect-error unknown flow
  await rec.run('recs', { genre: 'x' });
  // @ts-expect-error a prop of another type
  await rec.run('rec', { genre: 1 });
  // @ts-expect-error no props
  await rec.run('rec');
  // @ts-expect-error a prop too many
  await rec.run('rec', { genre: 'x', more: 1 });
  // @ts-expect-error an unknown option
  await rec.run('rec', { genre: 'x' }, { flush: true });
  // @ts-expect-error no streaming flow
  rec.stream('rec', { genre: 'x' });
  // @ts-expect-error a result of another type
  const numbers: number[] = await rec.run('rec', { genre: 'x' });
  // @ts-expect-error unknown key
  await rec.readState('liked');
  // @ts-expect-error unknown key
  await rec.writeState({ liked: 1 });
  // @ts-expect-error wrong value
  await rec.writeState({ likedBooks: [1] });
  // @ts-expect-error unknown flow
  await rec.flushUpdates('recs');
  // @ts-expect-error params are needed
  await motion.instance(BookRecommender, 'u');
  // @ts-expect-error params are needed
  await motion.instance(BookRecommender, 'u', {});
  // @ts-expect-error params are needed to create
  await motion.instance(BookRecommender, 'u', { existing: false });
  // @ts-expect-error params of another type
  await motion.instance(BookRecommender, 'u', { init: { likedBooks: [1] } });
  void numbers;
}
export { Bad, Bad2, Bad3, Bad4, Bad5, NotOne };
