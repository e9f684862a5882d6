import { SingleBar } from 'cli-progress';

/** Shows how far the ratings are. */
export interface Progress {
  advance(done: number, line: string): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere, in a log of CI for example, one line for each quarter; or a line for each rating. */
export function showProgress(total: number, verbose: boolean): Progress {
  if (verbose) return { advance: (_, line) => console.log(line), stop: () => undefined };
  if (!process.stdout.isTTY) return showQuarters(total);
  const bar = new SingleBar({
    stream: process.stdout,
    format: 'Learning {bar} {value} of {total} ratings',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 40,
    hideCursor: true,
    // Ctrl-C is answered by the program, which stops the bar, too.
    gracefulExit: false,
  });
  bar.start(total, 0);
  return { advance: (done) => bar.update(done), stop: () => bar.stop() };
}

function showQuarters(total: number): Progress {
  const quarter = (done: number): number => Math.floor((done * 4) / total);
  return {
    advance: (done) => {
      if (quarter(done) > quarter(done - 1)) console.log(`Learning: ${done} of ${total} ratings`);
    },
    stop: () => undefined,
  };
}
