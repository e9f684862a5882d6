import type { MakeSubject } from '../subject.js';
import { bareSqlite } from './bare-sqlite.js';
import { motionOnMemory, motionOnSqlite } from './motion.js';

/** A subject, and the bare program that it is held against. */
export interface Contestant {
  readonly make: MakeSubject;
  readonly bare?: string;
}

export const contestants: Readonly<Record<string, Contestant>> = {
  'motion memory': { make: motionOnMemory },
  'motion sqlite NORMAL': { make: motionOnSqlite('NORMAL'), bare: 'bare sqlite NORMAL' },
  'bare sqlite NORMAL': { make: bareSqlite('NORMAL') },
  'motion sqlite FULL': { make: motionOnSqlite('FULL'), bare: 'bare sqlite FULL' },
  'bare sqlite FULL': { make: bareSqlite('FULL') },
};
