import pg from 'pg';

let sent = 0;
const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (this: pg.Client, ...args: never[]) {
  sent++;
  return (query as (...args: never[]) => unknown).apply(this, args);
} as typeof query;

/** The statements that this process sent so far, whoever sent them. */
export const requests = (): number => sent;
