// What compiles: a component with most of what there is, and one that declares nothing.
import {
  Component,
  type FlowContext,
  type InitParams,
  InitState,
  type Props,
  remove,
  Serve,
  type State,
  Update,
  type UpdateContext,
  type UpdateProps,
} from '@motion-ts/core';

export class BookRecommender extends Component<{
  params: { likedBooks: string[] };
  state: { likedBooks: string[]; seen: { title: string; tags: string[] }[]; draft?: string };
  flows: {
    rec: { props: { genre: string }; result: string[]; passed: { tokens: number } };
    chat: { props: { question: string }; chunk: string; result: number; passed?: { model: string } };
    tokens: { props: { text: string }; chunk: string };
    like: { props: { title: string } };
    stats: { result: { liked: number } };
    up: { props: { id: string }; result: number };
    down: { props: { id: string; why?: string }; result: number };
  };
}> {
  static readonly componentName = 'BookRecommender';
  static readonly codeVersion = '1';
  readonly prefix: string = 'book';

  @InitState() setup(params: InitParams<BookRecommender>) {
    return { likedBooks: params.likedBooks, seen: [] };
  }

  @Serve('rec', { cache: { ttlMs: 1000, scope: 'any-version' }, timeoutMs: 5000 })
  async recommend(
    state: State<BookRecommender>,
    props: Props<BookRecommender, 'rec'>,
    ctx: FlowContext<BookRecommender, 'rec'>,
  ) {
    ctx.pass({ tokens: 12 });
    return state.likedBooks.map((book) => `${this.prefix} like ${book} in ${props.genre}`);
  }

  @Update('rec', { discard: { afterUpdates: 3 }, retry: { attempts: 2, backoffMs: 10, maxBackoffMs: 100 } })
  async learn(state: State<BookRecommender>, props: UpdateProps<BookRecommender, 'rec'>, ctx: UpdateContext) {
    const tags = [props.genre, String(props.passed.tokens), ctx.updateId, String(ctx.epoch + ctx.attempt)];
    return { seen: [...state.seen, ...props.serveResult.map((title) => ({ title, tags }))] };
  }

  // The plain context passes anything.
  @Serve('chat') async *talk(state: State<BookRecommender>, { question }: { question: string }, ctx: FlowContext) {
    ctx.pass({ model: 'small' });
    for (const word of question.split(' ')) yield word;
    return state.likedBooks.length;
  }

  @Update('chat', { discard: { afterMs: 1000 }, name: 'remember' })
  remember(_: State<BookRecommender>, props: UpdateProps<BookRecommender, 'chat'>) {
    return { draft: props.passed?.model ?? remove };
  }

  @Serve() *tokens(_: State<BookRecommender>, props: { text: string }) {
    yield* props.text.split(' ');
  }

  @Update('like', { discard: { afterMs: 1000, afterUpdates: 2 } })
  addLike(state: State<BookRecommender>, props: UpdateProps<BookRecommender, 'like'>) {
    if (state.likedBooks.includes(props.title)) return;
    return { likedBooks: [...state.likedBooks, props.title], draft: remove };
  }

  // Without a name, but with options; the plain context where nothing is passed.
  @Serve(undefined, { timeoutMs: 10 }) stats(state: State<BookRecommender>, _: object, ctx: FlowContext) {
    return { liked: state.likedBooks.length + ctx.flow.length };
  }

  @Serve(['up', 'down'])
  vote(_: State<BookRecommender>, props: Props<BookRecommender, 'up' | 'down'>, ctx: FlowContext<BookRecommender>) {
    return props.id.length + ctx.instanceId.length;
  }
  @Update(['up', 'down']) count(_: State<BookRecommender>, props: UpdateProps<BookRecommender, 'up' | 'down'>) {
    return props.serveResult > 1 ? { draft: remove } : { draft: props.id };
  }
}

/** Nothing declared: everything is `any`. */
export class Loose extends Component {
  @InitState() setup() {
    return { n: 0 };
  }
  @Serve('count') async count(state: { n: number }, props: { by: number }, ctx: FlowContext<Loose, 'count'>) {
    ctx.pass('anything');
    return state.n + props.by;
  }
  @Update('count') async bump(state: { n: number }, props: { by: number; serveResult: number; passed: string }) {
    return { n: state.n + props.by, last: props.serveResult, old: remove };
  }
  @Serve('drip') async *drip() {
    yield 1;
  }
  @Serve(['a', 'b']) ab(_state: object, _props: object, ctx: FlowContext) {
    ctx.pass({ any: 1 });
  }
}
