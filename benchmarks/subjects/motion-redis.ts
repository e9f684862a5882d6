import { RedisStore } from '@motion-ts/redis';
import type { MakeSubject } from '../subject.js';
import { motionOn } from './motion.js';
import { requests } from './redis-requests.js';

export const motionOnRedis: MakeSubject = motionOn(
  ({ server, name }) => new RedisStore({ url: server, namespace: name, onWarning: () => {} }),
  requests,
);
