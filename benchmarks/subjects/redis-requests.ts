import { Redis } from 'ioredis';

let sent = 0;
const { sendCommand } = Redis.prototype;
Redis.prototype.sendCommand = function (...args) {
  sent++;
  return sendCommand.apply(this, args);
};

/** The commands that this process sent so far, whoever sent them. */
export const requests = (): number => sent;
