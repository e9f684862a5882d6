/**
 * For programs that use reflect-metadata. Import it once, before the classes are used; core itself never needs it.
 *
 * - With `experimentalDecorators` and `emitDecoratorMetadata`, the class that is written as the type of a method's
 *   props is known at run time. Where that class is a Standard Schema (it has a static `~standard`) and the flow names
 *   no schema, it checks the flow's props.
 * - Flows are published where other tools (Nest and such) look: on every decorated method under
 *   {@link FLOWS_METADATA}, on the class under {@link DEFINITION_METADATA}, as soon as the class is registered.
 *
 * @example
 * import '@motion-ts/core/reflect';
 * @module
 */

import 'reflect-metadata';
import { type Definition, observeDefinitions } from './component/definition.js';
import { isSchema } from './component/settings.js';

/** Metadata key on methods, and on the prototype by the method's name: a list of {@link FlowMetadata}. */
export const FLOWS_METADATA = '@motion-ts/core:flows';

/** Metadata key on classes: the component's definition. */
export const DEFINITION_METADATA = '@motion-ts/core:definition';

/** What a method does for a flow. */
export interface FlowMetadata {
  readonly kind: 'serve' | 'update';
  readonly flow: string;
}

observeDefinitions({
  inferSchema(ctor, method) {
    const prototype = (ctor as { prototype: object }).prototype;
    const types: unknown = Reflect.getMetadata('design:paramtypes', prototype, method);
    const props: unknown = Array.isArray(types) ? types[1] : undefined;
    return isSchema(props) ? props : undefined;
  },
  defined: publish,
});

function publish(definition: Definition): void {
  const prototype = definition.ctor.prototype as Record<string | symbol, object>;
  const byMethod = new Map<string | symbol, FlowMetadata[]>();
  const note = (method: string | symbol, metadata: FlowMetadata): void =>
    void byMethod.set(method, [...(byMethod.get(method) ?? []), metadata]);
  for (const { name, serve, updates } of definition.flows.values()) {
    if (serve) note(serve.method, { kind: 'serve', flow: name });
    for (const update of updates) note(update.method, { kind: 'update', flow: name });
  }
  Reflect.defineMetadata(DEFINITION_METADATA, definition, definition.ctor);
  for (const [method, flows] of byMethod) {
    Reflect.defineMetadata(FLOWS_METADATA, flows, prototype, method);
    const found = prototype[method];
    // Some tools ask the function. An inherited one belongs to its base.
    if (found && Object.hasOwn(prototype, method)) Reflect.defineMetadata(FLOWS_METADATA, flows, found);
  }
}
