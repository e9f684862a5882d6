import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';

/** What becomes of one request. */
export type Fate =
  /** Goes to the server, and its answer back. */
  | 'pass'
  /** Never gets to the server; the connection breaks. */
  | 'lose'
  /** Gets to the server, which does it; the connection breaks before the answer. */
  | 'drop the answer'
  /** Gets to the server, which does it; the connection breaks in the middle of the answer. */
  | 'cut the answer'
  /** Gets to the server, which does it; nothing comes back. */
  | 'keep the answer'
  /** The server never hears of it; this is the answer. */
  | { readonly status: number; readonly error?: string; readonly body?: object };

export interface Meddler {
  readonly url: string;
  /** Asked for each request; `operation` such as `TransactWriteItems`. */
  fate: (operation: string, body: string) => Fate;
  /** The operations that came, in order. */
  readonly seen: string[];
  close(): Promise<void>;
}

/** Stands between a client and a DynamoDB, and answers in its stead. */
export async function startMeddler(target: string): Promise<Meddler> {
  const kept = new Set<ServerResponse>();
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const operation = String(incoming.headers['x-amz-target']).split('.').at(-1) as string;
    meddler.seen.push(operation);
    const fate = meddler.fate(operation, body.toString());
    if (fate === 'lose') return void incoming.socket.destroy();
    if (typeof fate === 'object') {
      const { status, error, body: more } = fate;
      outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
      const type = error && `com.amazonaws.dynamodb.v20120810#${error}`;
      return void outgoing.end(JSON.stringify({ ...(type && { __type: type, message: error }), ...more }));
    }
    const { method, url, headers } = incoming;
    const passed = request(new URL(url ?? '/', target), { method, headers, agent: false }, async (answer) => {
      const parts: Buffer[] = [];
      for await (const part of answer) parts.push(part as Buffer);
      if (fate === 'drop the answer') return void incoming.socket.destroy();
      if (fate === 'keep the answer') return void kept.add(outgoing);
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      const whole = Buffer.concat(parts);
      if (fate !== 'cut the answer') return void outgoing.end(whole);
      outgoing.write(whole.subarray(0, whole.length >> 1), () => incoming.socket.destroy());
    });
    passed.on('error', () => incoming.socket.destroy());
    passed.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const meddler: Meddler = {
    url: `http://127.0.0.1:${port}`,
    fate: () => 'pass',
    seen: [],
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return meddler;
}

/** The first requests of an operation meet these fates, and all others pass. */
export function firstOnes(operation: string, ...fates: Fate[]): Meddler['fate'] {
  return (of) => (of === operation ? (fates.shift() ?? 'pass') : 'pass');
}

/** How DynamoDB says that a transaction was cancelled, with a code for each of its items. */
export function cancelled(...codes: string[]): Fate {
  return {
    status: 400,
    error: 'TransactionCanceledException',
    body: { Message: `cancelled [${codes}]`, CancellationReasons: codes.map((Code) => ({ Code, Message: Code })) },
  };
}
