import { bytes, number, read, string, write } from './record-format.js';
import { encodeStamp } from './records.js';

/** What stands at `gone`: why nobody may use what is in the partition. */
export type Mark =
  /** The instance is being cleared; whoever finds this finishes it. */
  | { readonly kind: 'cleared'; readonly at: number }
  /** The instance is being copied here from another store. */
  | { readonly kind: 'arriving'; readonly at: number; readonly incarnation: string }
  /** The instance moves to another store, or did: `init` and `root` as they were last. */
  | {
      readonly kind: 'left';
      readonly at: number;
      readonly init: Uint8Array;
      readonly root: Uint8Array;
      /** It is in the other store, and goes on there. */
      readonly arrived: boolean;
    };
export function encodeMark(mark: Mark): Uint8Array {
  if (mark.kind === 'cleared') return encodeStamp(mark.at);
  if (mark.kind === 'arriving') return write([mark.at, mark.kind, mark.incarnation]);
  return write([mark.at, mark.kind, mark.init, mark.root, mark.arrived]);
}
export function decodeMark(data: Uint8Array, where: string): Mark {
  const [at, kind, first, root, arrived] = read<[number, unknown, unknown, Uint8Array, boolean]>(
    data,
    `the entry 'gone' of ${where}`,
    (f) =>
      number(f[0]) &&
      (f[1] === undefined ||
        (f[1] === 'arriving' && string(f[2])) ||
        (f[1] === 'left' && bytes(f[2]) && bytes(f[3]) && typeof f[4] === 'boolean')),
  );
  if (kind === 'arriving') return { kind, at, incarnation: first as string };
  if (kind === 'left') return { kind, at, init: first as Uint8Array, root, arrived };
  return { kind: 'cleared', at };
}

/** What `moved` holds: the incarnation that an instance had in the store from which it came. */
export function encodeMoved(incarnation: string): Uint8Array {
  return write([incarnation]);
}
export function decodeMoved(data: Uint8Array, where: string): string {
  return read<[string]>(data, `the entry 'moved' of ${where}`, (f) => string(f[0]))[0];
}
