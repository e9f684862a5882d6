/** Runs one workload on one subject, in this fresh process: `child.js <subject> <workload> <place>`. Prints JSON. */

import { all } from './all.js';
import type { Place } from './subject.js';
import { contestants } from './subjects/index.js';
import { type Measured, scaleOf } from './workloads.js';

const [name = '', workload = '', place = '{}'] = process.argv.slice(2);
const contestant = contestants[name];
if (!contestant) throw new Error(`no subject '${name}'`);
const make = await contestant.load();
const started = performance.now();
const subject = await make(JSON.parse(place) as Place);
let measured: Measured;
if (workload === 'fill') {
  const counter = await subject.open('one', 0);
  await counter.call(true);
  measured = { figures: [] };
} else if (workload === 'W6') {
  const counter = await subject.open('one', 0);
  if ((await counter.serve()) !== 2) throw new Error('the instance was not there any more');
  // Since the imports, and since the process began.
  measured = { figures: [performance.now() - started, performance.now()] };
} else {
  const found = all[workload];
  if (!found) throw new Error(`no workload '${workload}'`);
  measured = await found.run(subject, scaleOf(contestant.slow ?? false));
}
await subject.close();
process.stdout.write(`${JSON.stringify(measured)}\n`);
