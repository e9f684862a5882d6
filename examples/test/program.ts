import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** How a program ended, and all it wrote. */
export interface Ended {
  /** The exit code, or the signal that killed it. */
  readonly code: number | string | null;
  readonly out: string;
  readonly err: string;
}

/** A directory that goes with its test. */
export async function emptyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'motion-example-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs one of the built programs, without a provider's key unless one is given. */
export function start(
  program: 'book-recommender' | 'weather-monitor' | 'custom-store' | 'moving-stores',
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: Record<string, string>;
    /** Called with all that was written so far. */
    readonly watch?: (out: string, child: ChildProcess) => void;
  },
): Promise<Ended> {
  const { OPENAI_API_KEY: _, ANTHROPIC_API_KEY: __, ...env } = process.env;
  const main = fileURLToPath(new URL(`../dist/${program}/main.js`, import.meta.url));
  const child = spawn(process.execPath, [main, ...args], { cwd: options.cwd, env: { ...env, ...options.env } });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    options.watch?.(out, child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, out, err }));
  });
}

/** How often a pattern is in a text. */
export function count(text: string, pattern: RegExp): number {
  return text.match(new RegExp(pattern, 'gm'))?.length ?? 0;
}

/** The number that the first group of a pattern finds. */
export function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in:\n${text}`);
  return Number(found);
}
