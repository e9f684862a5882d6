import type { Film } from './catalogue.js';
import { fit, type Genres } from './profile.js';
import { trueStars, type Viewer } from './viewers.js';

/** How well ten films suit a viewer's true taste. */
export interface Measured {
  /** The mean of the true stars. */
  readonly stars: number;
  /** How many have 4 true stars or more. */
  readonly liked: number;
}

const TOP = 10;
const LIKED = 4;

/**
 * The ten held-out films that suit what was learned best, by the viewer's true taste. Among equals the most acclaimed
 * come first; so, with nothing learned, they are the films that everybody praises.
 */
export function measure(viewer: Viewer, genres: Genres, heldOut: readonly Film[]): Measured {
  return judge(
    viewer,
    best(heldOut, (film) => fit(genres, film)),
  );
}

/** Ten held-out films drawn blindly, on average. */
export function measureChance(viewer: Viewer, heldOut: readonly Film[]): Measured {
  const { stars, liked } = judge(viewer, heldOut);
  return { stars, liked: (liked / heldOut.length) * TOP };
}

/** The ten held-out films that somebody would choose who knows the taste. */
export function measureBest(viewer: Viewer, heldOut: readonly Film[]): Measured {
  return judge(
    viewer,
    best(heldOut, (film) => trueStars(viewer, film)),
  );
}

/** The mean over several viewers. */
export function mean(measured: readonly Measured[]): Measured {
  const of = (key: keyof Measured): number => measured.reduce((sum, one) => sum + one[key], 0) / measured.length;
  return { stars: of('stars'), liked: of('liked') };
}

function best(films: readonly Film[], score: (film: Film) => number): Film[] {
  const scored = films.map((film) => ({ film, score: score(film) }));
  scored.sort((a, b) => b.score - a.score || b.film.acclaim - a.film.acclaim);
  return scored.slice(0, TOP).map(({ film }) => film);
}

function judge(viewer: Viewer, films: readonly Film[]): Measured {
  const stars = films.map((film) => trueStars(viewer, film));
  return {
    stars: stars.reduce((sum, one) => sum + one, 0) / stars.length,
    liked: stars.filter((one) => one >= LIKED).length,
  };
}
