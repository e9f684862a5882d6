/** The Redis store. */
export type { RedisStoreOptions } from './options.js';
export { RedisStore } from './redis-store.js';
