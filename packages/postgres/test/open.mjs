// Loaded by child processes, which run what was built.
import { PostgresStore } from '@motion-ts/postgres';

export function open(options) {
  return new PostgresStore(options);
}
