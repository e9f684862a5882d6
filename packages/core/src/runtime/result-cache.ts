import type { FlowDefinition } from '../component/definition.js';
import { canonical } from '../state/canonical.js';
import type { Codec } from '../state/codec.js';
import type { Committed } from '../state/committed.js';
import { hash } from '../state/keys.js';
import type { Store } from '../store/contract.js';
import type { FlowProps } from './props.js';
import type { Served } from './serve.js';

/**
 * Results of serves, in the store's cache. A result is valid for its flow, its props, the code's version and - unless the
 * flow says otherwise - the very state that the serve saw: all of that is in its key. A cache that fails is a cache that misses.
 */
export class ResultCache {
  private readonly store: Store;
  private readonly partition: string;
  private readonly codec: Codec;
  private readonly codeVersion: string;
  private readonly warn: (message: string, cause: unknown) => void;

  constructor(
    store: Store,
    partition: string,
    codec: Codec,
    codeVersion: string,
    warn: (message: string, cause: unknown) => void,
  ) {
    this.store = store;
    this.partition = partition;
    this.codec = codec;
    this.codeVersion = codeVersion;
    this.warn = warn;
  }

  /**
   * The key of a call's result.
   *
   * @throws MotionError `NOT_SERIALIZABLE`: what the codec cannot tell apart must not be one key
   */
  key(flow: FlowDefinition, props: FlowProps, committed: Committed, what: string): string {
    this.codec.encode(props, `${what}: props`);
    const state = flow.serve?.cache?.scope === 'any-version' ? committed.root.incarnation : committed.identity;
    return `r/${hash(JSON.stringify([flow.name, this.codeVersion, state, canonical(props, this.codec)]))}`;
  }

  async get(key: string): Promise<Served | undefined> {
    try {
      const bytes = await this.store.cacheGet(this.partition, key);
      if (!bytes) return undefined;
      const [result, chunks, passed] = this.codec.decode(bytes) as [unknown, unknown[] | null, unknown];
      return { result, ...(chunks && { chunks }), passed };
    } catch (error) {
      this.warn('a cached result could not be read', error);
      return undefined;
    }
  }

  /** @throws MotionError `NOT_SERIALIZABLE`: a flow with a cache must have results that can be kept */
  async set(key: string, { result, chunks, passed }: Served, ttlMs: number, what: string): Promise<void> {
    const bytes = this.codec.encode([result, chunks ?? null, passed], `${what}: the cached result`);
    try {
      await this.store.cacheSet(this.partition, key, bytes, ttlMs);
    } catch (error) {
      this.warn('a result could not be cached', error);
    }
  }
}
