import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../..');
const PACKED = {
  core: 'packages/core',
  memory: 'packages/memory',
  sqlite: 'packages/sqlite',
  'test-harness': 'test-harness',
};
/** What the packed packages depend on is taken from where it is installed already. */
const DEPENDENCIES = [
  'msgpackr',
  '@standard-schema/spec',
  'better-sqlite3',
  'bindings',
  'file-uri-to-path',
  'fast-check',
  'pure-rand',
];

let project = '';

/** A project of somebody else's: the packages as they would be published, and nothing of this repository. */
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'motion-consumer-'));
  const modules = join(project, 'node_modules');
  await mkdir(join(modules, '@motion-ts'), { recursive: true });
  for (const [name, folder] of Object.entries(PACKED)) {
    const packed = join(project, `packed-${name}`);
    await mkdir(packed);
    await run('npm', ['pack', '--silent', '--pack-destination', packed], { cwd: join(root, folder) });
    const [tarball = ''] = await readdir(packed);
    const target = join(modules, '@motion-ts', name);
    await mkdir(target);
    await run('tar', ['-xzf', join(packed, tarball), '-C', target, '--strip-components=1']);
  }
  for (const name of DEPENDENCIES) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(modules, name));
  }
  await cp(join(here, 'consumer/app.ts'), join(project, 'app.ts'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
}, 120_000);

afterAll(() => rm(project, { recursive: true, force: true }));

async function compile(compiler: string, experimentalDecorators: boolean, file: string): Promise<void> {
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2022'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: [],
    skipLibCheck: false,
    experimentalDecorators,
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  await run(process.execPath, [join(root, 'node_modules', compiler, 'bin/tsc'), '-p', project]).catch(
    (error: { stdout: string }) => {
      throw new Error(error.stdout);
    },
  );
}

test.each([
  ['5.4', 'typescript-5.4', true],
  ['5.9', 'typescript-5.9', false],
  ['7.0', 'typescript', true],
])(
  'the packed packages compile without node or DOM types on TypeScript %s, and run',
  async (_, compiler, experimentalDecorators) => {
    await compile(compiler, experimentalDecorators, 'app.ts');
    await rm(join(project, 'consumer.db'), { force: true });
    const { stdout } = await run(
      process.execPath,
      ['-e', `import('./app.js').then(() => console.log(globalThis.result))`],
      { cwd: project },
    );
    expect(stdout.trim()).toBe('Hello, Emma; Emma; Hello, Emma; Emma');
  },
  60_000,
);

test("the README's class compiles as it stands, and runs", async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const block = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  // All that the page leaves to the reader is the model.
  const model = `const llm = { ask: async (prompt: string) => \`Persuasion, for: \${prompt}\` };\n`;
  const shown = `\n(globalThis as { result?: string }).result = title; await rec.flushUpdates();\n(globalThis as { recommended?: number }).recommended = (await rec.readState('recommended')).length;\n`;
  await writeFile(join(project, 'readme.ts'), block.replace('await using', `${model}await using`) + shown);
  await compile('typescript', true, 'readme.ts');
  const script = `import('./readme.js').then(() => console.log(globalThis.result, globalThis.recommended))`;
  const { stdout } = await run(process.execPath, ['-e', script], { cwd: project });
  expect(stdout.trim()).toBe('Persuasion, for: I liked Emma. Recommend a fantasy book, but none of . 1');
}, 60_000);

test('an exported class has the name that it is exported as', async () => {
  const script = `
    for (const entry of ['@motion-ts/core', '@motion-ts/core/store', '@motion-ts/memory', '@motion-ts/sqlite'])
      for (const [name, value] of Object.entries(await import(entry)))
        if (/^[A-Z]/.test(name) && typeof value === 'function') console.log(name, value.name);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: project });
  const classes = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  expect(classes.flat()).toContain('StoreError');
  for (const [exported, name] of classes) expect(name).toBe(exported);
});

test('what the packages tell of errors leads to their sources', async () => {
  const script = `
    const { Motion } = await import('@motion-ts/core');
    try { new Motion({}) } catch (error) { console.log(error.stack) }`;
  const { stdout } = await run(process.execPath, ['--enable-source-maps', '--input-type=module', '-e', script], {
    cwd: project,
  });
  expect(stdout).toMatch(/core\/src\/runtime\/options\.ts:\d+/);
});
