/** A terminal with a host's shell in it, in a tmux server of its own: keys in, the screen as it is shown out. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { makeRoot } from '../programs/engines.ts';

const armrun = fileURLToPath(new URL('../../src/armrun', import.meta.url));

/** Nothing is known to take nearly as long, even on a busy machine. */
const DEADLINE_MS = 120_000;
const LOOK_MS = 40;

export class Screen implements Disposable {
  /** What runs a program of the root. */
  readonly guest = `${armrun} --root ${makeRoot('full')} --cwd /dev/shm -E HOME=/dev/shm`;
  readonly #directory = mkdtempSync(`${tmpdir()}/armrun-tty-`);

  /** The shell's prompt is `host$`; it knows `armrun`, and `guest` for a program of the root. */
  constructor({ columns = 80, rows = 24, environment = {} as Record<string, string> } = {}) {
    writeFileSync(
      `${this.#directory}/rc`,
      `unset TMUX; ROOT=${makeRoot('full')}; PS1='host$ '; HISTFILE=; cd ${this.#directory}
alias armrun='${armrun}' guest='${this.guest}'
`,
    );
    const shell = `exec bash --noprofile --rcfile ${this.#directory}/rc`;
    const size = ['-x', String(columns), '-y', String(rows)];
    const settings = Object.entries({ LC_ALL: 'C.UTF-8', ...environment }).flatMap(([k, v]) => [
      '-e',
      `${k}=${v}`,
    ]);
    this.#tmux('new-session', '-d', ...size, ...settings, shell);
  }

  [Symbol.dispose](): void {
    try {
      this.#tmux('kill-server');
    } catch {
      // The shell has ended, and the server with it.
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #tmux(...args: string[]): string {
    const server = ['-u', '-S', `${this.#directory}/socket`, '-f', '/dev/null'];
    const { TMUX: _, ...env } = process.env;
    return execFileSync('tmux', [...server, ...args], {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** A file in the shell's working directory. */
  file(name: string): string {
    return readFileSync(`${this.#directory}/${name}`, 'utf8');
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', '--', text);
  }
  /** Keys by tmux's names: C-c, Enter, Escape, Up. */
  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }
  line(text: string): void {
    this.type(text);
    this.press('Enter');
  }
  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }
  hangUp(): void {
    this.#tmux('kill-server');
  }

  get text(): string {
    return this.#tmux('capture-pane', '-p').trimEnd();
  }
  /** `column,row` */
  get cursor(): string {
    return this.#tmux('display-message', '-p', '#{cursor_x},#{cursor_y}').trim();
  }

  /** The process the host's shell has started last. */
  get job(): number {
    const shell = this.#tmux('display-message', '-p', '#{pane_pid}').trim();
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'latin1').trim().split(' ').at(-1));
  }

  /** Waits until the screen shows something; gives the match. */
  async shows(what: RegExp | string): Promise<RegExpExecArray> {
    const pattern = typeof what === 'string' ? new RegExp(`^${RegExp.escape(what)}$`, 'm') : what;
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const { text } = this;
      const match = pattern.exec(text);
      if (match) return match;
      if (performance.now() > deadline) throw new Error(`the screen does not show ${pattern}:\n${text}`);
      await sleep(LOOK_MS);
    }
  }

  /** Types a command line at the shell's prompt and waits for what it prints. */
  async command(line: string, what: RegExp | string): Promise<RegExpExecArray> {
    await this.prompt();
    this.line(line);
    return this.shows(what);
  }

  /** Begins an interactive bash of the guest, whose prompt is `guest$`. */
  async guestShell(): Promise<void> {
    await this.command("guest -E PS1='guest$ ' /bin/bash --norc", 'guest$');
  }

  /** Waits for the shell's prompt at the end of what is shown. */
  async prompt(): Promise<void> {
    await this.shows(/(host|guest)\$$/);
  }

  /** An empty screen, for what comes next, once the shell is at its prompt. */
  async clear(): Promise<void> {
    await this.prompt();
    this.press('C-l');
    await this.shows(/^(host|guest)\$$/);
  }
}
