import { Redis } from 'ioredis';
import type { MakeSubject } from '../subject.js';
import { requests } from './redis-requests.js';

const APPLY = `
redis.call('HINCRBY', KEYS[1], 'count', 1)
redis.call('LPOP', KEYS[2])
`;

/**
 * The same durable steps by hand, with the driver alone: an append to a queue in one request, then one script for the
 * state's change and the removal from the queue. No lease, no fence, one process.
 */
export const bareRedis: MakeSubject = async ({ server, name }) => {
  const redis = new Redis(server);
  redis.defineCommand('apply', { numberOfKeys: 2, lua: APPLY });
  const { apply } = redis as unknown as { apply(state: string, queue: string): Promise<void> };
  return {
    async open(id, bytes) {
      const state = `${name}:state:${id}`;
      const queue = `${name}:queue:${id}`;
      await redis.hsetnx(state, 'count', '0');
      await redis.hsetnx(state, 'blob', JSON.stringify('x'.repeat(bytes)));
      const count = async (): Promise<number> => JSON.parse((await redis.hget(state, 'count')) ?? '0') as number;
      let last: Promise<void> = Promise.resolve();
      return {
        serve: async () => (await count()) + 1,
        async call(wait) {
          const result = (await count()) + 1;
          await redis.rpush(queue, JSON.stringify({ serveResult: result }));
          last = last.then(() => apply.call(redis, state, queue));
          if (wait) await last;
          return result;
        },
        flush: () => last,
        count,
      };
    },
    requests,
    async close() {
      redis.disconnect();
    },
  };
};
