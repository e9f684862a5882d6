// Loaded by child processes, which run what was built.
import { LogStore } from '../../dist/custom-store/log-store.js';

export function open(options) {
  return new LogStore(options);
}
