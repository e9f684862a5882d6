import { expect, test } from 'vitest';
import { Cancellation } from '../src/cancellation.js';

test('tells its listeners, once, and those alone who listen still', () => {
  const cancellation = new Cancellation();
  const heard: string[] = [];
  const left = () => heard.push('left');
  cancellation.add(() => heard.push('stayed'));
  cancellation.add(left);
  cancellation.remove(left);
  expect(cancellation.isCancelled).toBe(false);
  cancellation.cancel(() => 'why');
  cancellation.cancel(() => 'too late');
  cancellation.add(() => heard.push('too late'));
  expect(heard).toEqual(['stayed']);
  expect(cancellation.isCancelled).toBe(true);
  expect(cancellation.reason).toBe('why');
});

test('makes its reason when it is asked for, and one only', () => {
  const cancellation = new Cancellation();
  let made = 0;
  expect(cancellation.reason).toBeUndefined();
  cancellation.cancel(() => new Error(`the ${++made}.`));
  expect(made).toBe(0);
  const { reason } = cancellation;
  expect(cancellation.reason).toBe(reason);
  expect(cancellation.signal.reason).toBe(reason);
  expect(made).toBe(1);
});

test('has a signal, whether it is asked for before or after', () => {
  for (const early of [true, false]) {
    const cancellation = new Cancellation();
    const before = early ? cancellation.signal : undefined;
    cancellation.cancel(() => 'why');
    expect(cancellation.signal).toBe(before ?? cancellation.signal);
    expect(cancellation.signal).toMatchObject({ aborted: true, reason: 'why' });
  }
});
