/** Visits that are counted in one SQLite file, and from some day on in another; see docs/moving-stores.md. */
import { Component, InitState, Motion, type State, Update } from '@motion-ts/core';
import { SqliteStore } from '@motion-ts/sqlite';
import { readArguments, runProgram, wholeNumber } from '../command-line.js';
import { move } from './move.js';

const USAGE = `Usage: npm run moving-stores -w examples -- [options]

Counts visits at many doors in one SQLite file, leaves some of them queued, and moves all doors to another file.

  --from PATH   the file to begin with (default: motion-old.db)
  --to PATH     the file to move to (default: motion-new.db)
  --doors N     how many instances (default: 200)
  --help        this text`;

class Door extends Component<{ state: { visits: number }; flows: { visit: { props: { by: string } } } }> {
  @InitState() setup() {
    return { visits: 0 };
  }
  @Update('visit') count({ visits }: State<Door>) {
    return { visits: visits + 1 };
  }
}

await runProgram(USAGE, async (stop) => {
  const options = readArguments({
    from: { type: 'string', default: 'motion-old.db' },
    to: { type: 'string', default: 'motion-new.db' },
    doors: { type: 'string', default: '200' },
    help: { type: 'boolean', default: false },
  });
  if (options.help) return console.log(USAGE);
  const doors = wholeNumber('doors', options.doors);
  const [from, to] = [new SqliteStore({ path: options.from }), new SqliteStore({ path: options.to })];

  // Visits that nobody counts yet: they move along.
  const before = new Motion({ store: from, updates: 'off', closeStore: false });
  for (let n = 0; n < doors && !stop.aborted; n++) {
    const door = await before.instance(Door, `door-${n}`).catch((error) => {
      if (error.code !== 'INSTANCE_MOVED') throw error;
    });
    await door?.run('visit', { by: 'me' }, { idempotencyKey: 'first' });
  }
  await before.close();

  await move(from, to, [Door], stop);

  await using after = new Motion({ store: to });
  let visits = 0;
  for await (const id of after.instances(Door)) {
    const door = await after.instance(Door, id, { existing: true });
    // Made again with its key, because nobody remembers whether it was made: it counts once.
    await door.run('visit', { by: 'me' }, { idempotencyKey: 'first' });
    await door.flushUpdates();
    visits += await door.readState('visits');
  }
  console.log(`${visits} visits are counted in ${options.to}`);
  await from.close();
});
