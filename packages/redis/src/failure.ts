import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';

/** What a server answers before it does anything, or cannot even do: it is certain that nothing was applied. */
const REFUSALS: readonly (readonly [RegExp, StoreErrorCode, string])[] = [
  [/^OOM/, 'full', 'the server is at its maxmemory; raise it, or remove data'],
  [/^TOOLARGE/, 'too_large', 'the values are more than one get brings; ask for fewer keys'],
  [/^LEFT/, 'invalid', 'the drop would leave entries; delete every one in that commit'],
  [/^(CORRUPT|WRONGTYPE)/, 'corrupt', 'a key of this namespace holds what the store did not write'],
  [/^(NOAUTH|WRONGPASS)/, 'invalid', 'the server wants another user or password; check the url or the options'],
  [/^NOPERM/, 'invalid', "the user may not do this; see 'Permissions' in the README of @motion-ts/redis"],
  [
    /\balert\b.*\bcertificate\b/,
    'invalid',
    'the server wants a certificate of yours: options.tls.cert and options.tls.key',
  ],
  [
    /^(self-signed|unable to (get|verify)).*certificate/,
    'invalid',
    "name who signed the server's certificate in options.tls.ca",
  ],
  [/^(certificate |Hostname\/IP )/, 'invalid', "the server's certificate is not good for it"],
  [/^MISCONF/, 'unavailable', 'the server cannot save to its disk, and so takes no writes; see its log'],
  [/^NOREPLICAS/, 'unavailable', 'the server has fewer replicas than min-replicas-to-write'],
  [/^READONLY/, 'unavailable', 'the server is a replica; a failover may be under way'],
  [/^(LOADING|MASTERDOWN|CLUSTERDOWN)/, 'unavailable', 'the server is not ready'],
  [/^(BUSY|TRYAGAIN|MOVED|ASK)\b/, 'unavailable', 'the server cannot do it just now'],
  [/^ERR (max number of clients|DB index|.*protected mode)/i, 'invalid', 'the server does not take this client'],
];

/** What ioredis rejects with when it did not even send a command. */
const NEVER_SENT = /enableOfflineQueue options is false|^Cluster isn't ready|^No subscriber/;

/**
 * What a client of a cluster puts before the last error when it was sent on too often. Only that one says what became of
 * the command: it may be a refusal, or the end of the connection.
 */
const SENT_ON = /^Too many Cluster redirections\. Last error: (\w*Error: )?/;

/** Whether a server answered so that it is certain that nothing was applied. */
export function refusal(error: unknown, what: () => string): StoreError | undefined {
  if (StoreError.is(error)) return error;
  const message = messageOf(error);
  const last = message.replace(SENT_ON, '');
  const known = REFUSALS.find(([pattern]) => pattern.test(last));
  return known && new StoreError(known[1], `${what()}: ${known[2]} (${message})`, { cause: error });
}

/** Whether a command certainly never left this process. */
export function neverSent(error: unknown): boolean {
  return NEVER_SENT.test(messageOf(error));
}

/** Whether no other attempt to connect can succeed as long as nobody changes the settings. */
export function isFatal(error: unknown): boolean {
  const node = (error as { lastNodeError?: unknown } | undefined)?.lastNodeError;
  return /\b(NOAUTH|WRONGPASS|NOPERM|certificate)\b|^Hostname\/IP |ERR (Client sent AUTH|DB index|invalid DB)/.test(
    `${messageOf(error)} ${messageOf(node)}`,
  );
}

/** Whether the server itself answered with an error. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

export function isNoScript(error: unknown): boolean {
  return messageOf(error).startsWith('NOSCRIPT');
}

/** The server's own words. */
export function messageOf(error: unknown): string {
  if (error === undefined || error === null) return '';
  return error instanceof Error ? error.message : String(error);
}
