/** What is learned of a viewer: a weight for each genre of which a film was rated. Stars above or below the average. */
export type Genres = Readonly<Record<string, number>>;

/** The stars of a film of which nothing is known. */
const AVERAGE = 3;
/** How well a film suits what was learned: the stars that its genres let expect, above or below the average. */
export function fit(genres: Genres, film: { readonly genres: readonly string[] }): number {
  return film.genres.reduce((sum, genre) => sum + (genres[genre] ?? 0), 0);
}

/**
 * Learns from one rating: moves the weights of the film's genres towards what would have foretold it. Because the
 * film's genres share the error, 'Action' does not get the praise that is due to 'Science Fiction'.
 *
 * @param ratings how many were learned from before: the more, the less a single one says
 */
export function refine(
  genres: Genres,
  film: { readonly genres: readonly string[] },
  stars: number,
  ratings: number,
): Genres {
  const error = stars - AVERAGE - fit(genres, film);
  const step = error / (3 + ratings / 4);
  return {
    ...genres,
    ...Object.fromEntries(film.genres.map((genre) => [genre, rounded((genres[genre] ?? 0) + step)])),
  };
}

/** Two digits are enough for a prompt. */
function rounded(weight: number): number {
  return Math.round(weight * 100) / 100;
}
