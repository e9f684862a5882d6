#!/usr/bin/env node
import * as core from '@motion-ts/core';
import { describeFailure, shrink, simulateSeed, simulateSeeds } from './journal/run.js';

const USAGE = `usage:
  run <first seed> <count> [--rollback] [--shrink]   run seeds, print failures and totals
  replay <seed> [--rollback] [--trace]               run one seed twice and compare`;

const [mode = '', first = '1', second = '300'] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const flag = (name: string): boolean => process.argv.includes(`--${name}`);
const options = { core, rollback: flag('rollback') };

if (mode === 'run') {
  const totals = await simulateSeeds(Number(first), Number(second), {
    ...options,
    onFailure: (result) => console.log(describeFailure(result)),
    mostFailures: 20,
  });
  if (flag('shrink'))
    for (const { seed } of totals.failed)
      console.log(`seed ${seed} needs: ${(await shrink(seed, options)).join(', ')}`);
  const events = totals.counts['events'] ?? 0;
  console.log({
    seeds: totals.seeds,
    failed: totals.failed.length,
    seconds: Number(totals.seconds.toFixed(1)),
    eventsPerSecond: Math.round(events / totals.seconds),
    ...totals.counts,
  });
  process.exitCode = totals.failed.length > 0 ? 1 : 0;
} else if (mode === 'replay') {
  const trace = flag('trace') ? (line: string): void => console.log(line) : undefined;
  const once = await simulateSeed(Number(first), { ...options, ...(trace && { trace }) });
  const again = await simulateSeed(Number(first), options);
  console.log(once.problems.length > 0 ? describeFailure(once) : `seed ${first} is fine`);
  console.log(`hash ${once.hash}, again ${again.hash}`, once.counts);
  process.exitCode = once.problems.length > 0 || once.hash !== again.hash ? 1 : 0;
} else {
  console.log(USAGE);
  process.exitCode = 2;
}
