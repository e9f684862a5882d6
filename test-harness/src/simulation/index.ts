/** The deterministic simulator. */
export { simulateSeed, simulateSeeds } from './journal/run.js';
