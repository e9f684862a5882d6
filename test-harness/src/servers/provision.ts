import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that tests need. */
export interface Program {
  /** Its file's name. */
  readonly name: string;
  /** Where it may be beside the directories of PATH. */
  readonly directories?: () => readonly string[];
  /** The package of Debian that brings it. */
  readonly debianPackage: string;
}

/** A server that tests need: a program, or the same in an image. */
export interface ServerProgram extends Program {
  /** The image of Docker that has it, as in docker-compose.yml. */
  readonly image: string;
}

/** How a server can be run. */
export type Provided =
  | { readonly program: string }
  /** By a Docker engine: the path of `docker`. */
  | { readonly docker: string; readonly image: string };

const INSTALL_MS = 600_000;
const DOCKER_MS = 10_000;

/**
 * A server's program where it is there; else its image where a Docker engine runs; else the program from Debian's packages,
 * as {@link provide} brings it.
 *
 * @throws Error with the one command that brings the program
 */
export function provideServer(server: ServerProgram): Provided {
  const found = find(server);
  if (found !== undefined) return { program: found };
  const docker = find({ name: 'docker', debianPackage: 'docker.io' });
  // The client alone is no engine.
  if (docker === undefined || !succeeds(docker, ['version', '--format', '{{.Server.Version}}'], DOCKER_MS))
    return { program: provide(server) };
  const { image, name } = server;
  if (!succeeds(docker, ['image', 'inspect', image], DOCKER_MS)) {
    console.error(`${name} is missing: pulling the image ${image}`);
    execFileSync(docker, ['pull', '--quiet', image], { stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS });
  }
  return { docker, image };
}

/**
 * The path of a program; where it is missing and Debian's packages can be installed without asking, it is installed,
 * which one line on the console announces. `MOTION_TEST_INSTALL=0` switches that off.
 *
 * @throws Error with the one command that brings the program
 */
export function provide(program: Program): string {
  const found = find(program);
  if (found !== undefined) return found;
  const install = installer();
  if (install) {
    const { debianPackage } = program;
    console.error(`${program.name} is missing: installing Debian's ${debianPackage} (MOTION_TEST_INSTALL=0 to forbid)`);
    install(['update', '-qq']);
    install(['install', '-y', '-qq', '--no-install-recommends', debianPackage]);
    const installed = find(program);
    if (installed !== undefined) return installed;
  }
  throw new Error(
    `${program.name} is missing, and these tests need it; get it by: sudo apt-get install -y ${program.debianPackage}`,
  );
}

/** The path of a program, if it is there. */
export function find({ name, directories }: Program): string | undefined {
  const all = [...(process.env['PATH'] ?? '').split(delimiter), ...(directories?.() ?? [])];
  return all.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs apt-get, if that is allowed and needs no password. */
function installer(): ((args: readonly string[]) => void) | undefined {
  if (process.env['MOTION_TEST_INSTALL'] === '0') return undefined;
  if (find({ name: 'apt-get', debianPackage: 'apt' }) === undefined) return undefined;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && !succeeds('sudo', ['-n', 'true'])) return undefined;
  return (args) => {
    // A package that brings a server would start it: RUNLEVEL=1 keeps it from doing so.
    const [command = '', ...rest] = [
      ...sudo,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'RUNLEVEL=1',
      'apt-get',
      ...args,
    ];
    execFileSync(command, rest, { stdio: ['ignore', 'ignore', 'inherit'], timeout: INSTALL_MS });
  };
}

function succeeds(command: string, args: readonly string[], timeout?: number): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout });
    return true;
  } catch {
    return false;
  }
}
