import { chance, type Film } from './catalogue.js';

/**
 * A simulated viewer. The taste is hidden: the recommender sees only the favourite and the stars that are given. Tastes
 * know of directors, decades and acclaim, of which the recommender learns nothing: it cannot reach the best possible.
 */
export interface Viewer {
  readonly id: string;
  readonly name: string;
  /** A film that the viewer names at the first visit. */
  readonly favourite: string;
  readonly taste: Taste;
}

/** Stars that a property of a film adds or takes away. */
interface Taste {
  readonly genres: Readonly<Record<string, number>>;
  readonly directors?: Readonly<Record<string, number>>;
  readonly decades?: Readonly<Record<number, number>>;
  /** Per point of IMDB rating above the average. */
  readonly acclaim: number;
}

export const viewers: readonly Viewer[] = [
  {
    id: 'ada',
    name: 'Ada',
    favourite: 'Alien (1979)',
    taste: {
      genres: { 'Science Fiction': 0.9, Adventure: 0.4, Horror: 0.2, Comedy: -0.4, 'Romantic Comedy': -0.9 },
      directors: { 'Ridley Scott': 0.5, 'Steven Spielberg': 0.3 },
      decades: { 1980: 0.3 },
      acclaim: 0.2,
    },
  },
  {
    id: 'bruno',
    name: 'Bruno',
    favourite: 'Annie Hall (1977)',
    taste: {
      genres: { Comedy: 0.6, 'Romantic Comedy': 0.8, 'Black Comedy': 0.4, Horror: -1, Action: -0.5, Fantasy: -0.2 },
      directors: { 'Woody Allen': 0.6 },
      acclaim: 0.2,
    },
  },
  {
    id: 'chiara',
    name: 'Chiara',
    favourite: 'Amadeus (1984)',
    taste: {
      genres: {
        'Historical Fiction': 0.7,
        Dramatization: 0.6,
        Drama: 0.4,
        Western: 0.4,
        'Kids Fiction': -0.7,
        Horror: -0.6,
      },
      decades: { 1960: 0.3, 1970: 0.2 },
      acclaim: 0.3,
    },
  },
  {
    id: 'dmitri',
    name: 'Dmitri',
    favourite: 'The Shining (1980)',
    taste: {
      genres: { Horror: 1, 'Thriller/Suspense': 0.6, Fantasy: 0.2, Musical: -0.9, 'Kids Fiction': -0.8, Drama: -0.2 },
      directors: { 'Alfred Hitchcock': 0.6, 'Brian De Palma': 0.4 },
      acclaim: 0.1,
    },
  },
  {
    id: 'eun-ji',
    name: 'Eun-ji',
    favourite: 'Toy Story (1995)',
    taste: {
      genres: {
        'Kids Fiction': 0.9,
        Musical: 0.6,
        Fantasy: 0.4,
        Adventure: 0.2,
        'Thriller/Suspense': -0.6,
        Horror: -0.9,
      },
      directors: { 'Tim Burton': 0.5 },
      decades: { 2000: 0.1 },
      acclaim: 0.2,
    },
  },
];

/** The mean IMDB rating of the catalogue. */
const MEAN_ACCLAIM = 6.3;
/** There is no accounting for taste: up to so many stars of a film have no reason that anybody could learn. */
const QUIRK = 0.7;
/** And up to so many depend on the evening. */
const MOOD = 0.5;

/** How much a viewer would like a film: 1 to 5 stars, not rounded. */
export function trueStars(viewer: Viewer, film: Film): number {
  const { taste } = viewer;
  const liked =
    3 +
    film.genres.reduce((sum, genre) => sum + (taste.genres[genre] ?? 0), 0) +
    (taste.directors?.[film.director ?? ''] ?? 0) +
    (taste.decades?.[film.decade] ?? 0) +
    taste.acclaim * (film.acclaim - MEAN_ACCLAIM) +
    QUIRK * around0('quirk', viewer, film);
  return withinStars(liked);
}

/** What the viewer says after having seen it: whole stars, and the mood of the evening adds or takes away a half. */
export function rate(viewer: Viewer, film: Film): number {
  return withinStars(Math.round(trueStars(viewer, film) + MOOD * around0('mood', viewer, film)));
}

function withinStars(stars: number): number {
  return Math.min(5, Math.max(1, stars));
}

/** A number from -1 to 1, more often near 0. */
function around0(what: string, { id }: Viewer, { title }: Film): number {
  return chance(what, id, title) + chance(what, title, id) - 1;
}
