// biome-ignore-all lint/suspicious/noExplicitAny: decorators of unknown kinds, and what the types forbid
import { describe, expect, inject, test } from 'vitest';
import { Component } from '../../src/component/component.js';
import type { ComponentClass } from '../../src/component/declare.js';
import { InitState, Serve, Update } from '../../src/component/decorators.js';
import { define } from '../../src/component/definition.js';
import { MotionError } from '../../src/errors.js';

/** The problems that a class is refused with, one a line. */
function problems(ctor: unknown): string[] {
  try {
    define(ctor as ComponentClass);
  } catch (error) {
    if (!MotionError.is(error, 'INVALID_COMPONENT')) throw error;
    return error.message.split('\n- ').slice(1);
  }
  throw new Error('the class was accepted');
}

test('the project runs with its kind of decorators', () => {
  let count = 0;
  const probe: any = (...args: unknown[]) => {
    count = args.length;
  };
  class A {
    @probe m() {}
  }
  expect(A).toBeDefined();
  expect(count).toBe(inject('decorators') === 'legacy' ? 3 : 2);
});

test('all problems of a class come at once', () => {
  class Base extends Component {
    @Serve('x', { timeoutMs: -1 }) a() {}
  }
  class Many extends Base {
    static readonly componentName = '';
    @Serve('y') b() {}
    @Serve('y') c() {}
    @Update('') d() {}
  }
  expect(() => define(Many)).toThrow(/^Many cannot be used as a component:\n- /);
  expect(problems(Many)).toEqual([
    'Many: componentName must not be empty',
    "Base.a, @Serve: 'timeoutMs' must be a number above 0 and at most 2147483647, not -1",
    "Many.c, @Serve: flow 'y' is served by b already",
    'Many.d, @Update: the name of a flow must not be empty',
  ]);
});

describe('slots taken twice', () => {
  test('serve', () => {
    class A extends Component {
      @Serve(['x', 'y']) a() {}
      @Serve('y') b() {}
      @Serve('y') c() {}
    }
    expect(problems(A)).toEqual([
      "A.b, @Serve: flow 'y' is served by a already",
      "A.c, @Serve: flow 'y' is served by b already",
    ]);
  });
  test('a flow twice in one list', () => {
    class A extends Component {
      @Serve(['x', 'x']) a() {}
      @Update(['y', 'y']) b() {}
    }
    expect(problems(A)).toEqual([
      "A.a, @Serve: flow 'x' is served by a already",
      "A.b, @Update: it is an update of flow 'y' already",
    ]);
  });
  test('updates of one stored name', () => {
    const a = Symbol('a');
    class A extends Component {
      @Update('x') a() {}
      @Update('x') [a]() {}
      @Update('x', { name: 'a' }) b() {}
      @Update('y', { name: 'a' }) c() {}
    }
    expect(problems(A)).toEqual([
      "A.Symbol(a), @Update: flow 'x' has an update 'a' already, a; give one a { name }",
      "A.b, @Update: flow 'x' has an update 'a' already, Symbol(a); give one a { name }",
    ]);
  });
  test('one method under two names', () => {
    class A extends Component {
      @Update('x', { name: 'one' }) @Update('x') a() {}
    }
    expect(problems(A)).toEqual(["A.a, @Update: it is an update of flow 'x' already"]);
  });
  test('@InitState', () => {
    class A extends Component {
      @InitState() a() {}
      @InitState() b() {}
    }
    expect(problems(A)).toEqual(['A.b, @InitState: there is another, a']);
  });
});

describe('names', () => {
  test.each([
    ['', 'must not be empty'],
    ['x'.repeat(201), 'must not be longer than 200 characters'],
    ['\ud800', 'must be well-formed, not "\\ud800"'],
    [7, 'must be a string, not 7'],
    [null, 'must be a string, not null'],
    [{}, 'must be a string, not an object'],
  ])('flow %j', (name, problem) => {
    class A extends Component {
      @Serve(name as string) a() {}
      @Update([name] as [string]) b() {}
    }
    if (name === null)
      expect(problems(A)).toHaveLength(1); // null in place of a flow is as good as none
    else expect(problems(A)[0]).toBe(`A.a, @Serve: the name of a flow ${problem}`);
    expect(problems(A).at(-1)).toBe(`A.b, @Update: the name of a flow ${problem}`);
  });
  test('no flow', () => {
    const key = Symbol('key');
    class A extends Component {
      @Serve() [key]() {}
      @Update([] as never) b() {}
    }
    expect(problems(A).sort()).toEqual([
      'A.Symbol(key), @Serve: name the flow: a symbol does not',
      'A.b, @Update: the list of flows is empty',
    ]);
  });
  test('update', () => {
    class A extends Component {
      @Update('x') [Symbol()]() {}
      @Update('x', { name: '' }) b() {}
      @Update('x', { name: 5 as never }) c() {}
    }
    expect(problems(A)).toEqual(
      expect.arrayContaining([
        "A.Symbol(), @Update: the method's name cannot be an update's: it must not be empty; give it a { name }",
        "A.b, @Update: 'name' must not be empty",
        "A.c, @Update: 'name' must be a string, not 5",
      ]),
    );
  });
  test.each([
    ['x'.repeat(101), 'componentName must not be longer than 100 characters'],
    [5, 'componentName must be a string, not 5'],
    ['\udfff', 'componentName must be well-formed, not "\\udfff"'],
  ])('component %j', (componentName, problem) => {
    class A extends Component {
      static readonly componentName = componentName;
    }
    expect(problems(A)).toEqual([`A: ${problem}`]);
  });
  test('a class without a name', () => {
    expect(problems((() => class extends Component {})())).toEqual([
      'a class without a name: a class without a name needs a static componentName',
    ]);
  });
  test('code version', () => {
    class A extends Component {
      static readonly codeVersion = 1;
    }
    expect(problems(A)).toEqual(['A: codeVersion must be a string']);
  });
});

describe('what cannot be decorated', () => {
  const serve: any = Serve('x');

  test('a static method', () => {
    class A extends Component {
      @serve static m() {}
    }
    expect(problems(A)).toEqual(['A.m, @Serve: decorates methods only; it is static']);
    class Sub extends A {}
    expect(problems(Sub)).toEqual(['A.m, @Serve: decorates methods only; it is static']);
  });
  test('a field', () => {
    class A extends Component {
      @serve f = () => 1;
    }
    expect(problems(A)).toEqual(['A.f, @Serve: decorates methods only; it is a field']);
  });
  test('an accessor', () => {
    class A extends Component {
      @serve get g() {
        return 1;
      }
    }
    expect(problems(A)[0]).toMatch(/^A.g, @Serve: decorates methods only; it is an? (accessor|getter)$/);
  });
  test('a private method', () => {
    // As the standard has it; the legacy transforms refuse it themselves.
    class A extends Component {}
    const metadata = {};
    Object.defineProperty(A, Symbol.metadata ?? Symbol.for('Symbol.metadata'), { value: metadata });
    serve(() => {}, { kind: 'method', name: '#m', static: false, private: true, metadata });
    expect(problems(A)).toEqual(['A.#m, @Serve: decorates methods only; it is private (#)']);
  });
  test('without metadata, at once', () => {
    expect(() => serve(undefined, { kind: 'field', name: 'f', static: false, private: false })).toThrow(
      'f cannot be decorated: it is a field',
    );
  });
  test('a method that something else overrides', () => {
    class Base extends Component {
      @Serve('x') m(): unknown {
        return 1;
      }
    }
    class Sub extends Base {}
    Object.defineProperty(Sub.prototype, 'm', {
      get() {
        throw new Error('called');
      },
    });
    expect(problems(Sub)).toEqual(['Base.m, @Serve: decorates methods only; it is overridden by something else']);
  });
  test.each([
    [class Plain {}, 'Plain does not extend Component'],
    [() => {}, 'a class without a name does not extend Component'],
    [Component, 'Component does not extend Component'],
    [undefined, 'undefined does not extend Component'],
    [{}, '[object Object] does not extend Component'],
  ])('no component: %#', (ctor, message) => {
    expect(() => define(ctor as never)).toThrow(message);
  });
});

describe('options', () => {
  const refused = (decorator: 'Serve' | 'Update', options: unknown): string[] => {
    const decorate: any = decorator === 'Serve' ? Serve('x', options as never) : Update('x', options as never);
    class A extends Component {
      @decorate m() {}
    }
    const prefix = `A.m, @${decorator}: `;
    return problems(A).map((problem) => {
      expect(problem).toContain(prefix);
      return problem.slice(prefix.length);
    });
  };
  test.each([
    [5, ['the options must be an object, not 5']],
    [[], ['the options must be an object, not an array']],
    [null, ['the options must be an object, not null']],
    [{ ttl: 1 }, ["unknown option 'ttl'; there are props, cache, timeoutMs"]],
    [{ props: {} }, ["'props' must be a Standard Schema (zod, valibot, arktype ...), not an object"]],
    [
      { props: { '~standard': null } },
      ["'props' must be a Standard Schema (zod, valibot, arktype ...), not an object"],
    ],
    [{ cache: true }, ["'cache' must be an object, not true"]],
    [{ cache: {} }, ["'cache' needs ttlMs"]],
    [{ cache: { ttlMs: 0 } }, ["'cache.ttlMs' must be a number above 0, not 0"]],
    [{ cache: { ttlMs: Number.NaN } }, ["'cache.ttlMs' must be a number above 0, not NaN"]],
    [{ cache: { ttlMs: '1' } }, ['\'cache.ttlMs\' must be a number above 0, not "1"']],
    [{ cache: { ttlMs: Number.POSITIVE_INFINITY } }, ["'cache.ttlMs' must be a number above 0, not Infinity"]],
    [
      { cache: { ttlMs: 1, scope: 'all', max: 1 } },
      [
        "unknown option 'cache.max'; there are cache.ttlMs, cache.scope",
        "'cache.scope' must be 'state-version' or 'any-version', not \"all\"",
      ],
    ],
    [{ timeoutMs: 2 ** 31 }, ["'timeoutMs' must be a number above 0 and at most 2147483647, not 2147483648"]],
  ])('@Serve %j', (options, expected) => {
    expect(refused('Serve', options)).toEqual(expected);
  });
  test.each([
    [{ cache: {} }, ["unknown option 'cache'; there are name, props, discard, retry, timeoutMs"]],
    [{ discard: {} }, ["'discard' needs afterUpdates or afterMs"]],
    [{ discard: { afterUpdates: 0 } }, ["'discard.afterUpdates' must be a whole number from 1, not 0"]],
    [{ discard: { afterUpdates: 1.5 } }, ["'discard.afterUpdates' must be a whole number from 1, not 1.5"]],
    [{ discard: { afterMs: -1 } }, ["'discard.afterMs' must be a number above 0, not -1"]],
    [{ retry: { attempts: 0 } }, ["'retry.attempts' must be a whole number from 1, not 0"]],
    [{ retry: { backoffMs: -1 } }, ["'retry.backoffMs' must be a number from 0, not -1"]],
    [{ retry: { backoffMs: 9, maxBackoffMs: 8 } }, ["'retry.maxBackoffMs' must not be below 'retry.backoffMs'"]],
    [{ retry: 3 }, ["'retry' must be an object, not 3"]],
    [{ props: 'schema' }, ['\'props\' must be a Standard Schema (zod, valibot, arktype ...), not "schema"']],
  ])('@Update %j', (options, expected) => {
    expect(refused('Update', options)).toEqual(expected);
  });
  test('undefined is as good as left out', () => {
    class A extends Component {
      @Serve('x', { cache: undefined, timeoutMs: undefined } as never) s() {}
      @Update('x', { discard: { afterMs: 1, afterUpdates: undefined } } as never) u() {}
    }
    expect(define(A).flows.get('x')).toEqual({
      name: 'x',
      serve: { method: 's' },
      updates: [{ flow: 'x', name: 'u', method: 'u', discard: { afterMs: 1 } }],
    });
  });
});
