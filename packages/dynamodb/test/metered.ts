import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** What was sent: the operation, and for a transaction how many items it had, such as `TransactWriteItems 4`. */
export function meter(client: DynamoDBClient): string[] {
  const sent: string[] = [];
  client.middlewareStack.add((next, context) => (args) => {
    const name = String(context['commandName']).replace(/Command$/, '');
    const items = (args.input as { TransactItems?: readonly object[] }).TransactItems;
    sent.push(items ? `${name} ${items.length}` : name);
    return next(args);
  });
  return sent;
}
