import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3Content,
  LanguageModelV3StreamPart,
} from '@ai-sdk/provider';
import { simulateReadableStream } from 'ai';
import type { Film } from '../catalogue.js';
import { fit, type Genres } from '../profile.js';
import { type PromptParts, readPrompt } from '../prompt.js';

/** How attractive a genre is of which nothing is known: without it, what is liked first would be all that is ever seen. */
const CURIOSITY = 0.5;
/** And how attractive if a liked film has it. */
const HOPE = 1;

/**
 * A recommender that works without a provider, behind the interface of language models: whoever calls it cannot tell.
 * It knows only what the prompt says, and the genres of the films.
 */
export function localRecommender(films: readonly Film[]): LanguageModelV3 {
  const byTitle = new Map(films.map((film) => [film.title, film]));
  const answer = (options: LanguageModelV3CallOptions): string => choose(readPrompt(lastMessage(options)), byTitle);
  return {
    specificationVersion: 'v3',
    provider: 'local',
    modelId: 'catalogue-recommender',
    supportedUrls: {},
    async doGenerate(options) {
      const content: LanguageModelV3Content[] = [{ type: 'text', text: answer(options) }];
      return { content, finishReason, usage, warnings: [] };
    },
    async doStream(options) {
      const id = '1';
      const parts: LanguageModelV3StreamPart[] = [
        { type: 'stream-start', warnings: [] },
        { type: 'text-start', id },
        { type: 'text-delta', id, delta: answer(options) },
        { type: 'text-end', id },
        { type: 'finish', finishReason, usage },
      ];
      return { stream: simulateReadableStream({ chunks: parts, initialDelayInMs: null, chunkDelayInMs: null }) };
    },
  };
}

/** The candidate that suits the genres in the prompt best; among equals the most acclaimed. */
function choose({ candidates, genres, likedTitles }: PromptParts, byTitle: ReadonlyMap<string, Film>): string {
  const liked = new Set(likedTitles.flatMap((title) => byTitle.get(title)?.genres ?? []));
  const films = candidates.map((title) => byTitle.get(title)).filter((film) => film !== undefined);
  const score = (film: Film): number => fit(withGuesses(genres, film, liked), film);
  const [best] = films.sort((a, b) => score(b) - score(a) || b.acclaim - a.acclaim);
  return best?.title ?? 'There is nothing to choose from.';
}

function withGuesses(genres: Genres, film: Film, liked: ReadonlySet<string>): Genres {
  const guesses = film.genres.map((genre) => [genre, liked.has(genre) ? HOPE : CURIOSITY]);
  return { ...Object.fromEntries(guesses), ...genres };
}

function lastMessage({ prompt }: LanguageModelV3CallOptions): string {
  const message = prompt.at(-1);
  if (message?.role !== 'user') return '';
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

const finishReason = { unified: 'stop', raw: undefined } as const;
/** It counts no tokens. */
const usage = {
  inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: undefined, text: undefined, reasoning: undefined },
} as const;
