/** Runs one workload on one subject, in this fresh process: `child.js <subject> <workload> <directory>`. Prints JSON. */
import { contestants } from './subjects/index.js';
import { workloads } from './workloads.js';

const [name = '', workload = '', directory = '.'] = process.argv.slice(2);
const contestant = contestants[name];
if (!contestant) throw new Error(`no subject '${name}'`);
const started = performance.now();
const subject = await contestant.make(directory);
let figures: readonly number[];
if (workload === 'fill') {
  const counter = await subject.open('one', 0);
  await counter.call(true);
  figures = [];
} else if (workload === 'W6') {
  const counter = await subject.open('one', 0);
  if ((await counter.serve()) !== 2) throw new Error('the instance was not there any more');
  // Since the imports, and since the process began.
  figures = [performance.now() - started, performance.now()];
} else {
  const found = workloads[workload];
  if (!found) throw new Error(`no workload '${workload}'`);
  figures = await found.run(subject);
}
await subject.close();
process.stdout.write(`${JSON.stringify(figures)}\n`);
