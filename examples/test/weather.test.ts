import { describe, expect, test } from 'vitest';
import { add, merge, none, zScore } from '../weather-monitor/statistics.js';
import { count, emptyDirectory, numberIn, start } from './program.js';

const OBSERVED = /^(\d+) days observed in/m;
const UNUSUAL = /^ {2}\d{4}-\d{2}-\d{2} {2}/;

describe('the weather monitor', () => {
  test('finds the unusual days of four years, and need not look again', async () => {
    const cwd = await emptyDirectory();
    const first = await start('weather-monitor', [], { cwd });
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(numberIn(first.out, OBSERVED)).toBe(1461);
    expect(first.out).toContain('1461 of 1461 days are observed, with 18 unusual values.');
    expect(count(first.out, UNUSUAL)).toBe(18);
    // The storm of August 2015, the cold of February 2014, the hot end of June 2013.
    expect(first.out).toContain('  2015-08-29  precipitation         32.5 mm   z +4.7');
    expect(first.out).toContain('  2014-02-06  maximum temperature   -1.6 °C   z −3.0');
    expect(first.out).toContain('  2013-06-30  maximum temperature   33.9 °C   z +3.2');

    const second = await start('weather-monitor', [], { cwd });
    expect(second.out).toContain('Found 1461 days from an earlier run: nothing is left to observe');
    expect(second.out).toContain('1461 of 1461 days are observed, with 18 unusual values.');
    expect(second.out).not.toMatch(OBSERVED);
    expect(count(second.out, UNUSUAL)).toBe(18);

    const third = await start('weather-monitor', ['--reset', '--days', '10'], { cwd });
    expect(third.out).toContain('10 of 1461 days are observed, with 0 unusual values.');
  });

  test('finds the same in parts, also when it is killed between', async () => {
    const cwd = await emptyDirectory();
    const part = await start('weather-monitor', ['--days', '300'], { cwd });
    expect(part.out).toContain('300 of 1461 days are observed');
    for (const lines of [1, 8]) {
      const killed = await start('weather-monitor', [], {
        cwd,
        watch: (out, child) => count(out, UNUSUAL) >= lines && child.kill('SIGKILL'),
      });
      expect(killed.code).toBe('SIGKILL');
    }
    const rest = await start('weather-monitor', [], { cwd });
    expect(rest).toMatchObject({ code: 0, err: '' });
    expect(numberIn(rest.out, /Found (\d+) days/) + numberIn(rest.out, OBSERVED)).toBe(1461);
    expect(rest.out).toContain('1461 of 1461 days are observed, with 18 unusual values.');
  });

  test('stops at Ctrl-C and goes on', async () => {
    const cwd = await emptyDirectory();
    let sent = false;
    const stopped = await start('weather-monitor', [], {
      cwd,
      watch(out, child) {
        if (sent || count(out, UNUSUAL) < 2) return;
        sent = true;
        child.kill('SIGINT');
      },
    });
    expect(stopped).toMatchObject({ code: 130, err: '' });
    const rest = await start('weather-monitor', [], { cwd });
    expect(numberIn(stopped.out, OBSERVED) + numberIn(rest.out, OBSERVED)).toBe(1461);
    expect(rest.out).toContain('with 18 unusual values.');
  });

  test('counts every day once when two observe at the same time', async () => {
    const cwd = await emptyDirectory();
    await start('weather-monitor', ['--days', '1100'], { cwd });
    const both = await Promise.all([1, 2].map(() => start('weather-monitor', [], { cwd })));
    for (const one of both) expect(one).toMatchObject({ code: 0, err: '' });
    // Whether it was the one or the other that came first: no day is missing, and none is there twice.
    for (const { out } of both) expect(out).toContain('1461 of 1461 days are observed');
  });

  test('explains its options, and what is wrong with those given', async () => {
    const cwd = await emptyDirectory();
    const run = (...args: string[]) => start('weather-monitor', args, { cwd });
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: npm run weather/) });
    expect(await run('--rain')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^Unknown option '--rain'\n\nUsage:/),
    });
    expect(await run('--days', '0')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^--days takes a whole number/),
    });
  });
});

describe('running statistics', () => {
  const numbers = [3, 1, 4, 1, 5, 9, 2, 6];
  const all = numbers.reduce(add, none);

  test('are those of all numbers at once', () => {
    const mean = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
    expect(all.count).toBe(8);
    expect(all.mean).toBeCloseTo(mean, 12);
    expect(all.squares).toBeCloseTo(
      numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0),
      12,
    );
  });

  test('are the same in parts', () => {
    const merged = merge(numbers.slice(0, 3).reduce(add, none), numbers.slice(3).reduce(add, none));
    expect(merged.mean).toBeCloseTo(all.mean, 12);
    expect(merged.squares).toBeCloseTo(all.squares, 12);
    expect(merge(none, all)).toEqual(all);
    expect(merge(none, none)).toEqual(none);
  });

  test('have no z-score without spread', () => {
    expect(zScore(none, 1)).toBeNull();
    expect(zScore(add(none, 1), 2)).toBeNull();
    expect(zScore([2, 2, 2].reduce(add, none), 5)).toBeNull();
    expect(zScore([1, 3].reduce(add, none), 2 + Math.SQRT2)).toBeCloseTo(1, 12);
  });
});
