import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { csvParse } from 'd3-dsv';

/** What is watched. */
export const variables = ['maximum temperature', 'precipitation', 'wind'] as const;
export type Variable = (typeof variables)[number];

/** One day in Seattle: degrees Celsius, millimetres, metres per second. */
export interface Day {
  /** `2012-01-31` */
  readonly date: string;
  readonly values: Readonly<Record<Variable, number>>;
}

export const units: Readonly<Record<Variable, string>> = {
  'maximum temperature': '°C',
  precipitation: 'mm',
  wind: 'm/s',
};

/** Reads four years of days, the oldest first. */
export function readDays(): Day[] {
  // The package exports its code only; the data lies beside it.
  const data = new URL(
    '../data/seattle-weather.csv',
    `file://${createRequire(import.meta.url).resolve('vega-datasets')}`,
  );
  type Column = 'date' | 'temp_max' | 'precipitation' | 'wind';
  return csvParse<Column>(readFileSync(data, 'utf8')).map((row) => ({
    date: row.date,
    values: {
      'maximum temperature': Number(row.temp_max),
      precipitation: Number(row.precipitation),
      wind: Number(row.wind),
    },
  }));
}
