import { expect, test } from 'vitest';
import { emptyDirectory, numberIn, start } from './program.js';

test('all doors move, killed or not, and every visit counts once', async () => {
  const cwd = await emptyDirectory();
  const args = ['--doors', '60'];
  const killed = await start('moving-stores', args, {
    cwd,
    watch: (out, child) => {
      if (/2\d of 60 instances/.test(out)) child.kill('SIGKILL');
    },
  });
  expect(killed.code).toBe('SIGKILL');
  const second = await start('moving-stores', args, { cwd });
  expect([second.code, second.err]).toEqual([0, '']);
  expect(numberIn(second.out, /(\d+) had moved before/)).toBeGreaterThan(10);
  expect(numberIn(second.out, /^(\d+) moved/m) + numberIn(second.out, /(\d+) had moved before/)).toBe(60);
  expect(numberIn(second.out, /^(\d+) visits are counted/m)).toBe(60);
  const third = await start('moving-stores', args, { cwd });
  expect(third.out).toMatch(/^0 moved/m);
  expect(numberIn(third.out, /^(\d+) visits are counted/m)).toBe(60);
});
