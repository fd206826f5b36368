/**
 * The process suite: groups of small programs (cases/), each run by armrun as Linux runs it. See docs/PROCESSES.md.
 *
 * A group is one file: a script that is cut at lines `### name`, where what stands above the first is the beginning of every
 * case; or a C program with a function `CASE(name)` for each. All cases of a group run one after the other in one run of armrun,
 * under a shell script (DRIVER), each in a session, with output files and a working directory of its own, so they share the
 * translated code, and what one leaves behind is there for the others.
 *
 * What they are to show was recorded (recorded/, by record.ts) from the same programs on real Linux.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import flags from '../../src/v8-flags.json' with { type: 'json' };

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** What a group's cases gave, by name, and which processes were left when all had ended. */
export interface GroupOutcome {
  cases: Record<string, Outcome>;
  left: string;
}

export interface Recording extends GroupOutcome {
  /** Hash of the group it was made of. */
  source: string;
}

import { ENVIRONMENT } from '../programs/engines.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const project = fileURLToPath(new URL('../..', import.meta.url));

/** Seconds. A case takes one or two; more means that it hangs, or that the machine is very busy. */
const CASE_TIMEOUT = 100;
const GROUP_TIMEOUT = 1500;

/** Runs the cases named by its arguments. What the shell says itself is only that a case was killed. */
const DRIVER = `cd "$1" && shift || exit 125
ulimit -S -c 0
exec 2>/dev/null
for name; do
  mkdir "$name.dir"
  (cd "$name.dir" && exec timeout --foreground -s KILL ${CASE_TIMEOUT} setsid ../case.$name $name </dev/null >../$name.stdout 2>../$name.stderr)
  echo $? >$name.status
done
# What has been killed takes its time to end.
for i in $(seq 100); do
  ps -A -o ppid=,stat=,args= | grep -v -e "^ *$$ " -e '^ *0 ' -e 'driver ' >left || break
  sleep 0.1
done
exit 0
`;

export class Group {
  readonly name: string;
  readonly cases: string[] = [];
  /** Identifies the text of all cases. */
  readonly source: string;
  readonly #text: string;
  readonly #compiled: boolean;

  /** @param file name of a file in cases/ */
  constructor(file: string) {
    this.name = file.replace(/\.\w+$/, '');
    this.#compiled = file.endsWith('.c');
    this.#text = readFileSync(`${here}cases/${file}`, 'latin1');
    const hash = createHash('sha256').update(this.#text);
    if (this.#compiled) hash.update(readFileSync(`${here}cases/cases.h`));
    this.source = hash.digest('hex').slice(0, 16);
    const names = this.#compiled ? /^CASE\((\w+)\)/gm : /^### ([\w-]+)$/gm;
    for (const [, name] of this.#text.matchAll(names)) this.cases.push(name!);
    if (new Set(this.cases).size !== this.cases.length) throw new Error(`${file}: two cases of one name`);
  }

  get recordingFile(): string {
    return `${here}recorded/${this.name}.json`;
  }

  get recording(): Recording {
    const none = { source: '', cases: {}, left: '' };
    return existsSync(this.recordingFile) ? JSON.parse(readFileSync(this.recordingFile, 'utf8')) : none;
  }

  /** Puts the cases into a root and gives the command line, in the guest's view, that runs them. */
  install(root: string, compiler: string, only: readonly string[] = this.cases): string[] {
    const directory = `/tmp/processes/${this.name}`;
    const outside = root + directory;
    rmSync(outside, { recursive: true, force: true });
    mkdirSync(outside, { recursive: true });
    const [prologue, ...bodies] = this.#text.split(/^### .*\n/m);
    if (this.#compiled)
      execFileSync(compiler, [...C_FLAGS, `${here}cases/${this.name}.c`, '-o', `${outside}/program`]);
    this.cases.forEach((name, i) => {
      const file = `${outside}/case.${name}`;
      if (this.#compiled) copyFileSync(`${outside}/program`, file);
      else writeFileSync(file, prologue! + bodies[i], 'latin1');
      chmodSync(file, 0o755);
    });
    writeFileSync(`${outside}/driver`, DRIVER);
    return ['/bin/sh', `${directory}/driver`, directory, ...only];
  }

  /** What the last run in this root left. */
  outcome(root: string): GroupOutcome {
    const read = (name: string) => {
      const file = `${root}/tmp/processes/${this.name}/${name}`;
      return existsSync(file) ? readFileSync(file, 'latin1') : '';
    };
    const cases: Record<string, Outcome> = {};
    for (const name of this.cases) {
      const status = read(`${name}.status`);
      if (status === '') continue;
      cases[name] = {
        status: Number(status),
        stdout: read(`${name}.stdout`),
        stderr: read(`${name}.stderr`),
      };
    }
    return { cases, left: read('left') };
  }

  /** Runs the cases under armrun; `problem` is what the run itself said or how it failed. */
  async run(root: string, only?: readonly string[]): Promise<GroupOutcome & { problem: string }> {
    const argv = this.install(root, 'arm-linux-gnueabihf-gcc', only);
    const child = spawn(process.execPath, [...flags, `${project}src/bin.cjs`, '--root', root, ...argv], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: GROUP_TIMEOUT * 1000,
      killSignal: 'SIGKILL',
    });
    let problem = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (problem += data));
    const status = await new Promise((resolve) =>
      child.on('close', (code, signal) => resolve(signal ?? code)),
    );
    if (status !== 0) problem += `armrun ended with ${status}\n`;
    return { ...this.outcome(root), problem };
  }
}

/** All groups, by their files. */
export function groupFiles(): string[] {
  return readdirSync(`${here}cases`)
    .filter((file) => !file.endsWith('.h'))
    .sort();
}

const C_FLAGS = [
  '-std=gnu11',
  '-O1',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wno-unused-result',
  '-Wno-clobbered',
  '-pthread',
];
