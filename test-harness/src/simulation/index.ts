/** The deterministic simulator: for components of your own ({@link simulate}), and for the library itself. */
export type { Circumstances, Incident, Trouble } from './circumstances.js';
export type { Faults } from './faults.js';
export { simulateSeed, simulateSeeds, type Totals } from './journal/run.js';
export type { ScenarioOptions, ScenarioResult } from './journal/scenario.js';
export { SimulationFailed } from './own/failure.js';
export type { Call, CallOutcome } from './own/ledger.js';
export type {
  CheckContext,
  ProcessContext,
  ScenarioContext,
  SeedResult,
  SimulatedComponent,
  SimulatedRandom,
  SimulationOptions,
  SimulationPlan,
  SimulationReport,
} from './own/options.js';
export { simulate } from './own/simulate.js';
