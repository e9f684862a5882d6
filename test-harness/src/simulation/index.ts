/** The deterministic simulator. */
export { simulateSeed, simulateSeeds } from './run.js';
