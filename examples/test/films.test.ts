import type { ChildProcess } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Motion } from '@motion-ts/core';
import { SqliteStore } from '@motion-ts/sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readCatalogue } from '../book-recommender/catalogue.js';
import { FilmRecommender } from '../book-recommender/film-recommender.js';
import { localRecommender } from '../book-recommender/model/local-recommender.js';
import { count, emptyDirectory, numberIn, start } from './program.js';

const RATED = /^\S+ +★+ /;
const FOUND = /found 5 viewers from an earlier run: (\d+) ratings learned so far/;
const MEAN = /^ {2}mean +\S+ +\S+ of 10 +(\S+) +\S+ of 10 +(\S+) +\S+ of 10/m;

/** What all viewers' states say, read by another process than the one that wrote them. */
async function readStates(directory: string) {
  const { shelf } = readCatalogue();
  await using motion = new Motion({ store: new SqliteStore({ path: join(directory, 'motion-films.db') }) });
  motion.register(FilmRecommender, () => new FilmRecommender(localRecommender(shelf), shelf));
  const states = [];
  for await (const id of motion.instances(FilmRecommender))
    states.push((await motion.inspect(FilmRecommender, id)).state);
  return states;
}

describe('the film recommender', () => {
  test('learns, and goes on from what it learned', async () => {
    const cwd = await emptyDirectory();
    const first = await start('book-recommender', [], { cwd });
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain('local recommender, no language model');
    expect(first.out).toContain('State   new');
    expect(first.out).toContain(`The state is in ${join(cwd, 'motion-films.db')}`);
    expect(count(first.out, /^Learning: \d+ of 120 ratings$/)).toBe(4);
    expect(Math.max(...first.out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(first.out.split('\n').length).toBeLessThanOrEqual(40);
    const [, before, after] = MEAN.exec(first.out) ?? [];
    expect(Number(after)).toBeGreaterThan(Number(before));

    const second = await start('book-recommender', [], { cwd });
    expect(second).toMatchObject({ code: 0, err: '' });
    expect(numberIn(second.out, FOUND)).toBe(120);
    // It starts where the first one ended.
    expect(MEAN.exec(second.out)?.[1]).toBe(after);

    const states = await readStates(cwd);
    expect(states.map(({ ratings }) => ratings)).toEqual([48, 48, 48, 48, 48]);
    const heldOut = new Set(readCatalogue().heldOut.map(({ title }) => title));
    for (const { recommended } of states) {
      expect(new Set(recommended).size).toBe(48);
      expect(recommended.filter((title) => heldOut.has(title))).toEqual([]);
    }

    const reset = await start('book-recommender', ['--reset', '--ratings', '1'], { cwd });
    expect(reset.out).toContain('State   new');
    expect((await readStates(cwd)).map(({ ratings }) => ratings)).toEqual([1, 1, 1, 1, 1]);
  });

  test('says the same at every first run', async () => {
    const outs = await Promise.all(
      [1, 2].map(
        async () => (await start('book-recommender', ['--ratings', '6'], { cwd: await emptyDirectory() })).out,
      ),
    );
    const stable = (out = ''): string => out.slice(0, out.indexOf('A recommendation took'));
    expect(stable(outs[0])).toBe(stable(outs[1]));
  });

  test('ends in good order at Ctrl-C, and loses nothing', async () => {
    const cwd = await emptyDirectory();
    let sent = false;
    const stopped = await start('book-recommender', ['--verbose'], {
      cwd,
      watch(out, child) {
        if (sent || count(out, RATED) < 12) return;
        sent = true;
        child.kill('SIGINT');
      },
    });
    expect(stopped).toMatchObject({ code: 130, err: '' });
    const acknowledged = count(stopped.out, RATED);
    expect(acknowledged).toBeLessThan(120);
    expect(numberIn(stopped.out, /Stopped after (\d+) ratings/)).toBe(acknowledged);
    expect(stopped.out).not.toContain('by chance');

    const next = await start('book-recommender', ['--ratings', '1'], { cwd });
    expect(next).toMatchObject({ code: 0, err: '' });
    expect(numberIn(next.out, FOUND)).toBe(acknowledged);
  });

  test('ends without a word when nobody reads its output any more', async () => {
    const cwd = await emptyDirectory();
    const left = await start('book-recommender', ['--verbose'], {
      cwd,
      watch: (out, child) => count(out, RATED) >= 5 && child.stdout?.destroy(),
    });
    expect(left).toMatchObject({ code: 130, err: '' });
    expect((await start('book-recommender', ['--ratings', '1'], { cwd })).code).toBe(0);
  });

  test('loses and doubles nothing when it is killed, again and again', async () => {
    const cwd = await emptyDirectory();
    let learned = 0;
    for (const lines of [4, 23, 47]) {
      const killed = await start('book-recommender', ['--verbose'], {
        cwd,
        watch: (out, child) => count(out, RATED) >= lines && child.kill('SIGKILL'),
      });
      expect(killed.code).toBe('SIGKILL');
      const acknowledged = learned + count(killed.out, RATED);
      const next = await start('book-recommender', ['--ratings', '1'], { cwd });
      expect(next).toMatchObject({ code: 0, err: '' });
      const found = numberIn(next.out, FOUND);
      // Each of the five viewers may have had one rating under way, of which the program had not heard yet.
      expect(found).toBeGreaterThanOrEqual(acknowledged);
      expect(found).toBeLessThanOrEqual(acknowledged + 5);

      const states = await readStates(cwd);
      learned = states.reduce((sum, { ratings }) => sum + ratings, 0);
      expect(learned).toBe(found + 5);
      for (const { recommended, ratings } of states) {
        expect(new Set(recommended).size).toBe(recommended.length);
        expect(ratings).toBeLessThanOrEqual(recommended.length);
      }
    }
  });

  test('explains its options, and what is wrong with those given', async () => {
    const cwd = await emptyDirectory();
    const run = (...args: string[]) => start('book-recommender', args, { cwd });
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: npm start/), err: '' });
    expect(await run('--colour')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/^Unknown option '--colour'\n\nUsage:/),
    });
    expect(await run('more')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^Unexpected argument 'more'\n\nUsage:/),
    });
    expect(await run('--ratings', 'all')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^--ratings takes a whole number from 1, not 'all'/),
    });
    expect(await run('--db', 'nowhere/films.db')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Error: .*nowhere\/films\.db cannot be opened/),
    });
  });
});

describe('the film recommender with a provider', () => {
  type Answer = (candidates: string[]) => string | Promise<string>;
  const wire = {
    OPENAI: (text: string) => ({
      id: 'r1',
      created_at: 0,
      model: 'test-model',
      output: [
        { type: 'message', id: 'm1', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }] },
      ],
      usage: { input_tokens: 1, output_tokens: 1 },
    }),
    ANTHROPIC: (text: string) => ({
      id: 'r1',
      type: 'message',
      role: 'assistant',
      model: 'test-model',
      content: [{ type: 'text', text }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 1, output_tokens: 1 },
    }),
  };

  /** Answers on the wire as the provider does, with the text that `answer` makes of the candidates. */
  async function provider(answer: Answer, name: keyof typeof wire = 'OPENAI'): Promise<Record<string, string>> {
    const server = createServer(async (request, response) => {
      const { input, messages } = JSON.parse(await bodyOf(request));
      const { candidates } = JSON.parse((input ?? messages).at(-1).content[0].text);
      const text = await answer(candidates);
      response.setHeader('content-type', 'application/json').end(JSON.stringify(wire[name](text)));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    return {
      [`${name}_API_KEY`]: 'key',
      [`${name}_BASE_URL`]: `http://127.0.0.1:${port}/v1`,
      MODEL: 'test-model',
    };
  }

  async function bodyOf(request: IncomingMessage): Promise<string> {
    let body = '';
    for await (const chunk of request) body += chunk;
    return body;
  }

  test.each(['OPENAI', 'ANTHROPIC'] as const)('takes the answers of %s, in whatever words', async (name) => {
    const cwd = await emptyDirectory();
    const env = await provider(([first]) => `I would recommend "${first}"!`, name);
    const { code, out, err } = await start('book-recommender', ['--ratings', '2'], { cwd, env });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Model   test-model (${name}_API_KEY is set), called 10 times`);
    expect(out).not.toContain('not offered');
    expect((await readStates(cwd)).map(({ recommended }) => recommended.length)).toEqual([2, 2, 2, 2, 2]);
  });

  test('takes one of its own when a film is named that was not offered', async () => {
    const cwd = await emptyDirectory();
    const env = await provider(() => 'A Film That Nobody Made');
    const { code, out } = await start('book-recommender', ['--ratings', '2'], { cwd, env });
    expect(code).toBe(0);
    expect(out).toContain('10 times the model named a film that was not offered');
  });

  test('is not waited for after Ctrl-C', async () => {
    const cwd = await emptyDirectory();
    let child: ChildProcess | undefined;
    let asked = 0;
    const env = await provider(() => {
      if (asked++ === 0) child?.kill('SIGINT');
      return new Promise(() => undefined);
    });
    const watch = (_: string, started: ChildProcess): void => {
      child = started;
    };
    const { code, out, err } = await start('book-recommender', [], { cwd, env, watch });
    expect({ code, err }).toEqual({ code: 130, err: '' });
    expect(out).toContain('Stopped after 0 ratings');
  });

  test('says what is wrong when it cannot be reached, and keeps what was learned', async () => {
    const cwd = await emptyDirectory();
    await start('book-recommender', ['--ratings', '1'], { cwd });
    const env = { OPENAI_API_KEY: 'key', OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' };
    const failed = await start('book-recommender', [], { cwd, env });
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/^Error: gpt-\S+ did not answer: .+\nIt is asked because OPENAI_API_KEY is set/);
    expect(numberIn((await start('book-recommender', ['--ratings', '1'], { cwd })).out, FOUND)).toBe(5);
  });
});
