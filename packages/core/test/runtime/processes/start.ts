import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, onTestFinished } from 'vitest';
import type { Order, Told } from './protocol.js';

const at = (path: string): string => fileURLToPath(new URL(`../../../../../${path}`, import.meta.url));

const programs = new Map<string, string>();

/** A child's program, of the sources as they are. Where it can find what is installed. */
function built(source: URL): string {
  const program = programs.get(source.href);
  if (program) return program;
  const directory = mkdtempSync(at('node_modules/.motion-core-test-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const outfile = join(directory, 'child.mjs');
  buildSync({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['better-sqlite3', 'msgpackr'],
    alias: {
      '@motion-ts/core/store': at('packages/core/src/store/index.ts'),
      '@motion-ts/core': at('packages/core/src/index.ts'),
      '@motion-ts/memory': at('packages/memory/src/index.ts'),
      '@motion-ts/sqlite': at('packages/sqlite/src/index.ts'),
    },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
  });
  programs.set(source.href, outfile);
  return outfile;
}

type KeyOf<T> = T extends unknown ? keyof T : never;
const ledger = new URL('./child.ts', import.meta.url);

/** A process of our own, which ends with its test at the latest. */
export class Child<T extends object = Told> {
  readonly told: T[] = [];
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  private readonly process: ChildProcess;
  private errors = '';
  private listeners: (() => void)[] = [];
  private over = false;

  constructor(order: T extends Told ? Order : object, program: URL = ledger) {
    this.process = spawn(process.execPath, [built(program), JSON.stringify(order)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stderr?.on('data', (data) => {
      this.errors += data;
    });
    if (this.process.stdout)
      createInterface(this.process.stdout).on('line', (line) => {
        this.told.push(JSON.parse(line) as T);
        for (const listener of this.listeners) listener();
      });
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.over = true;
        resolve({ code, signal });
        for (const listener of this.listeners) listener();
      });
    });
    onTestFinished(async () => {
      this.kill('SIGKILL');
      await this.ended;
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.over) this.process.kill(signal);
  }

  /** Resolves once it told so many things of a kind. */
  async tells(kind: KeyOf<T>, count = 1): Promise<T[]> {
    const found = (): T[] => this.told.filter((told) => kind in told);
    while (found().length < count) {
      if (this.over) throw new Error(`the child ended before it told '${String(kind)}': ${this.errors}`);
      await new Promise<void>((resolve) => {
        this.listeners.push(resolve);
      });
      this.listeners = [];
    }
    return found();
  }
}
