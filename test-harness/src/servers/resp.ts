import { once } from 'node:events';
import { connect } from 'node:net';

/** What a Redis server answers; an error is thrown instead. */
export type Reply = string | number | null | readonly Reply[];

const ASK_MS = 10_000;

/**
 * Asks a Redis server one thing over a connection of its own: enough of a client to start servers and to tend a cluster.
 *
 * @throws Error what the server answers with, or that it does not answer
 */
export async function ask(port: number, ...command: readonly (string | number)[]): Promise<Reply> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(ASK_MS, () => socket.destroy(new Error(`redis on port ${port} did not answer ${command[0]}`)));
  try {
    await once(socket, 'connect');
    const parts = command.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
    socket.write(`*${parts.length}\r\n${parts.join('')}`);
    let received = Buffer.alloc(0);
    for await (const data of socket) {
      received = Buffer.concat([received, data as Buffer]);
      const parsed = parse(received, 0);
      if (parsed === undefined) continue;
      if (parsed.value instanceof Error) throw parsed.value;
      return parsed.value;
    }
    throw new Error(`redis on port ${port} hung up on ${command[0]}`);
  } finally {
    socket.destroy();
  }
}

interface Parsed {
  readonly value: Reply | Error;
  readonly end: number;
}

/** Undefined while some of it is still to come. */
function parse(data: Buffer, from: number): Parsed | undefined {
  const lineEnd = data.indexOf('\r\n', from);
  if (lineEnd < 0) return undefined;
  const line = data.toString('latin1', from + 1, lineEnd);
  const end = lineEnd + 2;
  const length = Number(line);
  switch (data[from]) {
    case 0x2b: // +
      return { value: line, end };
    case 0x2d: // -
      return { value: new Error(line), end };
    case 0x3a: // :
      return { value: length, end };
    case 0x24: // $
      if (length < 0) return { value: null, end };
      return data.length < end + length + 2
        ? undefined
        : { value: data.toString('latin1', end, end + length), end: end + length + 2 };
    case 0x2a: // *
      return length < 0 ? { value: null, end } : parseMany(data, end, length);
    default:
      return { value: new Error(`redis answered ${JSON.stringify(line)}`), end };
  }
}

function parseMany(data: Buffer, from: number, count: number): Parsed | undefined {
  const value: Reply[] = [];
  let end = from;
  for (let i = 0; i < count; i++) {
    const item = parse(data, end);
    if (item === undefined) return undefined;
    if (item.value instanceof Error) return item;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}
