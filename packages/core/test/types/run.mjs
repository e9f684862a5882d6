// Checks the type tests, against what was built, with every supported compiler and both kinds of decorators.
//   node packages/core/test/types/run.mjs [part of a combination's name]
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);
const compilers = {
  5.4: 'typescript-5.4',
  5.9: 'typescript-5.9',
  '6.0': 'typescript-6.0',
  '7.0': 'typescript',
};
const modes = ['legacy', 'standard', 'bare-legacy', 'bare-standard'];

if (!existsSync(join(import.meta.dirname, '../../dist/index.d.ts'))) {
  console.error('build first: packages/core/dist/index.d.ts is not there');
  process.exit(1);
}

/** Every line of a compiler's output that is an error. */
async function check([version, mode]) {
  const compiler = join(dirname(require.resolve(`${compilers[version]}/package.json`)), 'bin/tsc');
  const project = join(import.meta.dirname, `tsconfig.${mode}.json`);
  try {
    await promisify(execFile)(process.execPath, [compiler, '-p', project, '--pretty', 'false'], { maxBuffer: 2 ** 26 });
    return [];
  } catch (failure) {
    const errors = String(failure.stdout)
      .split('\n')
      .filter((line) => line.includes('error TS'));
    return errors.length > 0 ? errors : [`the compiler failed: ${failure.stderr || failure.message}`];
  }
}

const waiting = Object.keys(compilers)
  .flatMap((version) => modes.map((mode) => [version, mode]))
  .filter((combination) => combination.join(' ').includes(process.argv[2] ?? ''));
let failed = 0;
await Promise.all(
  Array.from({ length: Math.min(4, availableParallelism()) }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const errors = await check(next);
      if (errors.length > 0) failed++;
      console.log(`TypeScript ${next.join(' ').padEnd(18)} ${errors.length} errors`);
      for (const error of errors.slice(0, 10)) console.log(`  ${error.slice(0, 500)}`);
    }
  }),
);
process.exit(failed > 0 ? 1 : 0);
