import { expect, test } from 'vitest';
import { refusal } from '../src/failure.js';

// As ioredis says it when a cluster has sent a command on too often: what became of the last sending is in the last error.
const tooOften = (last: Error): Error => new Error(`Too many Cluster redirections. Last error: ${last}`);
const answered = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });

test.each([
  [answered('TRYAGAIN Multiple keys request during rehashing of slot'), 'unavailable'],
  [answered('MOVED 42 127.0.0.1:7000'), 'unavailable'],
  [answered('CLUSTERDOWN Hash slot not served'), 'unavailable'],
  [answered("OOM command not allowed when used memory > 'maxmemory'."), 'full'],
])('sent on too often, at last %s: certainly not applied', (last, code) => {
  expect(refusal(tooOften(last), () => 'commit')).toMatchObject({ code });
});

test('sent on too often, and at last the connection ended: nobody knows', () => {
  expect(refusal(tooOften(new Error('Connection is closed.')), () => 'commit')).toBeUndefined();
});
