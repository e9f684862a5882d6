import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A film, as far as this example looks at it. */
export interface Film {
  /** With the year, so that it is unique: `King Kong (1933)`. */
  readonly title: string;
  /** What the data calls major genre and creative type: `['Adventure', 'Science Fiction']`. */
  readonly genres: readonly string[];
  readonly director: string | null;
  readonly decade: number;
  /** Its IMDB rating, 1 to 10. */
  readonly acclaim: number;
}

/** The films, in two parts that have none in common. */
export interface Catalogue {
  /** How many films the data has, those without genre or rating included. */
  readonly listed: number;
  /** What may be recommended, and learned from. */
  readonly shelf: readonly Film[];
  /** One film in four, kept back to measure with: no viewer rates it, no model hears of it. */
  readonly heldOut: readonly Film[];
}

interface Row {
  readonly Title: string | number | null;
  readonly 'Release Date': string | null;
  readonly 'Major Genre': string | null;
  readonly 'Creative Type': string | null;
  readonly Director: string | null;
  readonly 'IMDB Rating': number | null;
}

/** The data was collected in 2010: a later year is one of the last century, written with two digits once. */
const LAST_YEAR = 2011;

/** Reads the films that have what is needed: a title, a year, a genre and a rating. */
export function readCatalogue(): Catalogue {
  // The package exports its code only; the data lies beside it.
  const data = new URL('../data/movies.json', `file://${createRequire(import.meta.url).resolve('vega-datasets')}`);
  const rows = JSON.parse(readFileSync(data, 'utf8')) as Row[];
  const films = new Map<string, Film>();
  for (const row of rows) {
    const film = filmOf(row);
    if (film) films.set(film.title, film);
  }
  const all = [...films.values()];
  const isHeldOut = (film: Film): boolean => chance('held out', film.title) < 0.25;
  return { listed: rows.length, shelf: all.filter((film) => !isHeldOut(film)), heldOut: all.filter(isHeldOut) };
}

function filmOf(row: Row): Film | undefined {
  const { Title: name, 'Release Date': date, 'Major Genre': genre, 'IMDB Rating': acclaim } = row;
  if (name === null || date === null || genre === null || acclaim === null) return undefined;
  const written = Number(date.slice(-4));
  const year = written > LAST_YEAR ? written - 100 : written;
  // A few titles have the year already.
  const title = `${String(name).replace(/ \(\d{4}\)$/, '')} (${year})`;
  const type = row['Creative Type'];
  return {
    title,
    genres: type === null ? [genre] : [genre, type],
    director: row.Director,
    decade: Math.floor(year / 10) * 10,
    acclaim,
  };
}

/** A number from 0 to 1 that looks like chance and is the same for the same words: every run sees the same world. */
export function chance(...words: readonly (string | number)[]): number {
  return createHash('sha256').update(words.join('\n')).digest().readUInt32BE() / 2 ** 32;
}
