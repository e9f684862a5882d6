/** The conformance suite for stores, and what else proves a store right. */

export { BROKEN_STORES, type BrokenStore, overLink, SimulatedLink } from './broken/index.js';
export {
  type ConformanceOptions,
  type ConformanceReport,
  conformance,
  type FailedCase,
  type Faults,
  formatReport,
  type Level,
  type LevelReport,
  type ProcessOptions,
  type Runner,
  type Supports,
} from './conformance/index.js';
export * from './faults/index.js';
export { type InProcessOptions, openInProcess, type StoreInProcess } from './processes/open-in-process.js';
export { type RuntimeSuiteOptions, runtimeSuite } from './runtime/index.js';
