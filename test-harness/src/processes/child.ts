import { type Store, StoreError } from '@motion-ts/core/store';
import type { Failure, Opening, Reply, Request } from './protocol.js';

/** The main module of a child process: opens a store and does with it what its parent asks. */

function send(reply: Reply): void {
  process.send?.(reply);
}

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  return StoreError.is(error) ? { code: error.code, message } : { message };
}

async function answer(store: Store, request: Request): Promise<void> {
  if ('watching' in request) {
    watch(store, request.watching);
    return;
  }
  const { call, method, args } = request;
  try {
    const value = await (store[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
    send({ call, value });
  } catch (error) {
    send({ call, failed: failureOf(error) });
  }
}

let stop: (() => void) | undefined;
function watch(store: Store, watching: boolean): void {
  stop?.();
  stop = watching ? store.watch?.((changed) => send({ changed })) : undefined;
}

try {
  const { module, argument } = JSON.parse(process.argv[2] ?? '') as Opening;
  const { open } = (await import(module)) as { open: (argument: unknown) => Store | Promise<Store> };
  const store = await open(argument);
  process.on('message', (request) => void answer(store, request as Request));
  // Without its parent it has nothing to do.
  process.on('disconnect', () => process.exit());
  send({ opened: store.limits, watchable: store.watch !== undefined });
} catch (error) {
  send({ failed: failureOf(error) });
  process.disconnect?.();
}
