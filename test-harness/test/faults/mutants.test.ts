import {
  backlog,
  chaos,
  clocks,
  contention,
  crashAtFailpoints,
  type FaultReport,
  keyedCalls,
  poison,
  recoveries,
  rollingStops,
  servesDuringUpdate,
} from '@motion-ts/test-harness';
import { describe, expect, test } from 'vitest';
import { place } from './places.js';

/** What an attack does not find in a broken store, it would not find in core. */
function expectFound({ problems, seed }: FaultReport, what: RegExp): void {
  expect(problems.join('\n'), `seed ${seed}`).toMatch(what);
}

/** Where signals fall is up to the machine too: an attack by chance is repeated, each time on a new store. */
async function expectFoundSoon(attack: () => Promise<FaultReport>, what: RegExp): Promise<void> {
  let report = await attack();
  for (let again = 0; again < 4 && !what.test(report.problems.join('\n')); again++) report = await attack();
  expectFound(report, what);
}

const short = { updates: 100, timeoutMs: 20_000, quietMs: 3_000 };

describe.concurrent('what is broken is found', { timeout: 180_000 }, () => {
  test('by kills: state and cursor committed apart', async () => {
    await expectFoundSoon(() => chaos({ ...place('state apart'), ...short, kills: 12 }), /: doubled/);
  });

  test('by kills: an append that resolves before it is durable', async () => {
    const lost = /was acknowledged and is lost/;
    await expectFoundSoon(() => chaos({ ...place('acknowledges early'), ...short, kills: 12 }), lost);
  });

  test('by calls alone: an append that is sent twice, without the check of its writer', async () => {
    expectFound(await chaos({ ...place('slot unchecked'), ...short }), /: doubled/);
  });

  test('by aimed stops: a holder whose commits nobody checks', async () => {
    const stale = /the stale holder of epoch \d+ commi/;
    await expectFoundSoon(() => chaos({ ...place('root unchecked'), ...short, pauses: 6 }), stale);
  });

  test('by wrong clocks: a holder whose commits nobody checks', async () => {
    const attack = (): Promise<FaultReport> =>
      clocks({ ...place('root unchecked'), serverClock: false, kills: 4, ...short });
    await expectFoundSoon(attack, /two holders replaced one root/);
  });

  test('by contention: checks that are judged apart from the commit', async () => {
    await expectFoundSoon(() => contention({ ...place('checks first'), ...short }), /two holders replaced one root/);
  });

  test('by contention: a store that keeps the event loop from turning', async () => {
    expectFound(await contention({ ...place('blocks'), ...short, mostStallMs: 1_000 }), /an event loop stood still/);
  });

  test('by a long update: reads that wait for it', async () => {
    expectFound(
      await servesDuringUpdate({ ...place('reads wait'), updateMs: 3_000, mostMs: 1_000 }),
      /a serve elsewhere took \d+ ms while an update ran/,
    );
  });

  test('by a backlog: memory that is not given back', async () => {
    const small = { updates: 4_000, instances: 0, samples: 0, growBytes: 4 * 2 ** 20 };
    expectFound(await backlog({ ...place('leaks'), ...small }), /heap grew by/);
  });

  test('by many instances: appends that make nothing due', async () => {
    const small = { updates: 0, instances: 5, samples: 1, foundMs: 2_500 };
    expectFound(await backlog({ ...place('due lost'), ...small }), /did not begin within/);
  });

  test('by killed callers: a key that is not checked', async () => {
    await expectFoundSoon(() => keyedCalls({ ...place('keys unchecked'), keys: 15 }), /: doubled/);
  });

  test('by poison: crashes that nobody counts', async () => {
    expectFound(await poison({ ...place('crashes forgotten'), updates: 10 }), /processes died of one update/);
  });

  test('by rolling stops: a lease that is not given back', async () => {
    await expectFoundSoon(() => rollingStops({ ...place('release lost'), stops: 4 }), /nobody went on with/);
  });

  test('by a killed holder: nobody can take over', async () => {
    const broken = place('takeovers refused');
    expectFound(await recoveries({ ...broken, samples: 1, recoveryMs: 2_500 }), /after its holder died/);
  });

  test('by a killed holder: appends that make nothing due', async () => {
    expectFound(await recoveries({ ...place('due lost'), samples: 1, recoveryMs: 2_500 }), /updates began within/);
  });

  test('by a failpoint: state and cursor committed apart', async () => {
    const failpoints = ['before drain commit'];
    expectFound(await crashAtFailpoints({ ...place('state apart'), failpoints }), /: doubled/);
  });

  test('by a failpoint: an append that resolves before it is durable', async () => {
    const failpoints = ['before append'];
    expectFound(await crashAtFailpoints({ ...place('acknowledges early'), failpoints }), /acknowledged and is lost/);
  });
});
