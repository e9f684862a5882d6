import { DynamoDBStore } from '@motion-ts/dynamodb';
import type { MakeSubject } from '../subject.js';
import { clientOf, requests, units } from './dynamodb-requests.js';
import { motionOn } from './motion.js';

export const motionOnDynamoDB: MakeSubject = async (place) => {
  const client = clientOf(place.server);
  const makeStore = (): DynamoDBStore => new DynamoDBStore({ client, namespace: place.name, timeoutMs: 60_000 });
  const subject = await motionOn(makeStore, requests)(place);
  return {
    ...subject,
    units,
    async close() {
      await subject.close();
      client.destroy();
    },
  };
};
