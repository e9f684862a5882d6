import { MotionError } from './errors.js';

/** The names of all options of a type: the compiler sees to it that none is missing. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/**
 * What is wrong with options as such: that they are none, or that one of them is unknown, and so would go unnoticed.
 *
 * @param of what takes them, such as `new Motion()`
 * @returns a message; undefined: nothing is wrong
 */
export function optionProblem<T>(names: OptionNames<T>, given: unknown, of: string): string | undefined {
  if (typeof given !== 'object' || given === null)
    return `the options of ${of} must be an object, not ${String(given)}`;
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name));
  if (unknown === undefined) return undefined;
  const known = Object.keys(names);
  return `unknown option '${unknown}' of ${of}; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
}

/** @throws MotionError `INVALID_OPTIONS` for what {@link optionProblem} finds */
export function assertOptionNames<T>(names: OptionNames<T>, given: unknown, of: string): void {
  const problem = optionProblem(names, given, of);
  if (problem !== undefined) throw new MotionError('INVALID_OPTIONS', problem);
}
