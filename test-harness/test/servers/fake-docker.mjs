// Stands in for a Docker engine: notes what it is told, and runs the server of this machine in place of the image's.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { directory, engine, images, redis, postgres, java, dynamodb, user } = JSON.parse(process.env.FAKE_DOCKER);
const args = process.argv.slice(2);
appendFileSync(join(directory, 'told'), `${JSON.stringify(args)}\n`);
const pidOf = (name) => join(directory, `${name}.pid`);

/** What is killed or paused is all of a container; other signals are for its first process. */
function signal(name, signal) {
  const first = Number(readFileSync(pidOf(name), 'utf8'));
  const all = execFileSync('/bin/ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === first)
    .map(([pid]) => pid);
  process.kill(first, signal);
  if (['SIGKILL', 'SIGSTOP', 'SIGCONT'].includes(signal)) for (const pid of all) process.kill(pid, signal);
}

const [command] = args;
if (command === 'version') process.exit(engine ? 0 : 1);
else if (command === 'image') process.exit(images.includes(args[2]) ? 0 : 1);
else if (command === 'pause') signal(args[1], 'SIGSTOP');
else if (command === 'unpause') signal(args[1], 'SIGCONT');
else if (command === 'kill') {
  const name = args.at(-1);
  if (existsSync(pidOf(name))) signal(name, args.length === 4 ? args[2] : 'SIGKILL');
} else if (command === 'run') await run(args.slice(1));

async function run(rest) {
  const options = {};
  const env = {};
  while (rest[0].startsWith('-')) {
    const flag = rest.shift();
    if (flag === '--rm') continue;
    if (flag === '-e') {
      const [, key, value] = /^(\w+)=(.*)$/.exec(rest.shift());
      env[key] = value;
    } else options[flag] = rest.shift();
  }
  const [image, ...of] = rest;
  const data = options['-v'].split(':')[0];
  const here = (text) => text.replaceAll('/data', data);
  const name = options['--name'];
  // As root it could not run PostgreSQL.
  const as = image.startsWith('postgres') && user ? user : {};
  const [program, given] = serverOf(image, of, here, env, data, as);
  // Where Java looks for SQLite.
  const libraries = { LD_LIBRARY_PATH: join(dynamodb, 'DynamoDBLocal_lib') };
  const child = spawn(program, given, {
    stdio: 'inherit',
    detached: true,
    cwd: data,
    env: { ...process.env, ...libraries },
    ...as,
  });
  writeFileSync(pidOf(name), String(child.pid));
  child.on('exit', (code, by) => {
    rmSync(pidOf(name), { force: true });
    process.exit(code ?? (by ? 137 : 1));
  });
}

function serverOf(image, of, here, env, data, as) {
  if (image.startsWith('redis')) return [redis, of.slice(1).map(here)];
  if (image.startsWith('amazon/')) {
    return [java, of.map(here).map((arg) => arg.replace(/^DynamoDBLocal.jar$/, join(dynamodb, arg)))];
  }
  const args = of.slice(1).map((arg) => arg.replace(/^(unix_socket_directories)=.*/, '$1='));
  return [postgresServer(here(env.PGDATA), as, data), ['-D', here(env.PGDATA), ...args]];
}

function postgresServer(cluster, as, data) {
  if (!existsSync(cluster)) {
    if (as.uid !== undefined) execFileSync('/bin/chown', [`${as.uid}:${as.gid}`, data]);
    const init = ['-D', cluster, '-U', 'postgres', '-A', 'trust', '--locale=C', '--no-sync'];
    execFileSync(join(postgres, 'initdb'), init, { stdio: 'ignore', cwd: data, ...as });
  }
  return join(postgres, 'postgres');
}
