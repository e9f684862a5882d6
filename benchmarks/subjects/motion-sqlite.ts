import { join } from 'node:path';
import { SqliteStore } from '@motion-ts/sqlite';
import type { MakeSubject } from '../subject.js';
import { motionOn } from './motion.js';

export const motionOnSqlite = (synchronous: 'FULL' | 'NORMAL'): MakeSubject =>
  motionOn(({ directory }) => new SqliteStore({ path: join(directory, 'motion.db'), synchronous }));
