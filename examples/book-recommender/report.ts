import { type Measured, mean } from './measure.js';
import type { Genres } from './profile.js';

/** What is told of one viewer. */
export interface ViewerReport {
  readonly name: string;
  readonly chance: Measured;
  readonly before: Measured;
  readonly after: Measured;
  readonly best: Measured;
  readonly genres: Genres;
}

/** The table of how well held-out films fit, and what was learned: lines of less than 100 characters. */
export function describe(reports: readonly ViewerReport[]): string {
  const columns = ['chance', 'before', 'after', 'best'] as const;
  const row = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(10)}${cells.map((cell) => cell.padStart(17)).join('')}`;
  const cells = (of: (key: (typeof columns)[number]) => Measured): string[] =>
    columns.map((key) => `${of(key).stars.toFixed(1)}${count(of(key).liked)} of 10`);
  return [
    'Of the held-out films, the ten that suit best what was learned: the stars the viewer would',
    'truly give them, on average, and how many of the ten get 4 stars or more. As long as nothing',
    'is learned, the ten are those that everybody praises.',
    '',
    row('', ['by chance', 'before', 'after', 'best possible']),
    ...reports.map((report) =>
      row(
        report.name,
        cells((key) => report[key]),
      ),
    ),
    row(
      'mean',
      cells((key) => mean(reports.map((report) => report[key]))),
    ),
    '',
    'Learned of their tastes (stars above or below the average):',
    ...reports.map(({ name, genres }) => `  ${name.padEnd(10)}${describeGenres(genres)}`),
  ].join('\n');
}

/** The two genres that are liked most, and the two that are disliked most. */
function describeGenres(genres: Genres): string {
  const sorted = Object.entries(genres).sort(([, a], [, b]) => b - a);
  const liked = sorted.filter(([, weight]) => weight >= 0.05).slice(0, 2);
  const disliked = sorted.filter(([, weight]) => weight <= -0.05).slice(-2);
  const told = [...liked, ...disliked].map(([genre, weight]) => `${genre} ${signed(weight)}`);
  return told.join(', ') || 'nothing yet';
}

function signed(weight: number): string {
  return `${weight > 0 ? '+' : '−'}${Math.abs(weight).toFixed(1)}`;
}

/** A mean of counts is seldom whole. */
function count(liked: number): string {
  return (Number.isInteger(liked) ? liked.toString() : liked.toFixed(1)).padStart(6);
}
