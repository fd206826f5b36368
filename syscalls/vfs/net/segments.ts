/**
 * TCP of a private network as raw sockets hear it: the segments in which it carries what two streams say to each other. Nothing
 * is lost or late here, and all is acknowledged at once. What raw sockets send as segments is answered as by who has no
 * connection (tcp_v4_send_reset) or listens (tcp_conn_request): it never gets into a stream.
 */
import { AF_INET, AF_INET6, IPPROTO_TCP } from '../../abi/socket.ts';
import {
  checksum,
  type End,
  get16,
  IP6HDR,
  IPHDR,
  PACKET_MAX,
  type Packet,
  packetOf,
  pseudoHeader,
  pseudoSum,
  put16,
} from './packet.ts';
import { isV4, plain } from './private-ports.ts';

const [FIN, SYN, RST, PSH, ACK] = [0x01, 0x02, 0x04, 0x08, 0x10];
const TCPHDR = 20;
const NOTHING: Uint8Array = new Uint8Array(0);
/** Bytes of the options that all but the first segments have. */
const TIMES = 12;
/** Of the loopback interface. */
const MTU = 65536;
const WINDOW_SCALE = 7;
const WINDOW = 512;

interface Segment {
  readonly from: End;
  readonly to: End;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly options?: readonly number[];
  readonly payload?: Uint8Array;
}

const put32 = (bytes: Uint8Array, at: number, value: number) => {
  put16(bytes, at, value >>> 16);
  put16(bytes, at + 2, value & 0xffff);
};
const get32 = (bytes: Uint8Array, at: number) => ((get16(bytes, at) << 16) | get16(bytes, at + 2)) >>> 0;
const bytesOf = (word: number) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff);

/** @param isWhole whether the checksum is, or left to the interface as of what a connection sends */
function segmentPacket(s: Segment, isWhole: boolean): Packet {
  const { options = [], payload = NOTHING } = s;
  const [source, destination] = [plain(s.from.host), plain(s.to.host)];
  const family = isV4(destination) ? AF_INET : AF_INET6;
  const of = { family, protocol: IPPROTO_TCP, source, destination, hops: 64 } as const;
  const header = TCPHDR + options.length;
  const message = new Uint8Array(header + payload.length);
  put16(message, 0, s.from.port);
  put16(message, 2, s.to.port);
  put32(message, 4, s.seq);
  put32(message, 8, s.ack);
  message[12] = header << 2;
  message[13] = s.flags;
  put16(message, 14, s.window);
  message.set(options, TCPHDR);
  message.set(payload, header);
  const sum = isWhole
    ? checksum(...pseudoHeader(of, message.length), message)
    : pseudoSum(of, message.length);
  put16(message, 16, sum);
  return packetOf(message, of);
}

/** Most bytes of a segment: what the loopback interface carries, and an IPv4 packet can have. */
const mss = (host: string) => (isV4(plain(host)) ? PACKET_MAX - IPHDR : MTU - IP6HDR) - TCPHDR;
const mssOption = (host: string) => [2, 4, ...bytesOf(mss(host)).slice(2)];
const randomWord = () => Math.floor(Math.random() * 2 ** 32);
const milliseconds = () => Math.floor(performance.now()) >>> 0;

const otherThan = (side: 0 | 1): 0 | 1 => (side === 0 ? 1 : 0);

interface Side {
  readonly end: End;
  /** The number of its next byte. */
  next: number;
  /** The time it has sent last. */
  time: number;
  ended: boolean;
}

/** Who hears packets. */
export interface Hearers {
  readonly isHeard: boolean;
  show(packet: Packet): void;
}

/** What the ends of a connection, 0 that connects and 1 that is connected to, send to each other. */
export class Conversation {
  readonly #hearers: Hearers;
  readonly #sides: readonly [Side, Side];

  constructor(hearers: Hearers, client: End, server: End) {
    const side = (end: End): Side => ({ end, next: randomWord(), time: 0, ended: false });
    this.#hearers = hearers;
    this.#sides = [side(client), side(server)];
  }

  /** What is of the connection has its options, and its checksum is left to the interface. */
  #send(from: 0 | 1, flags: number, { payload = NOTHING, isOfConnection = true } = {}): void {
    const side = this.#sides[from];
    const other = this.#sides[otherThan(from)];
    const seq = side.next;
    side.next = (side.next + payload.length + +((flags & (SYN | FIN)) !== 0)) >>> 0;
    if (!this.#hearers.isHeard) return;
    side.time = milliseconds();
    const { host } = side.end;
    const times = [8, 10, ...bytesOf(side.time), ...bytesOf(other.time)];
    const options =
      flags & SYN ? [...mssOption(host), 4, 2, ...times, 1, 3, 3, WINDOW_SCALE] : [1, 1, ...times];
    const segment = {
      from: side.end,
      to: other.end,
      seq,
      ack: flags & ACK ? other.next : 0,
      flags,
      window: !isOfConnection ? 0 : flags & SYN ? mss(host) : WINDOW,
      options: isOfConnection ? options : [],
      payload,
    };
    this.#hearers.show(segmentPacket(segment, !isOfConnection));
  }

  opened(): void {
    this.#send(0, SYN);
    this.#send(1, SYN | ACK);
    this.#send(0, ACK);
  }
  /** Nobody listens. */
  refused(): void {
    this.#send(0, SYN);
    this.#sides[1].next = 0;
    this.#send(1, RST | ACK, { isOfConnection: false });
  }
  said(from: 0 | 1, bytes: Uint8Array): void {
    const most = mss(this.#sides[from].end.host) - TIMES;
    for (let at = 0; at < bytes.length; at += most) {
      const isLast = at + most >= bytes.length;
      this.#send(from, isLast ? PSH | ACK : ACK, { payload: bytes.subarray(at, at + most) });
      this.#send(otherThan(from), ACK);
    }
  }
  /** To an end that is closed. */
  saidInVain(from: 0 | 1, bytes: Uint8Array): void {
    const payload = bytes.subarray(0, mss(this.#sides[from].end.host) - TIMES);
    this.#send(from, PSH | ACK, { payload });
    this.#send(otherThan(from), RST, { isOfConnection: false });
    for (const side of this.#sides) side.ended = true;
  }
  ended(from: 0 | 1): void {
    const side = this.#sides[from];
    if (side.ended) return;
    side.ended = true;
    this.#send(from, FIN | ACK);
    this.#send(otherThan(from), ACK);
  }
  reset(from: 0 | 1): void {
    const over = this.#sides.every(({ ended }) => ended);
    for (const side of this.#sides) side.ended = true;
    if (!over) this.#send(from, RST | ACK);
  }
}

const headerLength = (message: Uint8Array) => (message[12]! >>> 4) * 4;

/** Whether a packet is a segment as it should be (tcp_v4_rcv). */
export function isSegment(packet: Packet): boolean {
  const message = packet.bytes.subarray(packet.header);
  if (message.length < TCPHDR) return false;
  const header = headerLength(message);
  if (header < TCPHDR || header > message.length) return false;
  return checksum(...pseudoHeader(packet, message.length), message) === 0;
}

/** What a segment that belongs to no connection is answered, if anything. `listens`: somebody does at its port. */
export function answerTo(packet: Packet, listens: (to: End) => boolean): Packet | undefined {
  const message = packet.bytes.subarray(packet.header);
  const flags = message[13]!;
  if (flags & RST) return undefined;
  const from = { host: packet.destination, port: get16(message, 2) };
  const to = { host: packet.source, port: get16(message, 0) };
  const [seq, ack] = [get32(message, 4), get32(message, 8)];
  if (listens(from) && !(flags & ACK)) {
    if ((flags & (SYN | FIN)) !== SYN) return undefined;
    const window = mss(from.host);
    const options = mssOption(from.host);
    const answer = { from, to, seq: randomWord(), ack: (seq + 1) >>> 0, flags: SYN | ACK, window, options };
    return segmentPacket(answer, false);
  }
  if (flags & ACK) return segmentPacket({ from, to, seq: ack, ack: 0, flags: RST, window: 0 }, true);
  const next = seq + +((flags & SYN) !== 0) + +((flags & FIN) !== 0) + message.length - headerLength(message);
  return segmentPacket({ from, to, seq: 0, ack: next >>> 0, flags: RST | ACK, window: 0 }, true);
}
