import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { TcpProxy } from '@motion-ts/test-harness';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** A server that answers every line with `done <line>`, and remembers what it carried out. */
let server: Server;
let done: string[];
let proxy: TcpProxy;
let clients: Client[];

class Client {
  readonly socket: Socket;
  received = '';
  ended: Promise<'reset' | 'end'>;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' });
    this.socket.on('data', (bytes) => {
      this.received += bytes;
    });
    this.ended = new Promise((resolve) => {
      this.socket.once('error', () => resolve('reset'));
      this.socket.once('end', () => resolve('end'));
    });
    clients.push(this);
  }

  static async open(): Promise<Client> {
    const client = new Client(proxy.port);
    await once(client.socket, 'connect');
    return client;
  }

  send(line: string): void {
    this.socket.write(`${line}\n`);
  }
}

async function soon(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { timeout: 5_000, interval: 5 }).toBe(true);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(async () => {
  done = [];
  clients = [];
  server = createServer((socket) => {
    let rest = '';
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const lines = (rest + bytes).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        done.push(line);
        socket.write(`done ${line}\n`);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await TcpProxy.start({ port: (server.address() as { port: number }).port });
});

afterEach(async () => {
  await proxy.close();
  for (const { socket } of clients) socket.destroy();
  server.close();
});

describe('a proxy', () => {
  test('passes bytes on both ways, and gives the URL that leads through it', async () => {
    const client = await Client.open();
    client.send('a');
    client.send('b');
    await soon(() => client.received === 'done a\ndone b\n');
    expect(proxy.url('redis://user:pass@db.example:6379/1')).toBe(`redis://user:pass@127.0.0.1:${proxy.port}/1`);
    expect(proxy).toMatchObject({ connections: 1, accepted: 1, cuts: 0 });
  });

  test('passes on that a side ended, behind what it said', async () => {
    const client = await Client.open();
    client.socket.end('last\n');
    expect(await client.ended).toBe('end');
    expect(client.received).toBe('done last\n');
    await soon(() => proxy.connections === 0);
    expect(proxy.cuts).toBe(0);
  });

  test.each(['reset', 'end'] as const)('cuts all connections by a %s, and takes new ones', async (how) => {
    const [a, b] = [await Client.open(), await Client.open()];
    proxy.cut(how);
    expect(await Promise.all([a.ended, b.ended])).toEqual([how, how]);
    expect(proxy).toMatchObject({ connections: 0, cuts: 2 });
    const c = await Client.open();
    c.send('c');
    await soon(() => c.received === 'done c\n');
  });

  test('refuses new connections until it is restored, on the same port', async () => {
    const old = await Client.open();
    const { port } = proxy;
    proxy.refuse();
    const error = await once(new Client(port).socket, 'error').then(([reason]) => reason);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    old.send('old');
    await soon(() => old.received === 'done old\n');
    await proxy.restore();
    expect(proxy.port).toBe(port);
    await Client.open();
  });

  test('resets a connection to a server that does not listen', async () => {
    const nowhere = await TcpProxy.start({ port: 1 });
    const client = new Client(nowhere.port);
    expect(await client.ended).toBe('reset');
    await nowhere.close();
  });

  test('delays bytes, each way, in their order', async () => {
    const client = await Client.open();
    proxy.delay(50);
    const started = performance.now();
    client.send('a');
    await pause(5);
    client.send('b');
    await soon(() => client.received === 'done a\ndone b\n');
    // A timer may fire a millisecond early.
    expect(performance.now() - started).toBeGreaterThan(95);
    await proxy.restore();
  });

  test('lets connections hang, swallows what comes, and cuts them when restored', async () => {
    const old = await Client.open();
    proxy.hang();
    const fresh = await Client.open();
    old.send('a');
    fresh.send('b');
    await pause(50);
    expect(done).toEqual([]);
    expect(proxy.connections).toBe(2);
    await proxy.restore();
    expect(await Promise.all([old.ended, fresh.ended])).toEqual(['reset', 'reset']);
    expect(done).toEqual([]);
  });

  test('spares a connection that sent nothing while it hung', async () => {
    const client = await Client.open();
    client.send('before');
    await soon(() => client.received === 'done before\n');
    proxy.hang();
    await proxy.restore();
    client.send('after');
    await soon(() => client.received === 'done before\ndone after\n');
  });

  test('holds bytes back, and delivers a request whose client has long given up', async () => {
    const [patient, other] = [await Client.open(), await Client.open()];
    proxy.hold();
    patient.send('a');
    other.send('late');
    await pause(30);
    other.socket.destroy();
    await pause(20);
    expect(done).toEqual([]);
    await proxy.restore();
    await soon(() => patient.received === 'done a\n' && done.includes('late'));
    await soon(() => proxy.connections === 1);
  });

  test('mutes a server: requests are carried out, nobody hears of it', async () => {
    const client = await Client.open();
    proxy.mute();
    client.send('a');
    await soon(() => done.length === 1);
    await pause(20);
    expect(client.received).toBe('');
    await proxy.restore();
    expect(await client.ended).toBe('reset');
  });

  test('drops as many replies as it is told, of requests that were carried out', async () => {
    const [a, b] = [await Client.open(), await Client.open()];
    proxy.dropReplies(1);
    a.send('a');
    expect(await a.ended).toBe('reset');
    expect(done).toEqual(['a']);
    b.send('b');
    await soon(() => b.received === 'done b\n');
    expect(a.received).toBe('');
  });

  test('cuts a reply in its middle', async () => {
    const client = await Client.open();
    proxy.cutReplies(1);
    client.send('abcd');
    expect(await client.ended).toBe('end');
    expect(done).toEqual(['abcd']);
    expect(client.received).toBe('done ');
    expect(proxy.cuts).toBe(1);
  });
});
