import { idle } from './idle.js';
import { type Workload, workloads } from './workloads.js';

/** All that is measured but the cold start, which is a matter of processes. */
export const all: Readonly<Record<string, Workload>> = { ...workloads, idle };
