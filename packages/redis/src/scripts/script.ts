import { createHash } from 'node:crypto';
import { batchOf } from './batch.js';
import { CACHE_CLEAR, CACHE_GET, CACHE_SET } from './cache.js';
import { COMMIT } from './commit.js';
import { GET, LIST, SCAN } from './reads.js';

/** A script that runs in the server. */
export interface Script {
  readonly source: string;
  /** By which the server knows it. */
  readonly sha: string;
}

const script = (source: string): Script => ({ source, sha: createHash('sha1').update(source).digest('hex') });

type Name = 'commit' | 'commits' | 'get' | 'gets' | 'list' | 'scan' | 'cacheGet' | 'cacheSet' | 'cacheClear';

export const scripts: Readonly<Record<Name, Script>> = {
  commit: script(COMMIT),
  commits: script(batchOf(COMMIT)),
  get: script(GET),
  gets: script(batchOf(GET)),
  list: script(LIST),
  scan: script(SCAN),
  cacheGet: script(CACHE_GET),
  cacheSet: script(CACHE_SET),
  cacheClear: script(CACHE_CLEAR),
};
