import { expect, test, vi } from 'vitest';

// Two versions of the package in one program: a library's component, registered with the program's Motion.
async function load() {
  vi.resetModules();
  const { Component } = await import('../../src/component/component.js');
  const { Serve, Update } = await import('../../src/component/decorators.js');
  const { define } = await import('../../src/component/definition.js');
  const { isRemove, remove } = await import('../../src/component/remove.js');
  return { Component, Serve, Update, define, isRemove, remove };
}

test('two copies of the package understand each other', async () => {
  const one = await load();
  const two = await load();
  expect(one.Component).not.toBe(two.Component);

  class Base extends one.Component {
    @one.Serve('x') x() {}
    @one.Update('x') u() {}
  }
  // Even one class, decorated by both.
  class Sub extends Base {
    @two.Update('x') v() {}
    @one.Update('x') w() {}
  }
  for (const { define } of [one, two]) {
    expect(define(Sub).flows.get('x')?.serve?.method).toBe('x');
    expect(
      define(Sub)
        .flows.get('x')
        ?.updates.map((update) => update.name),
    ).toEqual(['u', 'v', 'w']);
  }
});

test('the marker that deletes a key is known, and cannot be forged by data', async () => {
  const one = await load();
  const two = await load();
  expect(one.remove).not.toBe(two.remove);
  expect(one.isRemove(one.remove)).toBe(true);
  expect(one.isRemove(two.remove)).toBe(true);
  expect(Object.isFrozen(one.remove)).toBe(true);
  for (const value of [undefined, null, 'remove', {}, [], Symbol.for('@motion-ts/core:remove'), { '~remove': true }])
    expect(one.isRemove(value)).toBe(false);
  expect(one.isRemove(JSON.parse('{"Symbol(@motion-ts/core:remove)":true}'))).toBe(false);
  expect(one.isRemove(Object.create(one.remove as object))).toBe(false);
});
