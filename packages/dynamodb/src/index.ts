/** The DynamoDB store: one table, any number of processes and machines. */
export { type CreateTableOptions, createTable } from './create-table.js';
export { DynamoDBStore } from './dynamodb-store.js';
export type { DynamoDBStoreOptions } from './options.js';
export { tableDefinition } from './table.js';
