import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { FlowDefinition } from '../component/definition.js';
import { MotionError } from '../errors.js';
import { isThenable } from './update-runner.js';

export type FlowProps = Readonly<Record<string, unknown>>;

const none: FlowProps = Object.freeze({});

/**
 * Checks a call's props, before anything runs or is queued.
 *
 * @returns what the methods get: the schema's output, or the props as they are
 * @throws MotionError `INVALID_PROPS`
 */
export function checkProps(flow: FlowDefinition, given: unknown, what: string): FlowProps | Promise<FlowProps> {
  const props = given ?? none;
  const copy = props === none ? none : copyOf(props, what);
  if (!flow.schema) return copy;
  // The schema gets what was given: it may want an instance of a class.
  const result = flow.schema['~standard'].validate(props);
  return isThenable(result)
    ? Promise.resolve(result).then((settled) => outputOf(settled, what))
    : outputOf(result, what);
}

/** What is in the props now: the caller may change them while the call is under way. */
function copyOf(props: unknown, what: string): FlowProps {
  let why: string;
  try {
    if (typeof props !== 'object' || Array.isArray(props))
      why = `props must be an object, not ${Array.isArray(props) ? 'an array' : `a ${typeof props}`}`;
    else {
      // A Map, a promise that nobody awaited and their like have no keys to copy. Instances of one's own classes have.
      const kind = Object.prototype.toString.call(props).slice(8, -1);
      if (kind === 'Object') return Object.freeze({ ...props });
      why = `props must be an object, not a ${kind}`;
    }
  } catch (cause) {
    throw invalid(what, 'props cannot be read: one of them, or their proxy, throws', cause);
  }
  throw invalid(what, why);
}

function outputOf(result: StandardSchemaV1.Result<unknown>, what: string): FlowProps {
  if (result.issues) {
    const issues = result.issues.map(({ message, path }) => ({
      message,
      path: path?.map((part) => (typeof part === 'object' ? part.key : part)) ?? [],
    }));
    throw new MotionError(
      'INVALID_PROPS',
      `${what}: ${issues.map(({ message, path }) => (path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message)).join('; ')}`,
      { issues },
    );
  }
  if (typeof result.value !== 'object' || result.value === null)
    throw invalid(what, 'the schema gave something that is no object');
  return Object.freeze({ ...(result.value as object) }) as FlowProps;
}

function invalid(what: string, why: string, cause?: unknown): MotionError {
  return new MotionError('INVALID_PROPS', `${what}: ${why}`, {
    issues: [{ message: why, path: [] }],
    ...(cause !== undefined && { cause }),
  });
}
