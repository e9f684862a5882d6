import { type Revision, StoreError } from '@motion-ts/core/store';

/** What a script reads, one at a time: characters from ! to ~, or none. */
export type Word = string | number;

/**
 * Words that a script can read.
 *
 * @throws StoreError `invalid` for a word that would be taken for several
 */
export function wordsOf(...words: readonly Word[]): readonly Word[] {
  const bad = words.find((word) => NOT_A_WORD.test(String(word)));
  if (bad !== undefined)
    throw new StoreError(
      'invalid',
      `${JSON.stringify(bad)} holds characters other than ! to ~, as no name and no key does`,
    );
  return words;
}

/** The ends of ranges have a character behind ~. */
const NOT_A_WORD = /[^!-\x7f]/;
/** No commit has it. */
const NO_REVISION = '+';

/** A revision as a word, whatever a caller takes for one: what cannot be one is none that an entry has. */
export function revisionWord(rev: Revision | null | undefined): string {
  if (rev === null || rev === undefined) return '';
  return rev === '' || NOT_A_WORD.test(rev) ? NO_REVISION : rev;
}
