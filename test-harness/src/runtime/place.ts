import { Motion, type MotionOptions } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';
import { Altered } from '../broken/altered.js';
import { settles } from '../conformance/suite.js';

/** How a Motion of a case differs from others. */
export interface ProcessOptions extends Partial<MotionOptions> {
  /** What stands between it and its store. */
  readonly through?: (store: Store) => Store;
}

/** Something to wait for, and to let go. */
export class Gate {
  open: () => void = () => {};
  readonly opened: Promise<void> = new Promise((resolve) => {
    this.open = resolve;
  });
}

/** Nothing is said of the failures that a case provokes. */
const silent: Partial<MotionOptions> = {
  onError: () => {},
  logger: { debug: () => {}, warn: () => {}, error: () => {} },
};

/** Closes what is left of a case; beyond, something hangs. */
const END_MS = 20_000;

/** The store of a process that shares it with others. */
class Shared extends Altered {
  override async close(): Promise<void> {}
}

/**
 * Where the data of one case lives, and nothing else's. Every Motion that is made here has a store of its own, as another
 * process would.
 */
export class Place {
  private readonly openStore: () => Promise<Store>;
  private readonly sharedNamespace: boolean;
  private only: Promise<Store> | undefined;
  private readonly stores: Store[] = [];
  private readonly motions: Motion[] = [];
  private readonly endings: (() => void)[] = [];

  constructor(openStore: () => Promise<Store>, sharedNamespace: boolean) {
    this.openStore = openStore;
    this.sharedNamespace = sharedNamespace;
  }

  /** Another client of the data: to look at what is stored, or to do damage. */
  async store(): Promise<Store> {
    const store = await this.client();
    this.stores.push(store);
    return store;
  }

  /** Another process with the data. */
  async motion({ through = (store) => store, ...options }: ProcessOptions = {}): Promise<Motion> {
    const motion = new Motion({ ...silent, ...options, store: through(await this.client()) });
    this.motions.push(motion);
    return motion;
  }

  /** A gate that is open at the latest when the case ends. */
  gate(): Gate {
    const gate = new Gate();
    this.onEnd(gate.open);
    return gate;
  }

  /** Does something when the case ends, before its Motions are closed. */
  onEnd(ending: () => void): void {
    this.endings.push(ending);
  }

  /** Closes all that was opened here. */
  async end(): Promise<void> {
    for (const ending of this.endings) ending();
    const closed = Promise.all(this.motions.map((motion) => motion.close({ abortRunning: true })));
    await settles('the close of the Motions', closed, END_MS);
    await Promise.all(this.stores.map((store) => store.close()));
    await (await this.only)?.close();
  }

  private async client(): Promise<Store> {
    if (this.sharedNamespace) return this.openStore();
    this.only ??= this.openStore();
    return new Shared(await this.only);
  }
}
