#!/usr/bin/env node
import * as core from '@motion-ts/core';
import { describeFailure, shrink, simulateSeed, simulateSeeds } from './journal/run.js';

const USAGE = `Usage: npm run simulate -- <what> [options]

  run <first seed> <count>   run seeds, print the failures and what happened how often
    --shrink                 of each failure: the kinds of trouble that it takes
  replay <seed>              run one seed twice and compare
    --trace                  print all that happens, line by line

  --rollback                 now and then a replica takes over that lacks the last commits`;

const KNOWN = ['rollback', 'shrink', 'trace'];
const given = process.argv.slice(2);
const flags = given.filter((argument) => argument.startsWith('--')).map((argument) => argument.slice(2));
const [mode = '', ...numbers] = given.filter((argument) => !argument.startsWith('--'));
const [first = 1, count = 300] = numbers.map(Number);
const options = { core, rollback: flags.includes('rollback') };
const isValid =
  [first, count].every((number) => Number.isSafeInteger(number) && number >= 0) &&
  flags.every((flag) => KNOWN.includes(flag));

async function run(): Promise<boolean> {
  const { failed, seeds, seconds, counts } = await simulateSeeds(first, count, { ...options, mostFailures: 20 });
  for (const result of failed) {
    const needs = flags.includes('shrink') ? (await shrink(result.seed, options)).needs : undefined;
    console.log(describeFailure(result, needs));
  }
  const eventsPerSecond = Math.round((counts['events'] ?? 0) / seconds);
  console.log({ seeds, failed: failed.length, seconds: Number(seconds.toFixed(1)), eventsPerSecond, ...counts });
  return failed.length === 0;
}

async function replay(): Promise<boolean> {
  const trace = flags.includes('trace') ? { trace: (line: string): void => console.log(line) } : {};
  const once = await simulateSeed(first, { ...options, ...trace });
  const again = await simulateSeed(first, options);
  console.log(once.problems.length > 0 ? describeFailure(once) : `seed ${first} is fine`);
  console.log(`hash ${once.hash}, again ${again.hash}`, once.counts);
  return once.problems.length === 0 && once.hash === again.hash;
}

// Who reads the first lines only is no failure.
process.stdout.on('error', () => process.exit());
if (isValid && mode === 'run') process.exitCode = (await run()) ? 0 : 1;
else if (isValid && mode === 'replay') process.exitCode = (await replay()) ? 0 : 1;
else {
  console.log(USAGE);
  process.exitCode = 2;
}
