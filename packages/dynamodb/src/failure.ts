import type { CancellationReason } from '@aws-sdk/client-dynamodb';
import { StoreError, type StoreErrorCode } from '@motion-ts/core/store';

/** What an error of the SDK says of the request that it ended. */
export interface Failure {
  /**
   * `condition`: a condition did not hold. `again`: the same request may pass soon, such as after throttling or a conflict
   * with another transaction. `down`: the server was not reached, or did not say. `final`: sending it again is no use.
   */
  readonly kind: 'condition' | 'again' | 'down' | 'final';
  /** Whether it is certain that the request had no effect, and never will. */
  readonly certain: boolean;
  readonly code: StoreErrorCode;
  /** What is wrong and what to do. */
  readonly message: string;
  readonly cause: unknown;
}

interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  /** Of errors of Node: what it was at. */
  readonly syscall?: string;
  readonly errors?: readonly SdkError[];
  /** Of errors that the server sent. */
  readonly $fault?: string;
  readonly CancellationReasons?: readonly CancellationReason[];
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean };
}

/** The errors of a connection that never came to be: nothing was sent. */
const NOT_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|CERT_|ERR_TLS|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED)/;
const THROTTLED =
  /^(ProvisionedThroughputExceeded|Throttling|ThrottlingError|RequestLimitExceeded|TooManyRequests|ThrottledException|SlowDown)/;
const CONFLICT = /^(TransactionConflict|ReplicatedWriteConflict)/;
const NOT_LET_IN =
  /^(AccessDenied|UnrecognizedClient|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|InvalidClientTokenId|ExpiredToken|NotAuthorized|OptInRequired)/;
const TOO_LARGE = /size|exceed|too large/i;

/** What is known of a request that failed. */
export interface Circumstances {
  /** Whether it was handed to the network. */
  readonly sent: boolean;
  readonly table: string;
  /** Whether the server ever answered this client. */
  readonly answered: boolean;
}

/** Reads an error of the SDK. */
export function failureOf(error: unknown, { sent, table, answered }: Circumstances): Failure {
  const { name = '', message = String(error), $metadata, $fault } = (error ?? {}) as SdkError;
  const of = (kind: Failure['kind'], code: StoreErrorCode, text: string, certain = true): Failure => ({
    kind,
    certain,
    code,
    message: text,
    cause: error,
  });
  if (name === 'ConditionalCheckFailedException') return of('condition', 'invalid', 'a condition failed');
  if (name === 'TransactionCanceledException') return cancelled(error as SdkError, of, message);
  if (THROTTLED.test(name))
    return of('again', 'unavailable', `table ${table} is throttled (${name}): raise its capacity or its limits`);
  if (CONFLICT.test(name)) return of('again', 'unavailable', 'other writers kept coming between');
  if ($metadata?.clockSkewCorrected) return of('again', 'invalid', `the clock of this machine is wrong: ${message}`);
  if (!sent) return notSent(error as SdkError, of, answered);
  const status = $metadata?.httpStatusCode;
  // An answer that began, but could not be read to its end, says nothing either.
  const unread = $fault === undefined;
  if (
    unread ||
    status === undefined ||
    status >= 500 ||
    /^Transaction(InProgress)|^IdempotentParameterMismatch/.test(name)
  )
    return unanswered(error as SdkError, of);
  if (name === 'ResourceNotFoundException')
    return of('final', 'invalid', `there is no table ${table}: make it by createTable(client, { tableName })`);
  if (NOT_LET_IN.test(name))
    return of('final', 'invalid', `AWS refuses the credentials or lacks a permission for table ${table}: ${message}`);
  if (name === 'ItemCollectionSizeLimitExceededException') return of('final', 'full', message);
  if (name === 'ValidationException') return invalid(of, message, table);
  if (status === 429) return of('again', 'unavailable', message);
  return of('final', 'invalid', `${name}: ${message}`);
}

type Of = (kind: Failure['kind'], code: StoreErrorCode, text: string, certain?: boolean) => Failure;

/** Nothing of a cancelled transaction takes effect. */
function cancelled({ CancellationReasons = [] }: SdkError, of: Of, message: string): Failure {
  const codes = CancellationReasons.map(({ Code = 'None' }) => Code);
  if (codes.includes('ConditionalCheckFailed')) return of('condition', 'invalid', message);
  const refusal = CancellationReasons.find(({ Code = 'None' }) =>
    /^(ValidationError|ItemCollection|AccessDenied)/.test(Code),
  );
  if (refusal)
    return TOO_LARGE.test(refusal.Message ?? '')
      ? of('final', 'too_large', refusal.Message ?? message)
      : of('final', 'invalid', `${refusal.Code}: ${refusal.Message}`);
  return of('again', 'unavailable', `other transactions or throttling kept coming between (${codes.join(', ')})`);
}

/** No attempt was made: credentials, the region or the endpoint could not be found. */
function notSent(error: SdkError, of: Of, answered: boolean): Failure {
  const { name = '', message } = error;
  // Who had credentials once will have them again: their provider fails for now.
  if (/Credentials|TokenProvider/.test(name) || /credential/i.test(message ?? ''))
    return of('final', answered ? 'unavailable' : 'invalid', `there are no AWS credentials: ${message}`);
  return of(
    'final',
    'invalid',
    `no request can be made: ${message}; check the region, the endpoint and the credentials`,
  );
}

/** The network broke, or the server did not say what became of the request. */
function unanswered(error: SdkError, of: Of): Failure {
  // A connection that served for long may end by such a code, too, when its network is gone.
  const refused = [error, ...(error.errors ?? [])].some(
    ({ code = '', syscall = '' }) => NOT_CONNECTED.test(code) && !/^(read|write)/.test(syscall),
  );
  const text = `DynamoDB ${refused ? 'cannot be reached' : 'did not answer'} (${[error.code, error.name, error.message].filter(Boolean).join(': ')})`;
  return of('down', 'unavailable', text, refused);
}

function invalid(of: Of, message: string, table: string): Failure {
  if (/does not match the schema|does not have the specified index/.test(message))
    return of('final', 'invalid', `table ${table} is not one of this store (${message}): make one by createTable`);
  if (TOO_LARGE.test(message)) return of('final', 'too_large', message);
  return of('final', 'invalid', message);
}

/** As the contract wants it: a write whose effect is not certain is `unknown`. */
export function storeError(failure: Failure, what: string, writes: boolean): StoreError {
  const { certain, code, message, cause } = failure;
  if (writes && !certain)
    return new StoreError('unknown', `${what}: whether it was applied is unknown: ${message}`, { cause });
  return new StoreError(code, `${what}: ${message}`, { cause });
}
