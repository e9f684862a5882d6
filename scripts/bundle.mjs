/**
 * Makes the JavaScript of packages: one file for each of their exports, and files for what these share. Node loads a few
 * files in a fraction of the time that it takes for eighty, which is most of a cold start. Types are the compiler's business.
 *
 *     node scripts/bundle.mjs [folder of a package...]     (all of `packages` unless told)
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const packages = join(dirname(fileURLToPath(import.meta.url)), '../packages');
const given = process.argv.slice(2);
const folders = (given.length > 0 ? given : readdirSync(packages).map((name) => join(packages, name)))
  .map((folder) => resolve(folder))
  .filter((folder) => existsSync(join(folder, 'package.json')));

/** The sources of what a package exports, by the names of their files in `dist`. */
function entriesOf(folder) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.fromEntries(
    Object.values(exports)
      .filter((target) => target.default !== undefined)
      .map((target) => target.default.replace(/^\.\/dist\/|\.js$/g, ''))
      .map((name) => [name, join(folder, 'src', `${name}.ts`)]),
  );
}

/** Whoever loads a file meanwhile gets the old one or the new one, and what is up to date is left alone. */
function replace(file, content) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.${process.pid}`, content);
  renameSync(`${file}.${process.pid}`, file);
}

async function bundle(folder) {
  const dist = join(folder, 'dist');
  const { output } = await build({
    input: entriesOf(folder),
    platform: 'node',
    // What a package depends on is its users' to install.
    external: (id, _, isResolved) => !isResolved && !id.startsWith('.') && !isAbsolute(id),
    transform: { target: 'node20' },
    write: false,
    output: {
      dir: dist,
      chunkFileNames: 'shared/[name].js',
      sourcemap: true,
      // The sources are in the package.
      sourcemapExcludeSources: true,
    },
  });
  const files = new Map(
    output.map((file) => [join(dist, file.fileName), file.type === 'chunk' ? file.code : file.source]),
  );
  // What is shared first: nothing that is loaded leads to what is not there yet.
  for (const [file, content] of [...files].reverse()) replace(file, String(content));
  for (const name of readdirSync(dist, { recursive: true }))
    if (/\.js(\.map)?$/.test(name) && !files.has(join(dist, name))) rmSync(join(dist, name));
}

await Promise.all(folders.map(bundle));
