// Loaded by child processes, which run what was built.
import { RedisStore } from '@motion-ts/redis';

export function open(options) {
  return new RedisStore({ onWarning: () => {}, ...options });
}
