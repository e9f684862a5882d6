import { Motion } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';
import { CounterComponent } from '../counter.js';
import type { MakeSubject, Place } from '../subject.js';

/** @param requests how many requests this process sent to the store's server so far */
export const motionOn =
  (makeStore: (place: Place) => Store, requests?: () => number): MakeSubject =>
  async (place) => {
    const motion = new Motion({ store: makeStore(place) });
    return {
      async open(id, bytes) {
        const counter = await motion.instance(CounterComponent, id, { init: { bytes } });
        return {
          serve: () => counter.run('look'),
          call: (flushUpdates) => (flushUpdates ? counter.run('add', undefined, { flushUpdates }) : counter.run('add')),
          flush: () => counter.flushUpdates(),
          count: () => counter.readState('count'),
        };
      },
      ...(requests && { requests }),
      close: () => motion.close(),
    };
  };
