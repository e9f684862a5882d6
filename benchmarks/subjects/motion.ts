import { join } from 'node:path';
import { Motion } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';
import { MemoryStore } from '@motion-ts/memory';
import { SqliteStore } from '@motion-ts/sqlite';
import { CounterComponent } from '../counter.js';
import type { MakeSubject } from '../subject.js';

const onStore =
  (makeStore: (directory: string) => Store): MakeSubject =>
  async (directory) => {
    const motion = new Motion({ store: makeStore(directory) });
    return {
      async open(id, bytes) {
        const counter = await motion.instance(CounterComponent, id, { init: { bytes } });
        return {
          serve: () => counter.run('look'),
          call: (flushUpdates) => (flushUpdates ? counter.run('add', undefined, { flushUpdates }) : counter.run('add')),
          flush: () => counter.flushUpdates(),
          count: () => counter.readState('count'),
        };
      },
      close: () => motion.close(),
    };
  };

export const motionOnMemory: MakeSubject = onStore(() => new MemoryStore());
export const motionOnSqlite = (synchronous: 'FULL' | 'NORMAL'): MakeSubject =>
  onStore((directory) => new SqliteStore({ path: join(directory, 'motion.db'), synchronous }));
