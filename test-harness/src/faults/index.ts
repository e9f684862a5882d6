export { ALTERATIONS } from './alterations.js';
export { type ChaosOptions, chaos } from './chaos.js';
export { type CrashOptions, crashAtFailpoints } from './crash.js';
export { FAILPOINTS } from './failpoints.js';
export { type KeyedCallsOptions, keyedCalls } from './keyed-calls.js';
export type { FaultOptions, FaultReport, StoreModule } from './options.js';
export { type PoisonOptions, poison } from './poison.js';
export { type RecoveriesOptions, recoveries } from './recoveries.js';
export { type RollingStopsOptions, rollingStops } from './rolling-stops.js';
