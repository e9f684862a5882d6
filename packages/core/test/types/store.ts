// What a store's adapter sees of core.
export type * from '@motion-ts/core/store';
