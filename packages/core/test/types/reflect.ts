// The bridge, which brings the types of reflect-metadata along.
import { DEFINITION_METADATA, FLOWS_METADATA, type FlowMetadata } from '@motion-ts/core/reflect';
import { BookRecommender } from './books.js';

export const flows: readonly FlowMetadata[] = Reflect.getMetadata(FLOWS_METADATA, BookRecommender.prototype, 'learn');
export const definition: { readonly name: string } = Reflect.getMetadata(DEFINITION_METADATA, BookRecommender);
