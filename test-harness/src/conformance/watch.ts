import assert from 'node:assert/strict';
import { eventually, type Group, putTexts, texts } from './suite.js';

// A hint may miss, so changes are made until one is told of.
export const watch: Group = (add, terms) => {
  add(
    'tells of changes, by this client and by another',
    async ({ store, other, partition }) => {
      for (const writer of [store, other]) {
        let told = false;
        const stop = store.watch?.((changed) => {
          if (changed === undefined || changed === partition) told = true;
        });
        await eventually(
          'a change is told of',
          async () => {
            await putTexts(writer, partition, { a: '1' });
            return told;
          },
          terms.patienceMs,
        );
        stop?.();
      }
    },
    'watch',
  );

  add(
    'what is told of can be read',
    async ({ store, other, partition }) => {
      let seen: string | undefined;
      const stop = store.watch?.(() => {
        void texts(store, partition, 'a').then(([value]) => {
          seen ??= value;
        });
      });
      await eventually(
        'the change is read',
        async () => {
          await putTexts(other, partition, { a: 'here' });
          return seen === 'here';
        },
        terms.patienceMs,
      );
      stop?.();
    },
    'watch',
  );

  add(
    'stops, may be stopped twice, and stops only its own listener',
    async ({ store, partition }) => {
      let [first, second] = [0, 0];
      const stopFirst = store.watch?.(() => first++);
      const stopSecond = store.watch?.(() => second++);
      await eventually(
        'both are told',
        async () => {
          await putTexts(store, partition, { a: '1' });
          return first > 0 && second > 0;
        },
        terms.patienceMs,
      );
      stopFirst?.();
      stopFirst?.();
      // What was on its way may still come.
      await putTexts(store, partition, { a: '2' });
      const [firstBefore, secondBefore] = [first, second];
      await eventually(
        'the second is still told',
        async () => {
          await putTexts(store, partition, { a: '3' });
          return second > secondBefore + 3;
        },
        terms.patienceMs,
      );
      assert.ok(first <= firstBefore + 1, 'a stopped listener is still told');
      stopSecond?.();
    },
    'watch',
  );
};
