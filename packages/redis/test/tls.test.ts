import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort, startRedis } from '@motion-ts/test-harness/servers';
import { afterAll, expect, test } from 'vitest';
import { failureOf, fresh, open } from './clients.js';

// Made for these tests: self-signed by `openssl ca`, for 127.0.0.1, for a hundred years.
const file = (name: string): string => fileURLToPath(new URL(`./tls/${name}.pem`, import.meta.url));
const ca = readFileSync(file('cert'), 'utf8');
const key = readFileSync(file('key'), 'utf8');

const port = await freePort();
const files = ['--tls-cert-file', file('cert'), '--tls-key-file', file('key'), '--tls-ca-cert-file', file('cert')];
const server = await startRedis({ args: ['--tls-port', String(port), ...files], shared: true });
afterAll(() => server.stop());
const url = `rediss://127.0.0.1:${port}`;
const tls = { ca, cert: ca, key };

test('over TLS all works, hints too', async () => {
  const options = { url, options: { tls }, namespace: fresh('tls') };
  const [store, other] = [open(options), open(options)];
  const told: (string | undefined)[] = [];
  other.watch((partition) => told.push(partition));
  const id = fresh('c');
  while (!told.includes('p')) {
    await store.commit('p', { id, puts: [{ key: 'a', value: new Uint8Array(300_000).fill(7) }] });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { entries } = await other.get('p', ['a']);
  expect(entries[0]?.rev).toBe(id);
  expect(entries[0]?.value).toEqual(new Uint8Array(300_000).fill(7));
});

test.each([
  ['that nobody trusts', { cert: ca, key }, 'self-signed certificate', 'options.tls.ca'],
  ['of ours that is missing', { ca }, 'alert certificate required', 'options.tls.cert and options.tls.key'],
  ['of another host', { ...tls, servername: 'example.org' }, 'Hostname/IP does not match', 'not good for it'],
])('a certificate %s is said at once', async (_, options, said, advice) => {
  const started = performance.now();
  const error = await failureOf(open({ url, options: { tls: options }, timeoutMs: 20_000 }).open());
  expect(error).toMatchObject({ code: 'invalid', message: expect.stringContaining(said) });
  expect(error.message).toContain(advice);
  expect(performance.now() - started).toBeLessThan(10_000);
});
