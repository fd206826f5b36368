/** The settings of a terminal of the host: by its own calls, or, where there is no node:ffi, by stty(1). */
import { spawnSync } from 'node:child_process';
import { defaultTermios, type Termios } from '../../abi/termios.ts';
import { hostCalls } from './ffi/call.ts';
import { getTermios, setTermios } from './ffi/terminal.ts';
import { hostProgram } from './program.ts';

/** Settings in the output of `stty -g`: the flags, then the control characters. */
const FLAGS = 4;
const CHARACTERS = 17;

/** Undefined where they cannot be had. */
export function hostSettings(fd: number): Termios | undefined {
  const usual = defaultTermios();
  const calls = hostCalls();
  if (calls !== undefined) return getTermios(calls, fd, usual);
  const stty = hostProgram('stty');
  if (stty === undefined) return undefined;
  const { status, stdout } = spawnSync(stty, ['-g'], { stdio: [fd, 'pipe', 'ignore'], encoding: 'latin1' });
  const values = (stdout ?? '').split(':').map((field) => Number.parseInt(field, 16));
  if (status !== 0 || values.length < FLAGS + CHARACTERS || values.some(Number.isNaN)) return undefined;
  const [iflag, oflag, cflag, lflag] = values as [number, number, number, number];
  const cc = usual.cc.slice();
  cc.set(values.slice(FLAGS, FLAGS + CHARACTERS));
  return { ...usual, iflag, oflag, cflag, lflag, cc };
}

/** Whether the host's are as these now. */
export function setHostSettings(fd: number, settings: Termios): boolean {
  const calls = hostCalls();
  if (calls !== undefined) return setTermios(calls, fd, settings);
  const { iflag, oflag, cflag, lflag, cc } = settings;
  const values = [iflag, oflag, cflag, lflag, ...cc.subarray(0, CHARACTERS), 0];
  const text = values.map((value) => value.toString(16)).join(':');
  return spawnSync(hostProgram('stty')!, [text], { stdio: [fd, 'ignore', 'ignore'] }).status === 0;
}

export function sameSettings(a: Termios, b: Termios): boolean {
  return (
    a.iflag === b.iflag &&
    a.oflag === b.oflag &&
    a.cflag === b.cflag &&
    a.lflag === b.lflag &&
    a.cc.every((character, i) => character === b.cc[i])
  );
}
