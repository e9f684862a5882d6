// Loaded by child processes, which run what was built.
import { SqliteStore } from '@motion-ts/sqlite';
import { BROKEN_STORES } from '@motion-ts/test-harness';

export function open({ path, broken }) {
  const good = new SqliteStore({ path, synchronous: 'NORMAL' });
  return broken === undefined ? good : BROKEN_STORES.find(({ name }) => name === broken).breakIt(good);
}
