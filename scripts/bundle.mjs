/**
 * Makes the JavaScript of packages: one file for each of their exports, and files for what these share. Node loads a few
 * files in a fraction of the time that it takes for eighty, which is most of a cold start. Types are the compiler's business.
 *
 *     node scripts/bundle.mjs [folder of a package...]     (all of `packages` unless told)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const packages = join(dirname(fileURLToPath(import.meta.url)), '../packages');
const given = process.argv.slice(2);
const folders = given.length > 0 ? given : readdirSync(packages).map((name) => join(packages, name));

/** The sources of what a package exports, by the names of their files in `dist`. */
function entriesOf(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.fromEntries(
    Object.values(exports)
      .filter((target) => target.default !== undefined)
      .map((target) => relative('dist', target.default).replace(/\.js$/, ''))
      .map((name) => [name, join(folder, 'src', `${name}.ts`)]),
  );
}

await build(
  folders
    .map((folder) => resolve(folder))
    .map((folder) => ({
      input: entriesOf(folder),
      platform: 'node',
      // What a package depends on is its users' to install.
      external: /^[^./]/,
      transform: { target: 'node20' },
      output: {
        dir: join(folder, 'dist'),
        chunkFileNames: 'shared/[name].js',
        sourcemap: true,
        // The sources are in the package.
        sourcemapExcludeSources: true,
      },
    })),
);
