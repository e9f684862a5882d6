/** The prompt: the parts that the state holds, and the films to choose from. */
export interface PromptParts {
  readonly likedTitles: readonly string[];
  readonly genres: Readonly<Record<string, number>>;
  readonly recommended: readonly string[];
  readonly candidates: readonly string[];
}

export const INSTRUCTIONS = `You recommend films. You get what is known of one viewer, as JSON:
likedTitles: films the viewer liked, the latest last
genres: stars above or below the average that a genre adds to a film, as learned so far
recommended: films recommended before, the latest last
candidates: films to choose from
Recommend the one candidate that the viewer will like best. Now and then prefer one of a genre that is not in genres
yet, to learn more. Answer with its title exactly as it stands in candidates, and with nothing else.`;

/** The latest are enough: a prompt must not grow with every visit. */
const LATEST = 20;

/** Puts the prompt together. JSON, because models read it well, and so does the local recommender. */
export function writePrompt(parts: PromptParts): string {
  return JSON.stringify({
    likedTitles: parts.likedTitles.slice(-LATEST),
    genres: parts.genres,
    recommended: parts.recommended.slice(-LATEST),
    candidates: parts.candidates,
  });
}

/** What {@link writePrompt} wrote. */
export function readPrompt(text: string): PromptParts {
  return JSON.parse(text) as PromptParts;
}

/**
 * Finds the film that a model's answer means. Models put a title in quotes, leave out the year, add a full stop or a
 * sentence: that is forgiven, a film that was not offered is not.
 */
export function findTitle(answer: string, candidates: readonly string[]): string | undefined {
  const said = plain(answer);
  const withoutYear = (title: string): string => title.replace(/ \(\d{4}\)$/, '');
  return (
    candidates.find((title) => plain(title) === said) ??
    candidates.find((title) => plain(withoutYear(title)) === said) ??
    // In a sentence: the longest title in it, since 'Alien' is in 'Alien Resurrection', too.
    candidates.filter((title) => said.includes(plain(title))).sort((a, b) => b.length - a.length)[0]
  );
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
