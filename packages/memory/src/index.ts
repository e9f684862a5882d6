/** The in-memory store: for tests, and for processes whose state need not outlive them. */
export { MemoryStore, type MemoryStoreOptions } from './memory-store.js';
