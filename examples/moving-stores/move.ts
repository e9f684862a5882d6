/** Moves all instances of some components from one store to another; see docs/moving-stores.md. */
// #region move
import { type ComponentClass, copyInstances } from '@motion-ts/core';
import type { Store } from '@motion-ts/core/store';

/** Moves, showing how far it is. Killed or interrupted, it is simply started again. */
export async function move(from: Store, to: Store, components: ComponentClass[], signal?: AbortSignal): Promise<void> {
  const { copied, already, bytes, problems } = await copyInstances(from, to, {
    components,
    ...(signal && { signal }),
    onProgress: ({ done, total, bytes }) =>
      void process.stdout.write(`\r${done} of ${total} instances, ${(bytes / 1e6).toFixed(1)} MB`),
  });
  console.log(`\n${copied} moved (${bytes} bytes), ${already} had moved before`);
  for (const { componentName, instanceId, outcome, error } of problems)
    console.error(`${componentName}/${instanceId}: ${outcome}`, error ?? '');
  if (problems.length > 0) process.exitCode = 1;
}
// #endregion
