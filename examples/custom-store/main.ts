/** A component on a store of one's own; see README.md. Run it several times, also at once. */
import { Component, InitState, Motion, Serve, type State, Update, type UpdateProps } from '@motion-ts/core';
import { readArguments, runProgram, wholeNumber } from '../command-line.js';
import { LogStore } from './log-store.js';

const USAGE = `Usage: npm run custom-store -w examples -- [options]

Counts visits in a store that is itself part of the example. Run it several times, also at once.

  --log PATH    the store's file (default: motion-visits.log)
  --visits N    visits of this run (default: 100)
  --help        this text`;

class Visits extends Component<{
  state: { count: number; byProcess: Record<string, number> };
  flows: { visit: { props: { by: string }; result: number } };
}> {
  @InitState() setup() {
    return { count: 0, byProcess: {} };
  }
  @Serve('visit') seen(state: State<Visits>) {
    return state.count;
  }
  @Update('visit') count(state: State<Visits>, { by }: UpdateProps<Visits, 'visit'>) {
    return { count: state.count + 1, byProcess: { ...state.byProcess, [by]: (state.byProcess[by] ?? 0) + 1 } };
  }
}

await runProgram(USAGE, async (stop) => {
  const options = readArguments({
    log: { type: 'string', default: 'motion-visits.log' },
    visits: { type: 'string', default: '100' },
    help: { type: 'boolean', default: false },
  });
  if (options.help) return console.log(USAGE);
  await using motion = new Motion({ store: new LogStore({ path: options.log }), lease: { ttlMs: 2_000 } });
  const visits = await motion.instance(Visits, 'front-door');
  const by = `process ${process.pid}`;
  const most = wholeNumber('visits', options.visits);
  let made = 0;
  for (; made < most && !stop.aborted; made++) await visits.run('visit', { by });
  await visits.flushUpdates();
  const { count, byProcess } = await visits.readState();
  console.log(`${by} made ${made} visits`);
  console.log(`${count} visits in all, by ${Object.keys(byProcess).length} processes`);
  console.log(`The state is in ${options.log}: try tail -n 2 on it`);
});
