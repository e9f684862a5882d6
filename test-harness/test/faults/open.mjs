// Loaded by child processes, which run what was built.
import { SqliteStore } from '@motion-ts/sqlite';

export function open(options) {
  return new SqliteStore(options);
}
