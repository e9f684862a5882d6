/** Real servers for tests: started on free ports of the loopback interface with data of their own, stopped by their pid. */
export { type DynamoDBOptions, type DynamoDBServer, startDynamoDB } from './dynamodb.js';
