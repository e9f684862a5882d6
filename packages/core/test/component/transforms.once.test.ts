import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { define } from '../../src/component/definition.js';

const require = createRequire(import.meta.url);
const source = (name: string): string => fileURLToPath(new URL(`../../src/component/${name}.ts`, import.meta.url));
// Beside the tests, so that Vite serves the imports.
const root = mkdtempSync(fileURLToPath(new URL('./.transforms-', import.meta.url)));
afterAll(() => rmSync(root, { recursive: true }));

const code = `
import { Component } from ${JSON.stringify(source('component'))};
import { InitState, Serve, Update } from ${JSON.stringify(source('decorators'))};
const key = Symbol('key');
const wrap = (first, _, descriptor) => {
  const around = (method) => function (...args) { return method.apply(this, args); };
  if (!descriptor) return around(first);
  descriptor.value = around(descriptor.value);
  return descriptor;
};
export class Base extends Component {
  @InitState() setup(params) { return {}; }
  @Serve('rec') recommend() { return 'base'; }
  @Update('rec') learn() {}
  @Update('rec') async count() {}
  @Serve() async *tokens() {}
  @Serve(['up', 'down']) @Update('seen') vote() {}
  @Update('up') [key]() {}
}
export class Plain extends Base {}
export class Sub extends Base {
  override recommend() { return 'sub'; }
  @Update('rec', { name: 'learn' }) study() {}
  @Update('rec') more() {}
}
export class Wrapped extends Component {
  @wrap @Serve('x') async x() { return 1; }
  @Serve('y') @wrap async y() { return 2; }
}
export class Misused extends Component {
  @Serve('f') f = () => 1;
  @Serve('s') static s() {}
  @Serve('ok', { cache: 1 }) ok() {}
}
`;

type Kind = 'legacy' | 'standard';

/** The compiler as a program: version 7 has no other interface. Types are not checked, JavaScript comes all the same. */
function tsc(compiler: string, kind: Kind): string {
  const dir = join(root, `${compiler}-${kind}`);
  mkdirSync(dir);
  writeFileSync(join(dir, 'case.ts'), code);
  const bin = join(dirname(require.resolve(`${compiler}/package.json`)), 'bin/tsc');
  const compilerOptions = {
    target: 'es2022',
    module: 'esnext',
    moduleResolution: 'bundler',
    noResolve: true,
    verbatimModuleSyntax: true,
    types: [],
    rootDir: '.',
    outDir: 'out',
    ...(kind === 'legacy' && { experimentalDecorators: true, emitDecoratorMetadata: true }),
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['case.ts'] }));
  try {
    execFileSync(process.execPath, [bin, '-p', dir], { stdio: 'pipe' });
  } catch {
    // Untyped parameters, imports that are not resolved.
  }
  return readFileSync(join(dir, 'out/case.js'), 'utf8');
}

const esbuild = (kind: Kind): string =>
  transformSync(code, {
    loader: 'ts',
    target: 'es2022',
    tsconfigRaw: { compilerOptions: { experimentalDecorators: kind === 'legacy' } },
  }).code;

const transforms: [string, (kind: Kind) => string][] = [
  ['esbuild', esbuild],
  ...['typescript-5.4', 'typescript-5.9', 'typescript-6.0', 'typescript'].map(
    (compiler): [string, (kind: Kind) => string] => [compiler, (kind) => tsc(compiler, kind)],
  ),
];
const cases = transforms.flatMap(([name, transform]) =>
  (['legacy', 'standard'] as const).map((kind) => ({ name, kind, transform })),
);

test.each(cases)('$name $kind', { timeout: 60_000 }, async ({ name, kind, transform }) => {
  const file = join(root, `${name}-${kind}.mjs`);
  writeFileSync(file, transform(kind));
  const { Base, Plain, Sub, Wrapped, Misused } = await import(/* @vite-ignore */ file);

  for (const ctor of [Base, Plain]) {
    const { init, flows } = define(ctor);
    expect(init).toEqual({ method: 'setup', arity: 1 });
    expect([...flows.keys()].sort()).toEqual(['down', 'rec', 'seen', 'tokens', 'up']);
    expect(flows.get('rec')?.serve?.method).toBe('recommend');
    expect(flows.get('rec')?.updates.map((update) => update.name)).toEqual(['learn', 'count']);
    expect(flows.get('up')?.updates.map((update) => update.name)).toEqual(['key']);
    expect(flows.get('down')?.serve?.method).toBe('vote');
  }
  expect(
    define(Sub)
      .flows.get('rec')
      ?.updates.map((update) => update.method),
  ).toEqual(['study', 'count', 'more']);
  expect(new Sub().recommend()).toBe('sub');
  expect([...define(Wrapped).flows.keys()].sort()).toEqual(['x', 'y']);
  expect(await new Wrapped().x()).toBe(1);
  expect(() => define(Misused)).toThrow('Misused.f, @Serve: decorates methods only; it is a field');
  expect(() => define(Misused)).toThrow('Misused.s, @Serve: decorates methods only; it is static');
  expect(() => define(Misused)).toThrow("Misused.ok, @Serve: 'cache' must be an object, not 1");
});
