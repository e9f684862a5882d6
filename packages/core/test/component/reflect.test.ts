import 'reflect-metadata';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { Component } from '../../src/component/component.js';
import { Serve, Update } from '../../src/component/decorators.js';
import { define } from '../../src/component/definition.js';
import type { State, UpdateProps } from '../../src/component/read.js';

const schema = z.object({ genre: z.string().min(1) });

class RecProps {
  static readonly '~standard' = schema['~standard'];
  declare genre: string;
}

class Rec extends Component<{
  flows: {
    rec: { props: RecProps; result: string };
    own: { props: { genre: string }; result: string };
    plain: { props: { genre: string }; result: string };
    like: { props: RecProps };
  };
}> {
  @Serve('rec') rec(_: State<Rec>, props: RecProps) {
    return props.genre;
  }
  @Update('rec') learn(_: State<Rec>, _props: UpdateProps<Rec, 'rec'>) {}
  @Serve('own', { props: schema }) own(_: State<Rec>, props: RecProps) {
    return props.genre;
  }
  @Serve('plain') plain(_: State<Rec>, props: { genre: string }) {
    return props.genre;
  }
  @Update('like') like(_: State<Rec>, _props: RecProps) {}
}
class Sub extends Rec {
  override rec(_: State<Rec>, props: RecProps) {
    return `sub ${props.genre}`;
  }
}

test('the bridge infers schemas and publishes flows', async () => {
  // Without it, nothing is inferred.
  const before = define(Rec);
  expect(before.flows.get('rec')?.schema).toBeUndefined();

  const { DEFINITION_METADATA, FLOWS_METADATA } = await import('../../src/reflect.js');
  const after = define(Rec);
  expect(after).not.toBe(before);

  // Only these transforms tell the types of parameters.
  const inferred = inject('decorators') === 'legacy' ? RecProps : undefined;
  expect(after.flows.get('rec')?.schema).toBe(inferred);
  expect(after.flows.get('like')?.schema).toBe(inferred);
  expect(define(Sub).flows.get('rec')?.schema).toBe(inferred);
  expect(after.flows.get('own')?.schema).toBe(schema);
  expect(after.flows.get('plain')?.schema).toBeUndefined();

  expect(Reflect.getMetadata(DEFINITION_METADATA, Rec)).toBe(after);
  expect(Reflect.getMetadata(FLOWS_METADATA, Rec.prototype, 'learn')).toEqual([{ kind: 'update', flow: 'rec' }]);
  expect(Reflect.getMetadata(FLOWS_METADATA, Rec.prototype.rec)).toEqual([{ kind: 'serve', flow: 'rec' }]);
  expect(Reflect.getMetadata(FLOWS_METADATA, Sub.prototype, 'rec')).toEqual([{ kind: 'serve', flow: 'rec' }]);
});
