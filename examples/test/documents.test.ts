import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MemoryStore } from '@motion-ts/memory';
import { conformance } from '@motion-ts/test-harness';
import { expect, test } from 'vitest';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const page = 'docs/write-your-own-store.md';
/** With the number of pieces of code that must be on each. */
const pages: Readonly<Record<string, number>> = { [page]: 9, 'docs/moving-stores.md': 1 };

/** What stands between `// #region name` and the next `// #endregion` of a file, moved to the left margin. */
function regionOf(path: string, name: string): string {
  const lines = readFileSync(at(path), 'utf8').split('\n');
  const begin = lines.findIndex((line) => line.trim() === `// #region ${name}`);
  const end = lines.findIndex((line, n) => n > begin && line.trim() === '// #endregion');
  if (begin < 0 || end < 0) throw new Error(`${path} has no region '${name}'`);
  const region = lines.slice(begin + 1, end);
  while (region[0]?.trim() === '') region.shift();
  const margin = Math.min(...region.filter((line) => line !== '').map((line) => line.search(/\S/)));
  return region.map((line) => line.slice(margin)).join('\n');
}

const BLOCK = /^( *)```ts (\S+)#(\S+)\n([\s\S]*?)^ *```$/gm;

// MOTION_DOCS=write puts the present code into the pages.
test.each(Object.entries(pages))('every piece of code in %s is what the examples have', (path, least) => {
  const text = readFileSync(at(path), 'utf8');
  let blocks = 0;
  const expected = text.replaceAll(BLOCK, (_, indent: string, file: string, name: string) => {
    blocks++;
    const code = regionOf(file, name).replaceAll(/^(?=.)/gm, indent);
    return `${indent}\`\`\`ts ${file}#${name}\n${code}\n${indent}\`\`\``;
  });
  if (process.env['MOTION_DOCS'] === 'write') writeFileSync(at(path), expected);
  else expect(text).toBe(expected);
  expect(blocks).toBeGreaterThanOrEqual(least);
});

const ROW = /^\s*\|.*\|\s*$/;

/** What is wrong with the tables of a page: each has a rule below its head, and as many cells in all its rows. */
function brokenTables(path: string): string[] {
  const problems: string[] = [];
  let table: string[] = [];
  for (const line of [...readFileSync(at(path), 'utf8').split('\n'), '']) {
    if (ROW.test(line)) {
      table.push(line);
      continue;
    }
    const [head = '', rule = ''] = table;
    const cells = (row: string): number => row.replaceAll(/\\\||`[^`]*`/g, '').split('|').length;
    if (table.length > 0 && (!/^[\s|:-]+$/.test(rule) || table.some((row) => cells(row) !== cells(head))))
      problems.push(`${path}: ${head}`);
    table = [];
  }
  return problems;
}

test('the tables of all pages are whole', () => {
  const found = [
    '',
    'docs/',
    ...readdirSync(at('packages')).map((name) => `packages/${name}/`),
    'test-harness/',
  ].flatMap((folder) =>
    readdirSync(at(folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => folder + name),
  );
  expect(found.length).toBeGreaterThan(10);
  expect(found.flatMap(brokenTables)).toEqual([]);
});

test('every case that the page names is one of the suite', () => {
  const titles = new Set<string>();
  conformance({
    describe: (_, body) => body(),
    test: (name) => titles.add(name),
    name: 'any',
    open: async () => new MemoryStore(),
  });
  const table = /## Traps[\s\S]*?(?=\n## )/.exec(readFileSync(at(page), 'utf8'))?.[0] ?? '';
  const named = [...table.matchAll(/\| `([^`]+)` \|$/gm)].map(([, title]) => title as string);
  expect(named.length).toBeGreaterThanOrEqual(15);
  expect(named.filter((title) => !titles.has(title))).toEqual([]);
});
