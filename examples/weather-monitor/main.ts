/** Four years of Seattle's weather, day by day; see README.md. */
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Motion } from '@motion-ts/core';
import { SqliteStore } from '@motion-ts/sqlite';
import { readArguments, runProgram, UsageError, wholeNumber } from '../command-line.js';
import { readDays, units } from './weather.js';
import { type Anomaly, WeatherMonitor } from './weather-monitor.js';

const USAGE = `Usage: npm run weather -w examples -- [options]

Watches four years of Seattle's weather day by day and tells the days that were unusual.

  --db PATH   the SQLite file with the state (default: motion-weather.db)
  --days N    observe at most so many days in this run (default: all there are)
  --reset     forget what earlier runs observed, then start
  --help      this text`;

await runProgram(USAGE, async (stop) => {
  const options = readArguments({
    db: { type: 'string', default: 'motion-weather.db' },
    days: { type: 'string' },
    reset: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (options.help) return console.log(USAGE);
  if (options.db === '') throw new UsageError('--db takes the path of a file');
  const most = options.days === undefined ? Number.POSITIVE_INFINITY : wholeNumber('days', options.days);
  const path = resolve(options.db);
  const days = readDays();

  await using motion = new Motion({
    // A power loss may take the latest days back: they would be observed again. So no day need wait for the disk.
    store: new SqliteStore({ path, synchronous: 'NORMAL' }),
    lease: { ttlMs: 2_000 },
  });
  if (options.reset) await motion.clear(WeatherMonitor, 'seattle');
  const monitor = await motion.instance(WeatherMonitor, 'seattle');
  // What a run left queued that was killed.
  await monitor.flushUpdates();

  const { days: known, latest, anomalies: earlier } = await monitor.readState();
  const todo = days.filter(({ date }) => latest === null || date > latest).slice(0, most);
  console.log(`Seattle, ${days.length} days from ${days[0]?.date} to ${days.at(-1)?.date}`);
  if (latest !== null) {
    const what = todo.length > 0 ? `going on after ${latest}` : 'nothing is left to observe';
    console.log(`Found ${known} days from an earlier run: ${what}`);
  }
  if (earlier.length > 0) console.log(`\nUnusual days found earlier:\n${describe(earlier)}`);
  if (todo.length > 0) console.log('\nUnusual days:');

  const begun = performance.now();
  let observed = 0;
  for (const day of todo) {
    if (stop.aborted) break;
    // The next day is to be judged by a state that has this one: so the update is waited for. The key makes a day count
    // once, even if another process observes it, too.
    const found = await monitor.run('observe', day, { flushUpdates: true, idempotencyKey: day.date });
    if (found.length > 0) console.log(describe(found));
    observed++;
    // SQLite answers within the turn, so this loop would never leave it: let Ctrl-C be heard between two days.
    await setImmediate();
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);

  const { days: total, anomalies } = await monitor.readState();
  console.log(observed > 0 ? `\n${observed} days observed in ${seconds} s` : '');
  console.log(`${total} of ${days.length} days are observed, with ${anomalies.length} unusual values.`);
  console.log(`The state is in ${path}`);
  if (stop.aborted) console.log('Stopped: run again to go on.');
});

function describe(anomalies: readonly Anomaly[]): string {
  return anomalies
    .map(({ date, variable, value, z }) => {
      const sign = z > 0 ? '+' : '−';
      return `  ${date}  ${variable.padEnd(20)}${`${value} ${units[variable]}`.padStart(9)}   z ${sign}${Math.abs(z).toFixed(1)}`;
    })
    .join('\n');
}
