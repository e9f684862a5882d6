import type { StandardSchemaV1 } from '@standard-schema/spec';
import { MotionError } from '../errors.js';
import { isComponentClass } from './component.js';
import type { ComponentClass } from './declare.js';
import { declaredBy, type Entry, type Kind } from './metadata.js';
import {
  nameProblem,
  type Report,
  type ServeSettings,
  serveSettings,
  type UpdateSettings,
  updateSettings,
} from './settings.js';

/** Methods are named, not held: they are looked up at the call, so that an override needs no decorator of its own. */
type MethodName = string | symbol;

/** The serve of a flow. */
export interface ServeDefinition extends ServeSettings {
  readonly method: MethodName;
}

/** One update of a flow. */
export interface UpdateDefinition extends UpdateSettings {
  readonly flow: string;
  /** The name under which it is stored: given, or the method's; a symbol's description. */
  readonly name: string;
  readonly method: MethodName;
}

/** One flow: it has a serve, or updates, or both. */
export interface FlowDefinition {
  readonly name: string;
  /** Checks the props: the schema that the serve or an update names, or that was inferred. */
  readonly schema?: StandardSchemaV1;
  readonly serve?: ServeDefinition;
  /** In the order of their declaration, those of the base class first. */
  readonly updates: readonly UpdateDefinition[];
}

/** All that the runtime needs to know of a component's class. */
export interface Definition {
  /** The name in the store. */
  readonly name: string;
  readonly ctor: ComponentClass;
  /** `''` if the class sets none. */
  readonly codeVersion: string;
  /** The `@InitState` method; `arity` 0 wants no params. */
  readonly init?: { readonly method: MethodName; readonly arity: number };
  readonly flows: ReadonlyMap<string, FlowDefinition>;
}

/** Sees every class that is defined. */
export interface DefinitionObserver {
  /** A schema for the props of a method of a flow that names none. */
  inferSchema?(ctor: object, method: MethodName): StandardSchemaV1 | undefined;
  defined?(definition: Definition): void;
}

let observer: DefinitionObserver = {};
let definitions = new WeakMap<object, Definition>();

/** For `./reflect`. Classes defined earlier are defined anew. */
export function observeDefinitions(by: DefinitionObserver): void {
  observer = by;
  definitions = new WeakMap();
}

/**
 * What a class's decorators say, with what it inherits. Made once per class.
 *
 * @throws MotionError `INVALID_COMPONENT`, with everything that is wrong with the class
 */
export function define(ctor: ComponentClass): Definition {
  const known = definitions.get(ctor);
  if (known) return known;
  const definition = read(ctor);
  definitions.set(ctor, definition);
  observer.defined?.(definition);
  return definition;
}

/** An update by the names it is stored under. */
export function findUpdate(definition: Definition, flow: string, name: string): UpdateDefinition | undefined {
  return definition.flows.get(flow)?.updates.find((update) => update.name === name);
}

const DECORATORS: Readonly<Record<Kind, string>> = { init: '@InitState', serve: '@Serve', update: '@Update' };
const LONGEST_COMPONENT_NAME = 100;

type AnyClass = abstract new (...args: never) => object;

interface FlowDraft {
  serve?: ServeDefinition;
  readonly updates: UpdateDefinition[];
}

/** A class in the making, its bases first. Collects all problems: nobody wants to mend a class in ten rounds. */
interface Draft {
  readonly ctor: AnyClass;
  init?: NonNullable<Definition['init']>;
  readonly flows: Map<string, FlowDraft>;
  readonly problems: string[];
}

function read(ctor: ComponentClass): Definition {
  if (!isComponentClass(ctor)) throw new MotionError('INVALID_COMPONENT', `${label(ctor)} does not extend Component`);
  const draft: Draft = { ctor, flows: new Map(), problems: [] };
  const name = componentName(draft);
  const codeVersion = Reflect.get(ctor, 'codeVersion') ?? '';
  if (typeof codeVersion !== 'string') draft.problems.push(`${label(ctor)}: codeVersion must be a string`);
  for (const declaring of chainOf(ctor)) {
    // What this class has declared so far. It may replace what its base declares, not what itself does.
    const own = new Set<object>();
    for (const entry of declaredBy(declaring)) addEntry(draft, own, declaring, entry);
  }
  const flows = new Map([...draft.flows].map(([key, flow]) => [key, finishFlow(draft, key, flow)]));
  if (draft.problems.length > 0) {
    const list = draft.problems.map((problem) => `\n- ${problem}`).join('');
    throw new MotionError('INVALID_COMPONENT', `${label(ctor)} cannot be used as a component:${list}`);
  }
  return Object.freeze({ name, ctor, codeVersion, ...(draft.init && { init: draft.init }), flows });
}

/** From the first base to the class itself. */
function chainOf(ctor: AnyClass): AnyClass[] {
  const chain: AnyClass[] = [];
  for (let c: unknown = ctor; isComponentClass(c); c = Object.getPrototypeOf(c)) chain.unshift(c);
  return chain;
}

/** Own: a subclass is a component of its own, with a name of its own. */
function componentName({ ctor, problems }: Draft): string {
  const given = Object.hasOwn(ctor, 'componentName') ? Reflect.get(ctor, 'componentName') : undefined;
  const name: unknown = given ?? ctor.name;
  const problem =
    name === '' && given === undefined
      ? 'a class without a name needs a static componentName'
      : prefixed('componentName ', nameProblem(name, LONGEST_COMPONENT_NAME));
  if (problem) problems.push(`${label(ctor)}: ${problem}`);
  return String(name);
}

function addEntry(draft: Draft, own: Set<object>, declaring: AnyClass, entry: Entry): void {
  const { kind, method } = entry;
  const report: Report = (problem) => {
    draft.problems.push(`${label(declaring)}.${String(method)}, ${DECORATORS[kind]}: ${problem}`);
    return undefined;
  };
  const found = entry.misuse ? undefined : methodOf(draft.ctor, method);
  if (!found) {
    report(`decorates methods only; ${entry.misuse ?? 'it is overridden by something else'}`);
    return;
  }
  if (kind === 'init') {
    if (draft.init && own.has(draft.init)) report(`there is another, ${String(draft.init.method)}`);
    draft.init = Object.freeze({ method, arity: found.length });
    own.add(draft.init);
    return;
  }
  const settings = kind === 'serve' ? serveSettings(entry.options, report) : updateSettings(entry.options, report);
  const name = kind === 'update' ? updateName(settings, method, report) : '';
  for (const flow of flowNames(entry, report)) {
    const flowDraft = draft.flows.get(flow) ?? { updates: [] };
    draft.flows.set(flow, flowDraft);
    if (kind === 'serve') addServe(flowDraft, own, Object.freeze({ ...settings, method }), flow, report);
    else addUpdate(flowDraft.updates, own, Object.freeze({ ...settings, method, flow, name }), report);
  }
}

function addServe(draft: FlowDraft, own: Set<object>, serve: ServeDefinition, flow: string, report: Report): void {
  if (draft.serve && own.has(draft.serve)) report(`flow '${flow}' is served by ${String(draft.serve.method)} already`);
  draft.serve = serve;
  own.add(serve);
}

/** Takes the place of the base's update of the same name, and of the same method: it must not run twice. */
function addUpdate(updates: UpdateDefinition[], own: Set<object>, update: UpdateDefinition, report: Report): void {
  const isSame = (other: UpdateDefinition): boolean => other.name === update.name || other.method === update.method;
  const twin = updates.find((other) => isSame(other) && own.has(other));
  if (twin)
    report(
      twin.method === update.method
        ? `it is an update of flow '${update.flow}' already`
        : `flow '${update.flow}' has an update '${update.name}' already, ${String(twin.method)}; give one a { name }`,
    );
  const place = updates.findIndex(isSame);
  const rest = updates.filter((other) => !isSame(other));
  rest.splice(place < 0 ? rest.length : place, 0, update);
  updates.splice(0, updates.length, ...rest);
  own.add(update);
}

/** The method of that name, as an instance would find it. A getter is not called. */
function methodOf(ctor: AnyClass, name: MethodName): { length: number } | undefined {
  for (let at = ctor.prototype as object | null; at; at = Object.getPrototypeOf(at) as object | null) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found) return typeof found.value === 'function' ? (found.value as { length: number }) : undefined;
  }
  return undefined;
}

function updateName(settings: UpdateSettings, method: MethodName, report: Report): string {
  const name = settings.name ?? (typeof method === 'symbol' ? method.description : method);
  const problem = nameProblem(name ?? '');
  // A wrong { name } was reported where it was checked.
  if (problem) report(`the method's name cannot be an update's: it ${problem}; give it a { name }`);
  return name ?? '';
}

function flowNames({ flows, method }: Entry, report: Report): string[] {
  if (flows === undefined && typeof method === 'symbol') {
    report('name the flow: a symbol does not');
    return [];
  }
  const names: readonly unknown[] = Array.isArray(flows) ? flows : [flows ?? method];
  if (names.length === 0) report('the list of flows is empty');
  return names.filter((name): name is string => {
    const problem = nameProblem(name);
    if (problem) report(`the name of a flow ${problem}`);
    return !problem;
  });
}

function finishFlow(draft: Draft, name: string, { serve, updates }: FlowDraft): FlowDefinition {
  const all = serve ? [serve, ...updates] : updates;
  const schemas = new Set(all.flatMap((each) => each.schema ?? []));
  if (schemas.size > 1)
    draft.problems.push(
      `${label(draft.ctor)}, flow '${name}': its methods name ${schemas.size} schemas as props; name the same everywhere`,
    );
  let [schema] = schemas;
  for (const { method } of all) schema ??= observer.inferSchema?.(draft.ctor, method);
  return Object.freeze({ name, ...(schema && { schema }), ...(serve && { serve }), updates: Object.freeze(updates) });
}

function label(ctor: unknown): string {
  return typeof ctor === 'function' ? ctor.name || 'a class without a name' : String(ctor);
}

function prefixed(prefix: string, text: string | undefined): string | undefined {
  return text && prefix + text;
}
