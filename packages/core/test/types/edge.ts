// biome-ignore-all lint/suspicious/noExplicitAny: what is not declared is any
// Interfaces, schemas, inheritance, odd declarations. What must not compile has a directive.
import {
  type AnyComponent,
  Component,
  type Extend,
  type FlowContext,
  type InitParams,
  InitState,
  type Instance,
  type Props,
  type Result,
  remove,
  Serve,
  type State,
  type StatePatch,
  Update,
  type UpdateContext,
  type UpdateProps,
} from '@motion-ts/core';
import { type } from 'arktype';
import { expectTypeOf } from 'expect-type';
import * as v from 'valibot';
import { z } from 'zod';
import { motion, remote } from './app.js';
import type { BookRecommender } from './books.js';

// Interfaces for everything, and the types read from the declaration itself.
interface Rec {
  props: { genre: string };
  result: string[];
}
interface Flows {
  rec: Rec;
}
interface MyState {
  n: number;
}
interface Types {
  state: MyState;
  flows: Flows;
  params: { a?: number };
}
class ByInterface extends Component<Types> {
  @InitState() setup({ a = 1 }: InitParams<Types>) {
    return { n: a };
  }
  @Serve('rec') protected async rec(
    state: State<Types>,
    { genre }: Props<Types, 'rec'>,
    ctx: FlowContext<Types, 'rec'>,
  ): Promise<Result<Types, 'rec'>> {
    return [genre, ctx.flow, String(state.n)];
  }
  // @ts-expect-error a state that could be written to
  @Update('rec') flat(state: MyState, props: UpdateProps<Types, 'rec'>) {
    return { n: props.serveResult.length + state.n };
  }
  @Update('rec') branches(state: State<Types>, props: UpdateProps<Types, 'rec'>) {
    if (state.n) return { n: 1 };
    if (props.genre) return {};
    return undefined;
  }
  @Update('rec') spread(state: State<ByInterface>) {
    return { ...state, n: 2 };
  }
  // @ts-expect-error four parameters
  @Serve('rec') four(_a: State<Types>, _b: object, _c: FlowContext, _d: string) {
    return [''];
  }
  // @ts-expect-error a third parameter that is no context
  @Serve('rec') third(_a: State<Types>, _b: object, _c: number) {
    return [''];
  }
}

class Union extends Component<{
  state: { a: number; b: { c: string[] } };
  flows: { f: object; g: { result: string | number } };
}> {
  @Serve('f') f() {}
  @Update('f') u(state: State<Union>) {
    if (state.a) return { a: 1 };
    return { b: state.b };
  }
  @Serve('g') g() {
    return 1;
  }
  @Update('g') ug(_: State<Union>, { serveResult }: UpdateProps<Union, 'g'>) {
    expectTypeOf(serveResult).toEqualTypeOf<string | number>();
  }
  // @ts-expect-error a wrong patch in a promise
  @Update('f') promise(): Promise<{ a: string }> {
    return Promise.reject();
  }
}

// Any Standard Schema: its input for the callers, its output for the methods.
class Schemas extends Component<{ flows: { s: { props: { n: string; m?: number }; result: number } } }> {
  @Serve('s', { props: z.object({ n: z.string().transform(Number), m: z.number().default(2) }) })
  zod(_: State<Schemas>, props: { n: number; m: number }) {
    return props.n * props.m;
  }
  @Serve('s', { props: v.object({ n: v.pipe(v.string(), v.transform(Number)), m: v.optional(v.number(), 2) }) })
  valibot(_: State<Schemas>, props: { n: number; m: number }) {
    return props.n * props.m;
  }
  @Serve('s', { props: type({ n: 'string.integer.parse', 'm?': 'number' }) })
  arktype(_: State<Schemas>, props: { n: number; m?: number }) {
    return props.n;
  }
  @Update('s', { props: z.object({ n: z.string().transform(Number) }) })
  update(_: State<Schemas>, props: { n: number; serveResult: number }) {
    expectTypeOf(props.n).toBeNumber();
  }
  // @ts-expect-error the method wants another output
  @Serve('s', { props: z.object({ n: z.string() }) }) bad1(_: State<Schemas>, props: { n: number }) {
    return props.n;
  }
  // @ts-expect-error the schema does not take what callers give
  @Serve('s', { props: z.object({ n: z.number() }) }) bad2(_: State<Schemas>, props: { n: number }) {
    return props.n;
  }
  // @ts-expect-error the same of an update
  @Update('s', { props: z.object({ n: z.number() }) }) bad3() {}
  // @ts-expect-error no schema
  @Serve('s', { props: {} }) bad4() {
    return 1;
  }
}
const RecProps = z.object({ genre: z.string() });
class FromSchema extends Component<{ flows: { rec: { props: z.input<typeof RecProps>; result: string } } }> {
  @Serve('rec', { props: RecProps }) rec(_: State<FromSchema>, props: z.output<typeof RecProps>) {
    return props.genre;
  }
}

// Dependencies.
class Service extends Component<{ flows: { ask: { props: { q: string }; result: string } } }> {
  readonly #llm: { ask(q: string): Promise<string> };
  constructor(llm: { ask(q: string): Promise<string> }) {
    super();
    this.#llm = llm;
  }
  @Serve('ask') ask(_: State<Service>, { q }: Props<Service, 'ask'>) {
    return this.#llm.ask(q);
  }
}

// What a serve passes.
class Passing extends Component<{
  flows: {
    f: { passed: { a: number } };
    g: { passed: { a: number; b: string } };
    maybe: { passed?: { a: number } };
    none: object;
  };
}> {
  @Serve('f') f(_s: object, _p: object, ctx: FlowContext<Passing, 'f'>) {
    ctx.pass({ a: 1 });
    // @ts-expect-error another type
    ctx.pass({ a: 'x' });
  }
  @Update('f') uf(_s: object, props: UpdateProps<Passing, 'f'>) {
    expectTypeOf(props.passed).toEqualTypeOf<{ a: number }>();
    expectTypeOf<UpdateProps<Passing, 'maybe'>['passed']>().toEqualTypeOf<{ a: number } | undefined>();
    expectTypeOf<UpdateProps<Passing, 'none'>>().not.toHaveProperty('passed');
  }
  // @ts-expect-error passes what g does not take
  @Serve('g') g(_s: object, _p: object, _ctx: FlowContext<Passing, 'f'>) {}
  @Serve('maybe') maybe(_s: object, _p: object, ctx: FlowContext<Passing, 'maybe'>) {
    ctx.pass({ a: 1 });
  }
  @Serve('none') none(_s: object, _p: object, ctx: FlowContext<Passing, 'none'>) {
    // @ts-expect-error the flow declares nothing to pass
    ctx.pass({ a: 1 });
  }
  // @ts-expect-error another flow's context
  @Serve('none') none2(_s: object, _p: object, _ctx: FlowContext<Passing, 'f'>) {}
  // @ts-expect-error nothing is passed
  @Update('none') unone(_s: object, _props: { passed: object }) {}
  // @ts-expect-error updates cannot pass
  @Update('none') ctx(_s: object, _props: object, _ctx: FlowContext) {}
  @Update('none') ctx2(_s: object, _props: object, _ctx: { readonly flow: string }) {}
  // @ts-expect-error serves are not tried again
  @Serve('none') ctx3(_s: object, _props: object, _ctx: UpdateContext) {}
  @Serve(['f', 'g']) fg(_s: object, _p: object, ctx: FlowContext<Passing, 'f' | 'g'>) {
    ctx.pass({ a: 1, b: '' });
    // @ts-expect-error g takes more
    ctx.pass({ a: 1 });
  }
  // @ts-expect-error no such flow
  static bad: FlowContext<Passing, 'other'>;
}

// Deleting keys.
class Removing extends Component<{
  state: { must: string; may?: string; orNot: string | undefined; map: Record<string, number> };
  flows: { f: object };
}> {
  @Update('f') ok() {
    return { may: remove };
  }
  @Update('f') branches(state: State<Removing>): StatePatch<Removing> {
    return state.may ? { may: remove } : { must: 'x' };
  }
  // @ts-expect-error the key must be there
  @Update('f') must() {
    return { must: remove };
  }
  // @ts-expect-error the key may be undefined, but must be there
  @Update('f') orNot() {
    return { orNot: remove };
  }
  // @ts-expect-error a patch replaces whole keys
  @Update('f') deep() {
    return { map: { a: remove } };
  }
  // @ts-expect-error there is nothing yet
  @InitState() init() {
    return { must: '', may: remove, orNot: undefined, map: {} };
  }
}
class Dictionary extends Component<{ state: { [key: string]: number }; flows: { f: object } }> {
  @Update('f') f() {
    return { some: remove, other: 1 };
  }
}

// Several flows.
const names = ['a', 'b'] as const;
class Several extends Component<{
  flows: {
    a: { props: { n: number }; result: number };
    b: { props: { n: number; m: number }; result: number };
    c: { props: { n: number }; result: string };
    d: { props: { n: string }; result: number };
    e: { props: { n: number }; chunk: number; result: number };
  };
}> {
  @Serve(['a', 'b']) ab(_: object, props: { n: number }) {
    return props.n;
  }
  @Serve(names) constants(_: object, props: Props<Several, 'a' | 'b'>) {
    return props.n;
  }
  // @ts-expect-error b's props are not always a's
  @Serve(['a', 'b']) props(_: object, props: { n: number; m: number }) {
    return props.n + props.m;
  }
  // @ts-expect-error c's result is a string
  @Serve(['a', 'c']) result(_: object, props: { n: number }) {
    return props.n;
  }
  // @ts-expect-error d's props are not a's
  @Serve(['a', 'd']) props2(_: object, props: { n: number }) {
    return props.n;
  }
  // @ts-expect-error e streams
  @Serve(['a', 'e']) streams(_: object, props: { n: number }) {
    return props.n;
  }
  // @ts-expect-error one of them does not exist
  @Serve(['a', 'x']) unknown(_: object, props: { n: number }) {
    return props.n;
  }
  // @ts-expect-error an empty list
  @Serve([]) empty() {
    return 1;
  }
  // @ts-expect-error names that are not known
  @Serve([] as string[]) strings() {
    return 1;
  }
  @Update(['a', 'c']) both(_: object, { serveResult }: UpdateProps<Several, 'a' | 'c'>) {
    expectTypeOf(serveResult).toEqualTypeOf<string | number>();
  }
  // @ts-expect-error c's result is a string
  @Update(['a', 'c']) one(_: object, _props: UpdateProps<Several, 'a'>) {}
}

export async function use(): Promise<void> {
  const b = await motion.instance(ByInterface, 'x');
  expectTypeOf(await b.run('rec', { genre: '' })).toEqualTypeOf<string[]>();
  await motion.instance(ByInterface, 'x', { init: {} });
  // @ts-expect-error a param of another type
  await motion.instance(ByInterface, 'x', { init: { a: 'x' } });
  expectTypeOf(await (await motion.instance(Schemas, 'x')).run('s', { n: '1' })).toEqualTypeOf<number>();
  await (await motion.instance(FromSchema, 'x')).run('rec', { genre: 'x' });
  await (await motion.instance(Service, 'x')).run('ask', { q: '' });
  const u = await motion.instance(Union, 'x');
  await u.run('f');
  await u.run('f', {}, { flushUpdates: true, signal: new AbortController().signal });
  // @ts-expect-error no props
  await u.run('f', { a: 1 });
  // @ts-expect-error no props
  await u.run('f', 1);
  // @ts-expect-error no streaming flow
  u.stream('f');
  const r = await motion.instance(Removing);
  await r.writeState({ may: remove, must: 'x' });
  // @ts-expect-error the key must be there
  await r.writeState({ must: remove });
}

// Functions over instances; a subclass's instance is one of its base's.
class Sub extends ByInterface {
  declare readonly '~types': Extend<
    ByInterface,
    { flows: { top: { props: { n: number }; result: string[] } }; state: { more: string } }
  >;
  @Serve('top') async top(state: State<Sub>, { n }: Props<Sub, 'top'>) {
    return [state.more.repeat(n + state.n)];
  }
}
const baseInstance: Instance<ByInterface> = remote<Sub>();
// @ts-expect-error not the other way round
const notSub: Instance<Sub> = baseInstance;

// Wrong declarations.
// @ts-expect-error props are an object
class P1 extends Component<{ flows: { a: { props: string } } }> {}
// @ts-expect-error serveResult is taken
class P2 extends Component<{ flows: { a: { props: { serveResult: 1 } } } }> {}
// @ts-expect-error state is an object
class P3 extends Component<{ state: number }> {}
// @ts-expect-error passed is taken
class P4 extends Component<{ flows: { a: { props: { passed: 1 } } } }> {}
// @ts-expect-error passed is an object
class P5 extends Component<{ flows: { a: { passed: string } } }> {}

// Static members of the wrong type.
class WrongName extends Component {
  static readonly componentName = 1;
}
// @ts-expect-error a name is a string
motion.instance(WrongName);

// What is not declared is not checked.
class Gradual extends Component<{ state: { n: number } }> {
  @Serve('any') any(state: State<Gradual>, props: { x: number }) {
    return state.n + props.x;
  }
  @Update('any') update(_: State<Gradual>, props: { serveResult: number }) {
    return { n: props.serveResult };
  }
  // @ts-expect-error the state is declared
  @Update('any') wrong() {
    return { m: 1 };
  }
}
expectTypeOf(remote<Gradual>().run('any', 1)).resolves.toBeAny();
expectTypeOf(remote<Gradual>().readState('n')).resolves.toEqualTypeOf<number>();

// Types written out, as isolatedDeclarations asks.
export class Explicit extends Component<{
  params: { a: number };
  state: { n: number };
  flows: { rec: { props: { g: string }; result: string[] }; s: { chunk: string; result: number } };
}> {
  @InitState() init(p: InitParams<Explicit>): State<Explicit> {
    return { n: p.a };
  }
  @Serve('rec') async rec(_: State<Explicit>, p: Props<Explicit, 'rec'>): Promise<Result<Explicit, 'rec'>> {
    return [p.g];
  }
  @Serve('s') async *s(_: State<Explicit>): AsyncGenerator<string, number> {
    yield 'a';
    return 1;
  }
  @Update('rec') learn(state: State<Explicit>, p: UpdateProps<Explicit, 'rec'>): StatePatch<Explicit> {
    return { n: state.n + p.serveResult.length };
  }
}
class AnyReturn extends Component<{ flows: { c: { chunk: string }; r: { result: number } } }> {
  @Serve('c') c(): any {
    return null;
  }
  @Serve('r') r(): any {
    return null;
  }
}
// State that is not JSON.
class Rich extends Component<{
  state: { at: Date; map: Map<string, { n: number }>; set: Set<string>; bytes: Uint8Array; big: bigint };
  flows: { f: object };
}> {
  @Update('f') f(state: State<Rich>) {
    expectTypeOf(state.at).toEqualTypeOf<Date>();
    expectTypeOf(state.map).toEqualTypeOf<ReadonlyMap<string, { readonly n: number }>>();
    expectTypeOf(state.bytes).toEqualTypeOf<Uint8Array>();
    return { map: new Map([...state.map, ['x', { n: 1 }]]), set: new Set(state.set).add('x'), big: 1n };
  }
}
// Keys that nobody can name beforehand.
class Tally extends Component<{
  state: Record<string, number>;
  flows: { add: { props: { word: string }; result: number } };
}> {
  @InitState() start() {
    return {};
  }
  @Serve('add') look(state: State<Tally>, { word }: Props<Tally, 'add'>) {
    return state[word] ?? 0;
  }
  @Update('add') add(state: State<Tally>, { word }: UpdateProps<Tally, 'add'>) {
    return { [word]: (state[word] ?? 0) + 1 };
  }
  // @ts-expect-error values of another type
  @Update('add') wrong(_: State<Tally>, { word }: UpdateProps<Tally, 'add'>) {
    return { [word]: 'one' };
  }
}
void remote<Tally>().writeState({ anything: 1 });
// @ts-expect-error a value of another type
void remote<Tally>().writeState({ anything: 'one' });

declare abstract class Abstract extends Component<{ flows: object }> {}
// @ts-expect-error an abstract class has no instances
void motion.instance(Abstract, 'x');
expectTypeOf(remote<BookRecommender>().run('rec', { genre: 'x' })).resolves.toEqualTypeOf<string[]>();
declare const anything: Instance<AnyComponent>;

export { AnyReturn, anything, Dictionary, Gradual, notSub, P1, P2, P3, P4, P5, Passing, Rich, Several, Tally };
