import {
  Component,
  type InitParams,
  InitState,
  Motion,
  type Props,
  Serve,
  type State,
  Update,
  type UpdateProps,
} from '@motion-ts/core';
import { type Store, StoreError } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { SqliteStore } from '@motion-ts/sqlite';
import { conformance, runtimeSuite } from '@motion-ts/test-harness';

class Greeter extends Component<{
  params: { greeting: string };
  state: { greeting: string; greeted: string[] };
  flows: { greet: { props: { name: string }; result: string } };
}> {
  @InitState() setup({ greeting }: InitParams<Greeter>): State<Greeter> {
    return { greeting, greeted: [] };
  }
  @Serve('greet') greet(state: State<Greeter>, { name }: Props<Greeter, 'greet'>): string {
    return `${state.greeting}, ${name}`;
  }
  @Update('greet') remember(
    state: State<Greeter>,
    { name }: UpdateProps<Greeter, 'greet'>,
  ): { greeted: readonly string[] } {
    return { greeted: [...state.greeted, name] };
  }
}

const stores: readonly Store[] = [new MemoryStore(), new SqliteStore({ path: 'consumer.db' })];
const out: string[] = [];
for (const store of stores) {
  const motion = new Motion({ store });
  const greeter = await motion.instance(Greeter, 'one', { init: { greeting: 'Hello' } });
  out.push(
    await greeter.run('greet', { name: 'Emma' }, { flushUpdates: true }),
    (await greeter.readState('greeted')).join(),
  );
  await motion.close();
}
if (
  typeof conformance !== 'function' ||
  typeof runtimeSuite !== 'function' ||
  !StoreError.is(new StoreError('full'), 'full')
)
  throw new Error('an export is missing');
(globalThis as { result?: string }).result = out.join('; ');
