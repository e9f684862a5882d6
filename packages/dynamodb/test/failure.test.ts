import { expect, test } from 'vitest';
import { failureOf } from '../src/failure.js';

const certain = (error: object): boolean =>
  failureOf(Object.assign(new Error('the network failed'), error), { sent: true, table: 't', answered: true }).certain;

test.each(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'])('%s: certain only if there was no connection', (code) => {
  expect(certain({ code, syscall: 'connect' })).toBe(true);
  expect(certain({ errors: [{ code, syscall: 'connect' }] })).toBe(true);
  for (const syscall of ['read', 'write', 'writev']) expect(certain({ code, syscall })).toBe(false);
});
