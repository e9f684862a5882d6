// biome-ignore-all lint/suspicious/noExplicitAny: decorators of unknown kinds, and what the types forbid
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Component } from '../../src/component/component.js';
import type { ComponentClass } from '../../src/component/declare.js';
import { InitState, Serve, Update } from '../../src/component/decorators.js';
import { define, findUpdate } from '../../src/component/definition.js';

const flow = (ctor: ComponentClass, name: string) => define(ctor).flows.get(name);
const updates = (ctor: ComponentClass, name: string) => flow(ctor, name)?.updates.map((update) => update.name);
// Components without declared types take any method.
class Rec extends Component {
  @InitState() setup(_params: object) {
    return {};
  }
  @Serve('rec', { cache: { ttlMs: 5 }, timeoutMs: 7 }) recommend() {
    return 'base';
  }
  @Update('rec', { discard: { afterUpdates: 3 }, retry: { attempts: 2, backoffMs: 0 }, timeoutMs: 9 }) learn() {}
  @Update('rec', { name: 'count2' }) count() {}
  @Serve() stats() {}
  @Update('like') addLike() {}
}

describe('one class', () => {
  test('has its flows, in order, with what their options say', () => {
    const definition = define(Rec);
    expect(definition).toMatchObject({ name: 'Rec', ctor: Rec, codeVersion: '', init: { method: 'setup', arity: 1 } });
    expect([...definition.flows.keys()]).toEqual(['rec', 'stats', 'like']);
    expect(definition.flows.get('rec')).toEqual({
      name: 'rec',
      serve: { method: 'recommend', cache: { ttlMs: 5, scope: 'state-version' }, timeoutMs: 7 },
      updates: [
        {
          flow: 'rec',
          name: 'learn',
          method: 'learn',
          discard: { afterUpdates: 3 },
          retry: { attempts: 2, backoffMs: 0 },
          timeoutMs: 9,
        },
        { flow: 'rec', name: 'count2', method: 'count' },
      ],
    });
    expect(definition.flows.get('like')).toEqual({
      name: 'like',
      updates: [{ flow: 'like', name: 'addLike', method: 'addLike' }],
    });
  });

  test('is defined once', () => {
    expect(define(Rec)).toBe(define(Rec));
  });

  test('finds an update by the names it is stored under', () => {
    expect(findUpdate(define(Rec), 'rec', 'count2')?.method).toBe('count');
    expect(findUpdate(define(Rec), 'rec', 'count')).toBeUndefined();
    expect(findUpdate(define(Rec), 'none', 'count2')).toBeUndefined();
  });

  test('may name itself and its code', () => {
    class Named extends Component {
      static readonly componentName = 'other';
      static readonly codeVersion = '2';
    }
    class Sub extends Named {}
    expect(define(Named)).toMatchObject({ name: 'other', codeVersion: '2' });
    expect(define(Sub)).toMatchObject({ name: 'Sub', codeVersion: '2' });
  });

  test('needs no @InitState and no params', () => {
    class A extends Component {
      @InitState() setup() {}
    }
    class B extends Component {}
    expect(define(A).init).toEqual({ method: 'setup', arity: 0 });
    expect(define(B)).not.toHaveProperty('init');
    expect(define(B).flows.size).toBe(0);
  });
});

describe('flow names', () => {
  test('a list is one method for each', () => {
    class Votes extends Component {
      @Serve(['up', 'down']) vote() {}
      @Update(['up', 'down'], { discard: { afterMs: 5 } }) count() {}
    }
    expect([...define(Votes).flows.keys()]).toEqual(['up', 'down']);
    expect(flow(Votes, 'down')).toEqual({
      name: 'down',
      serve: { method: 'vote' },
      updates: [{ flow: 'down', name: 'count', method: 'count', discard: { afterMs: 5 } }],
    });
  });

  test('several decorators on one method', () => {
    class Both extends Component {
      @Serve('a') @Serve('b') @Update('c') @Update('d') any() {}
    }
    expect([...define(Both).flows.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('symbols name no flow, but their description names an update', () => {
    const key = Symbol('key');
    class Keyed extends Component {
      @Serve('f') [Symbol.iterator]() {}
      @Update('f') [key]() {}
    }
    expect(flow(Keyed, 'f')?.serve?.method).toBe(Symbol.iterator);
    expect(flow(Keyed, 'f')?.updates).toEqual([{ flow: 'f', name: 'key', method: key }]);
  });

  test('any text of up to 200 characters will do', () => {
    const odd = ['__proto__', 'a/b:c', '\0', '名前', 'x'.repeat(200)] as const;
    class Odd extends Component {
      @Serve(odd as unknown as [string]) a() {}
    }
    expect([...define(Odd).flows.keys()]).toEqual(odd);
  });
});

describe('inheritance', () => {
  test('an undecorated override is used, and its base left alone', () => {
    class Sub extends Rec {
      override setup() {
        return {};
      }
      override recommend() {
        return 'sub';
      }
      @Serve('top') top() {}
      @Update('rec') alsoLearn() {}
    }
    expect(define(Sub).init?.arity).toBe(0);
    expect(flow(Sub, 'rec')?.serve?.method).toBe('recommend');
    expect(new Sub().recommend()).toBe('sub');
    expect([...define(Sub).flows.keys()]).toEqual(['rec', 'stats', 'like', 'top']);
    expect(updates(Sub, 'rec')).toEqual(['learn', 'count2', 'alsoLearn']);
    expect(updates(Rec, 'rec')).toEqual(['learn', 'count2']);
    expect([...define(Rec).flows.keys()]).toEqual(['rec', 'stats', 'like']);
    expect(define(Rec).init?.arity).toBe(1);
  });

  test("@Serve and @InitState replace the base's", () => {
    class Sub extends Rec {
      @InitState() other() {}
      @Serve('rec') otherRec() {}
    }
    expect(define(Sub).init?.method).toBe('other');
    expect(flow(Sub, 'rec')?.serve).toEqual({ method: 'otherRec' });
  });

  test("@Update takes the place of the base's of the same name", () => {
    class ByMethod extends Rec {
      @Update('rec', { timeoutMs: 1 }) override learn() {}
    }
    class ByName extends Rec {
      @Update('rec', { name: 'learn' }) study() {}
    }
    class Renamed extends Rec {
      @Update('rec') override count() {}
    }
    expect(flow(ByMethod, 'rec')?.updates[0]).toEqual({ flow: 'rec', name: 'learn', method: 'learn', timeoutMs: 1 });
    expect(flow(ByName, 'rec')?.updates[0]).toEqual({ flow: 'rec', name: 'learn', method: 'study' });
    expect(updates(ByMethod, 'rec')).toEqual(['learn', 'count2']);
    expect(updates(ByName, 'rec')).toEqual(['learn', 'count2']);
    // The same method would run twice under two names.
    expect(updates(Renamed, 'rec')).toEqual(['learn', 'count']);
  });

  test('a class between may declare nothing', () => {
    class Between extends Rec {}
    class Last extends Between {
      @Update('rec') more() {}
    }
    expect(updates(Between, 'rec')).toEqual(['learn', 'count2']);
    expect(updates(Last, 'rec')).toEqual(['learn', 'count2', 'more']);
  });

  test('an abstract base may leave the method to its subclasses', () => {
    abstract class Base extends Component {
      abstract answer(): string;
      @Serve('ask') ask() {
        return this.answer();
      }
    }
    class Yes extends Base {
      answer() {
        return 'yes';
      }
    }
    expect(flow(Yes, 'ask')?.serve?.method).toBe('ask');
  });
});

describe('schemas', () => {
  const schema = z.object({ n: z.number() });
  const other = z.object({ n: z.number() });

  test('are of the flow: from its serve, or an update', () => {
    class A extends Component {
      @Serve('s', { props: schema }) s() {}
      @Update('s') u() {}
      @Update('only', { props: other }) v() {}
      @Serve('both', { props: schema }) b() {}
      @Update('both', { props: schema }) w() {}
    }
    expect(flow(A, 's')?.schema).toBe(schema);
    expect(flow(A, 'only')?.schema).toBe(other);
    expect(flow(A, 'both')?.schema).toBe(schema);
  });

  test('cannot differ within a flow', () => {
    class A extends Component {
      @Serve('s', { props: schema }) s() {}
      @Update('s', { props: other }) u() {}
    }
    expect(() => define(A)).toThrow("A, flow 's': its methods name 2 schemas as props; name the same everywhere");
  });
});

describe('other decorators', () => {
  const wrap: any = (first: any, _second: any, descriptor?: any) => {
    const around = (method: any) =>
      function (this: unknown, ...args: unknown[]) {
        return method.apply(this, args);
      };
    if (!descriptor) return around(first);
    descriptor.value = around(descriptor.value);
    return descriptor;
  };

  test('may wrap the method, outside and inside', () => {
    class Wrapped extends Component {
      @wrap @Serve('x') x() {}
      @Serve('y') @wrap y() {}
      @wrap @Update('x') @wrap z() {}
    }
    expect([...define(Wrapped).flows.keys()]).toEqual(['x', 'y']);
    expect(updates(Wrapped, 'x')).toEqual(['z']);
  });
});

test('transforms without metadata leave it on the methods', () => {
  class Bare extends Component {
    rec() {}
    learn() {}
  }
  const decorate = (decorator: any, name: 'rec' | 'learn') =>
    decorator(Bare.prototype[name], { kind: 'method', name, static: false, private: false });
  decorate(Serve('rec'), 'rec');
  decorate(Update('rec'), 'learn');
  class Sub extends Bare {}
  for (const ctor of [Bare, Sub]) {
    expect(flow(ctor, 'rec')?.serve?.method).toBe('rec');
    expect(updates(ctor, 'rec')).toEqual(['learn']);
  }
});
