import { Component, Update, type UpdateProps } from '@motion-ts/core';

/** Throws what one should not throw. */
export class Thrower extends Component<{
  state: { fine?: boolean };
  flows: { throw: { props: { what: string } }; fine: Record<never, never> };
}> {
  @Update('throw', { retry: { attempts: 1 } }) fail(_: unknown, { what }: UpdateProps<Thrower, 'throw'>): void {
    throw thrown(what);
  }
  @Update('fine') fine() {
    return { fine: true };
  }
}

function thrown(what: string): unknown {
  switch (what) {
    case 'undefined':
      return undefined;
    case 'null':
      return null;
    case 'object':
      return { code: 7 };
    case 'symbol':
      return Symbol('x');
    case 'frozen':
      return Object.freeze(new Error('frozen'));
    case 'getter':
      return Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('not even its message');
        },
      });
    case 'huge':
      return new Error('x'.repeat(5_000_000));
    case 'surrogate':
      return Object.assign(new Error('\ud800'), { name: '\ud800', code: '\udc00' });
    case 'loop': {
      const error = new Error('loop');
      error.cause = error;
      return error;
    }
    default:
      return what;
  }
}
