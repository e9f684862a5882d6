import { Component, type InitParams, InitState, Serve, type State, Update } from '@motion-ts/core';

/** The least a component can do, so that what is measured is the library. */
export class CounterComponent extends Component<{
  params: { bytes: number };
  state: { count: number; blob: string };
  flows: { look: { result: number }; add: { result: number } };
}> {
  static readonly componentName = 'Counter';

  @InitState() setup({ bytes }: InitParams<CounterComponent>) {
    return { count: 0, blob: 'x'.repeat(bytes) };
  }

  @Serve(['look', 'add']) async next(state: State<CounterComponent>) {
    return state.count + 1;
  }

  @Update('add') async increment(state: State<CounterComponent>) {
    return { count: state.count + 1 };
  }
}
