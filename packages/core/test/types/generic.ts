// biome-ignore-all lint/suspicious/noExplicitAny: components with type parameters leave a check out
// Components with type parameters of their own.
import { Component, InitState, Serve, type State, Update } from '@motion-ts/core';
import { motion } from './app.js';

abstract class Memo<V extends object> extends Component<{
  state: { last: V | null };
  flows: { get: { props: { k: string }; result: V } };
}> {
  abstract make(k: string): Promise<V>;
  @InitState() init() {
    return { last: null };
  }
  @Serve<any>('get') async get(state: State<Memo<V>>, props: { k: string }): Promise<V> {
    return (state.last as V) ?? this.make(props.k);
  }
  @Update<any>('get') async keep(_: State<Memo<V>>, props: { serveResult: V }) {
    return { last: props.serveResult };
  }
}
class Lengths extends Memo<{ a: number }> {
  async make(k: string) {
    return { a: k.length };
  }
}
export const result: Promise<{ a: number }> = motion
  .instance(Lengths, 'x')
  .then((lengths) => lengths.run('get', { k: 'a' }));
