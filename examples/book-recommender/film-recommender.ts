import { Component, type FlowContext, InitState, Serve, type State, Update, type UpdateProps } from '@motion-ts/core';
import { generateText, type LanguageModel } from 'ai';
import { chance, type Film } from './catalogue.js';
import { fit, refine } from './profile.js';
import { findTitle, INSTRUCTIONS, writePrompt } from './prompt.js';

/** What the viewer gets. */
export interface Recommendation {
  readonly title: string;
  /** Whether the model named a film that was not offered, so that the best of those offered was taken instead. */
  readonly strayed: boolean;
}

/** Films to choose from, in one prompt. */
const CANDIDATES = 40;
/** Stars from which on a film is a liked one. */
const LIKED = 4;
/** Liked titles to remember. */
const REMEMBERED = 20;

/**
 * Recommends films to one viewer. The state holds the parts of the prompt; every rating makes the next prompt a better
 * one, in the background, and whoever asks meanwhile is answered at once from what is known so far.
 */
export class FilmRecommender extends Component<{
  params: { favourite: string };
  state: {
    /** Those that got 4 stars or more, the latest last. */
    likedTitles: string[];
    /** Stars above or below the average that each genre adds. */
    genres: Record<string, number>;
    /** All that was ever recommended, the latest last. */
    recommended: string[];
    /** How many ratings the genres were learned from. */
    ratings: number;
  };
  flows: {
    recommend: { result: Recommendation };
    rate: { props: { title: string; stars: number } };
  };
}> {
  static readonly componentName = 'FilmRecommender';

  private readonly byTitle: ReadonlyMap<string, Film>;

  /**
   * @param model any language model of the AI SDK
   * @param films what may be recommended
   */
  constructor(
    private readonly model: LanguageModel,
    private readonly films: readonly Film[],
  ) {
    super();
    this.byTitle = new Map(films.map((film) => [film.title, film]));
  }

  @InitState()
  setup({ favourite }: { favourite: string }) {
    return { likedTitles: [favourite], genres: {}, recommended: [], ratings: 0 };
  }

  @Serve('recommend')
  async recommend(
    state: State<FilmRecommender>,
    _: object,
    ctx: FlowContext<FilmRecommender, 'recommend'>,
  ): Promise<Recommendation> {
    const candidates = this.candidates(ctx.instanceId, state.recommended);
    if (candidates.length === 0) throw new Error('every film of the catalogue was recommended already');
    const { text } = await generateText({
      model: this.model,
      system: INSTRUCTIONS,
      prompt: writePrompt({ ...state, candidates }),
      // A title is short, but models that think count their thoughts, too.
      maxOutputTokens: 2_000,
      abortSignal: ctx.signal,
    });
    const title = findTitle(text, candidates);
    return title === undefined
      ? { title: this.bestOf(candidates, state.genres), strayed: true }
      : { title, strayed: false };
  }

  @Update('recommend')
  remember(state: State<FilmRecommender>, { serveResult }: UpdateProps<FilmRecommender, 'recommend'>) {
    return { recommended: [...state.recommended, serveResult.title] };
  }

  @Update('rate')
  learn(state: State<FilmRecommender>, { title, stars }: UpdateProps<FilmRecommender, 'rate'>) {
    const film = this.byTitle.get(title);
    if (!film) throw new Error(`no film of the catalogue is called '${title}'`);
    return {
      genres: refine(state.genres, film, stars, state.ratings),
      ratings: state.ratings + 1,
      likedTitles: stars >= LIKED ? [...state.likedTitles, title].slice(-REMEMBERED) : undefined,
    };
  }

  /** Films drawn blindly among those not recommended yet: the same for the same viewer and visit. */
  private candidates(viewer: string, recommended: readonly string[]): string[] {
    const seen = new Set(recommended);
    const drawn = new Set<string>();
    const wanted = Math.min(CANDIDATES, this.films.length - seen.size);
    for (let n = 0; drawn.size < wanted; n++) {
      const film = this.films[Math.floor(chance(viewer, seen.size, n) * this.films.length)];
      if (film && !seen.has(film.title)) drawn.add(film.title);
    }
    return [...drawn];
  }

  private bestOf(candidates: readonly string[], genres: Readonly<Record<string, number>>): string {
    const scored = candidates.map((title) => ({ title, fit: fit(genres, this.byTitle.get(title) ?? { genres: [] }) }));
    const best = scored.sort((a, b) => b.fit - a.fit)[0];
    if (!best) throw new Error('every film of the catalogue was recommended already');
    return best.title;
  }
}
