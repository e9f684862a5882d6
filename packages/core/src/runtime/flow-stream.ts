import type { FlowStream } from '../component/read.js';
import type { MotionError } from '../errors.js';
import type { Served } from './serve.js';

/** A running serve, chunk by chunk; its end is undefined when it was left before. */
export type RunningStream = AsyncGenerator<unknown, Served | undefined>;

/**
 * What callers get of a running serve: its chunks, to iterate once, and its result.
 *
 * @param running those that have begun: whoever closes their handle ends them
 * @param left the error of a stream that is left before its end
 */
export function flowStream(
  chunks: RunningStream,
  running: Set<RunningStream>,
  left: () => MotionError,
): FlowStream<unknown, unknown> {
  let settle: { resolve: (value: unknown) => void; reject: (error: unknown) => void } | undefined;
  const result = new Promise<unknown>((resolve, reject) => {
    settle = { resolve, reject };
  });
  result.catch(() => undefined);
  const iterate = async function* (): AsyncGenerator<unknown> {
    let ended = false;
    try {
      running.add(chunks);
      let step = await chunks.next();
      for (; !step.done; step = await chunks.next()) yield step.value;
      ended = true;
      if (!step.value) throw left();
      settle?.resolve(step.value.result);
    } catch (error) {
      ended = true;
      settle?.reject(error);
      throw error;
    } finally {
      running.delete(chunks);
      if (!ended) {
        settle?.reject(left());
        await chunks.return(undefined);
      }
    }
  };
  const stream = iterate();
  const leave = stream.return.bind(stream);
  return Object.assign(stream, {
    result,
    // Left before it began, a generator does not run its finally.
    return: (value?: unknown) => {
      settle?.reject(left());
      return leave(value);
    },
  });
}
