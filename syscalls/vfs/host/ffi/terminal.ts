/** Terminals of the host: ioctl_tty(2), with the numbers and structs of its 64-bit architectures, which are ARM's, too. */
import { readTermios, TERMIOS2_SIZE, type Termios, writeTermios } from '../../../abi/termios.ts';
import { type HostCalls, Room } from './call.ts';

const TCGETS2 = 0x802c_542a;
/** When all output has been taken. */
const TCSETSW2 = 0x402c_542c;
const TIOCSTI = 0x5412;

/** Of the standard settings, `otherwise` are those that the struct has no room for. */
export function getTermios(calls: HostCalls, fd: number, otherwise: Termios): Termios | undefined {
  const room = new Room(TERMIOS2_SIZE);
  if (calls.try('ioctl', fd, TCGETS2, room) < 0) return undefined;
  return readTermios(new DataView(room.bytes.slice().buffer), otherwise);
}

/** False when the host does not do it. */
export function setTermios(calls: HostCalls, fd: number, termios: Termios): boolean {
  const bytes = new Uint8Array(TERMIOS2_SIZE);
  writeTermios(new DataView(bytes.buffer), termios);
  return calls.try('ioctl', fd, TCSETSW2, bytes) >= 0;
}

/** As if the byte had been typed. False where the host has that for nobody, or not for this user. */
export function typeByte(calls: HostCalls, fd: number, byte: number): boolean {
  return calls.try('ioctl', fd, TIOCSTI, Uint8Array.of(byte)) >= 0;
}
