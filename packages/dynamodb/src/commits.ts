import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  type CancellationReason,
  DeleteItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type Commit, type CommitResult, StoreError } from '@motion-ts/core/store';
import { type Plan, planOf } from './plan.js';
import { type Call, ConditionFailed, outOfTime, type Requests, rest } from './requests.js';
import type { Seqs } from './seqs.js';
import { HEAD_KEY, type Layout } from './table.js';

type Item = Record<string, AttributeValue>;

/** Applies commits: one transaction each, or one plain write when a commit touches but one item. */
export class Commits {
  readonly #requests: Requests;
  readonly #layout: Layout;
  readonly #seqs: Seqs;

  constructor(requests: Requests, layout: Layout, seqs: Seqs) {
    this.#requests = requests;
    this.#layout = layout;
    this.#seqs = seqs;
  }

  /** @param commit one that writes something, in bytes of our own */
  async apply(partition: string, commit: Commit, call: Call): Promise<CommitResult> {
    const appends = commit.appends?.length ?? 0;
    for (let attempt = 0; ; attempt++) {
      const seq = commit.seqIs ?? this.#seqs.of(partition);
      const plan = planOf(this.#layout, partition, commit, seq, Date.now());
      try {
        await this.#requests.send(call, () => commandOf(plan));
        if (appends > 0 || commit.drop) this.#seqs.saw(partition, commit.drop ? 0 : plan.seq);
        return appends > 0 ? { ok: true, seq: plan.seq } : { ok: true };
      } catch (error) {
        if (!(error instanceof ConditionFailed)) throw error;
        const { failed, head } = refusalOf(error.cause, plan, partition, commit);
        if (head) this.#seqs.saw(partition, seqIn(head));
        if (failed.length > 0) return { ok: false, failed };
      }
      // Only the idea of seq was old, and the answer brought the right one: the first try again need not wait.
      if (attempt > 0 && !(await rest(attempt, call.deadline))) throw outOfTime(call);
    }
  }
}

/**
 * The one request of a plan. A transaction's token makes the SDK's sendings of it one; here each sending has its own: a
 * store keeps no memory of commits, and an identical commit that comes later must be judged anew.
 */
function commandOf({ items }: Plan): object {
  const [only] = items;
  if (items.length === 1 && only?.Put) return new PutItemCommand(only.Put);
  if (items.length === 1 && only?.Update) return new UpdateItemCommand(only.Update);
  if (items.length === 1 && only?.Delete) return new DeleteItemCommand(only.Delete);
  return new TransactWriteItemsCommand({ TransactItems: [...items], ClientRequestToken: randomUUID() });
}

/** Which checks failed. None: but the condition that our idea of seq is right. */
function refusalOf(
  error: unknown,
  { keys }: Plan,
  partition: string,
  commit: Commit,
): { readonly failed: string[]; readonly head: Item | undefined } {
  const { CancellationReasons, Item: found } = error as { CancellationReasons?: CancellationReason[]; Item?: Item };
  // A plain write has but one item.
  const reasons = CancellationReasons ?? [{ Code: 'ConditionalCheckFailed', ...(found && { Item: found }) }];
  const failed: string[] = [];
  let head: Item | undefined;
  for (const [i, { Code, Item: item }] of reasons.entries()) {
    if (Code !== 'ConditionalCheckFailed') continue;
    const key = keys[i] as string;
    if (key === HEAD_KEY) {
      head = item ?? {};
      failed.push(...judgeHead(head, commit, partition));
    } else failed.push(key);
  }
  return { failed, head };
}

/** The head has several conditions at once: which of them failed shows in what was there. */
function judgeHead(head: Item, { checks = [], seqIs, drop, deletes = [] }: Commit, partition: string): string[] {
  const rev = head['rev']?.S ?? null;
  const failed: string[] = [];
  if (checks.some((check) => check.key === HEAD_KEY && check.rev !== rev)) failed.push(HEAD_KEY);
  if (seqIs !== undefined && seqIs !== seqIn(head)) failed.push('#seq');
  if (failed.length === 0 && drop && rev !== null && !deletes.includes(HEAD_KEY))
    throw new StoreError('invalid', `drop of ${partition} would leave ${HEAD_KEY}: delete every entry in that commit`);
  return failed;
}

/** The `seq` that a head has; an absent one: 0. */
export function seqIn(head: Item | undefined): number {
  return Number(head?.['seq']?.N ?? 0);
}
