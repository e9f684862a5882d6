/** Real servers for tests: started on free ports of the loopback interface with data of their own, stopped by their pid. */
export { type DynamoDBOptions, type DynamoDBServer, startDynamoDB } from './dynamodb.js';
export { type PostgresOptions, PostgresProcess, type PostgresServer, startPostgres } from './postgres.js';
export { type RedisServer, type RedisServerOptions, startRedis } from './redis.js';
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from './redis-cluster.js';
export { type RedisWithSentinel, type RedisWithSentinelOptions, startRedisWithSentinel } from './redis-sentinel.js';
export { freePort, type ServerProcess } from './server-process.js';
