import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Motion, type MotionOptions } from '@motion-ts/core';
import { MemoryStore } from '@motion-ts/memory';
import { SqliteStore } from '@motion-ts/sqlite';
import { onTestFinished } from 'vitest';
import { RecordingStore } from './recording-store.js';

/** Where state lives: may be opened many times, as by many processes. */
export interface Place {
  open(): RecordingStore;
}

class Left extends RecordingStore {
  /** The memory is the others' too. */
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A directory that goes with its test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'motion-core-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The stores that need no server: what holds on both holds by the store contract on all. */
export const places: readonly { readonly kind: string; readonly make: () => Place }[] = [
  {
    kind: 'memory',
    make: () => {
      const memory = new MemoryStore();
      return { open: () => new Left(memory) };
    },
  },
  {
    kind: 'sqlite',
    make: () => {
      const path = join(temporaryDirectory(), 'motion.db');
      return { open: () => new RecordingStore(new SqliteStore({ path, synchronous: 'NORMAL' })) };
    },
  },
];

/** Nothing is said of failures that a test provokes. */
export const silent: Partial<MotionOptions> = {
  onError: () => undefined,
  logger: { debug: () => undefined, warn: () => undefined, error: () => undefined },
};

/** A Motion that ends with its test, as another process would have it. */
export function motionOn(place: Place, options: Partial<MotionOptions> = {}): Motion {
  const motion = new Motion({ store: place.open(), ...silent, ...options });
  onTestFinished(() => motion.close());
  return motion;
}

/** Something to wait for, and to let go. */
export class Gate {
  open: () => void = () => undefined;
  readonly opened: Promise<void> = new Promise((resolve) => {
    this.open = resolve;
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until something holds. */
export async function until(holds: () => unknown, ms = 5_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`it did not come true within ${ms} ms: ${holds}`);
    await sleep(5);
  }
}

/** What a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}
