/** What both examples take from the command line, and how both answer to Ctrl-C. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A command line that makes no sense. The message says how; the exit code is 2. */
export class UsageError extends Error {}

/**
 * Reads `--name value` and `--name`.
 *
 * @throws UsageError
 */
export function readArguments<const O extends NonNullable<ParseArgsConfig['options']>>(
  options: O,
): ReturnType<typeof parseArgs<{ options: O }>>['values'] {
  try {
    return parseArgs({ options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Only the first sentence: the others explain positionals, of which there are none.
    throw new UsageError((error as Error).message.split('. ')[0]);
  }
}

/** A number option: a whole number from 1. */
export function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new UsageError(`--${name} takes a whole number from 1, not '${text}'`);
  return number;
}

/**
 * Runs a program and sets the exit code: 2 for a wrong command line, 130 after Ctrl-C, 1 for any other error.
 *
 * The program gets a signal that Ctrl-C aborts, so that it can stop in good order; a second Ctrl-C kills it. It stops as well
 * when nobody reads its output any more, as after `| head`.
 */
export async function runProgram(usage: string, program: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    interrupt();
  });
  try {
    await program(stop.signal);
    if (stop.signal.aborted) process.exitCode = 130;
  } catch (error) {
    if (error instanceof UsageError) console.error(`${error.message}\n\n${usage}`);
    else console.error(`Error: ${(error as Error).message}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
