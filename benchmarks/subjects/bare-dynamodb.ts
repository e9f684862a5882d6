import { randomUUID } from 'node:crypto';
import { GetItemCommand, PutItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import type { MakeSubject } from '../subject.js';
import { clientOf, requests, units } from './dynamodb-requests.js';

const TableName = 'motion';

/**
 * The same durable steps by hand, with the client alone: an append to a queue in one request, then one transaction for the
 * state's change and the removal from the queue. No lease, no fence, no order but that of one process.
 */
export const bareDynamoDB: MakeSubject = async ({ server, name }) => {
  const client = clientOf(server);
  const keyOf = (id: string, k: string) => ({ p: { S: `${name}/bare/${id}` }, k: { S: k } });
  return {
    async open(id, bytes) {
      const first = { count: { N: '0' }, blob: { S: 'x'.repeat(Math.min(bytes, 300_000)) } };
      for (const [k, v] of Object.entries(first))
        await client
          .send(
            new PutItemCommand({
              TableName,
              Item: { ...keyOf(id, k), v },
              ConditionExpression: 'attribute_not_exists(p)',
            }),
          )
          .catch((error: Error) => {
            if (error.name !== 'ConditionalCheckFailedException') throw error;
          });
      const count = async (): Promise<number> => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName, Key: keyOf(id, 'count'), ConsistentRead: true }),
        );
        return Number(Item?.['v']?.N ?? 0);
      };
      const apply = async (queued: string): Promise<void> => {
        await client.send(
          new TransactWriteItemsCommand({
            ClientRequestToken: randomUUID(),
            TransactItems: [
              {
                Update: {
                  TableName,
                  Key: keyOf(id, 'count'),
                  UpdateExpression: 'SET v = v + :one',
                  ExpressionAttributeValues: { ':one': { N: '1' } },
                },
              },
              { Delete: { TableName, Key: keyOf(id, queued) } },
            ],
          }),
        );
      };
      let last: Promise<void> = Promise.resolve();
      return {
        serve: async () => (await count()) + 1,
        async call(wait) {
          const result = (await count()) + 1;
          const queued = `q/${randomUUID()}`;
          const payload = { S: JSON.stringify({ serveResult: result }) };
          await client.send(new PutItemCommand({ TableName, Item: { ...keyOf(id, queued), v: payload } }));
          last = last.then(() => apply(queued));
          if (wait) await last;
          return result;
        },
        flush: () => last,
        count,
      };
    },
    requests,
    units,
    async close() {
      client.destroy();
    },
  };
};
