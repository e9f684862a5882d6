import { PostgresStore } from '@motion-ts/postgres';
import type { MakeSubject } from '../subject.js';
import { motionOn } from './motion.js';
import { requests } from './postgres-requests.js';

export const motionOnPostgres: MakeSubject = motionOn(
  ({ server, name }) => new PostgresStore({ url: server, namespace: name }),
  requests,
);
