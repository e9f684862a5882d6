import { randomBytes } from 'node:crypto';
import type { Launch } from './server-process.js';

/** Where a server in a container finds its data. */
export const DATA = '/data';

/** What to run in a container, and what it shares with this machine. */
export interface ContainerOptions {
  /** The path of `docker`. */
  readonly docker: string;
  readonly image: string;
  /** Of the loopback interface, and of the server in the container. */
  readonly port: number;
  /** Here; {@link DATA} there. */
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

/** How a server is started in a container of its own, which goes with it. */
export function inContainer(options: ContainerOptions): Pick<Launch, 'command' | 'args' | 'container'> {
  const { docker, image, port, directory, env = {}, args } = options;
  const name = `motion-test-${randomBytes(8).toString('hex')}`;
  const uid = process.getuid?.() ?? 0;
  // What it writes is ours to remove. Root may remove anything, and some servers refuse to be root.
  const user = uid === 0 ? [] : ['--user', `${uid}:${process.getgid?.() ?? uid}`];
  return {
    command: docker,
    args: [
      'run',
      '--rm',
      '--name',
      name,
      '-p',
      `127.0.0.1:${port}:${port}`,
      '-v',
      `${directory}:${DATA}`,
      ...Object.entries(env).flatMap(([key, value]) => ['-e', `${key}=${value}`]),
      ...user,
      image,
      ...args,
    ],
    container: { docker, name },
  };
}
