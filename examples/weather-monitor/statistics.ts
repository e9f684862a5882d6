/** Mean and spread of numbers that come one by one and are not kept (Welford's method). */
export interface Running {
  readonly count: number;
  readonly mean: number;
  /** The sum of squared distances from the mean. */
  readonly squares: number;
}

export const none: Running = { count: 0, mean: 0, squares: 0 };

/** With one more number. */
export function add({ count, mean, squares }: Running, value: number): Running {
  const newMean = mean + (value - mean) / (count + 1);
  return { count: count + 1, mean: newMean, squares: squares + (value - mean) * (value - newMean) };
}

/** As if the numbers of both had come to one. */
export function merge(a: Running, b: Running): Running {
  const count = a.count + b.count;
  if (count === 0) return none;
  const apart = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (apart * b.count) / count,
    squares: a.squares + b.squares + (apart * apart * a.count * b.count) / count,
  };
}

/** How many standard deviations a value lies from the mean; null where there is no deviation to count in. */
export function zScore({ count, mean, squares }: Running, value: number): number | null {
  const deviation = Math.sqrt(squares / (count - 1));
  return deviation > 0 ? (value - mean) / deviation : null;
}
