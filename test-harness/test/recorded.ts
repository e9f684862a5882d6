import type { ConformanceOptions } from '@motion-ts/test-harness';
import { conformance } from '@motion-ts/test-harness';

/** A case of the suite that was registered, to be run by a test. */
export interface RecordedCase {
  readonly name: string;
  /** How long the runner is told that it may take. */
  readonly timeoutMs: number | undefined;
  readonly body: () => Promise<void>;
}

/** The cases of the suite, recorded instead of run. */
export function recordedCases(options: Omit<ConformanceOptions, 'describe' | 'test'>): RecordedCase[] {
  const cases: RecordedCase[] = [];
  conformance({
    describe: (_, body) => body(),
    test: (name, body, timeoutMs) => cases.push({ name, timeoutMs, body }),
    ...options,
  });
  return cases;
}
