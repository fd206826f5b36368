/** Sockets: socket(2), bind(2), connect(2), accept(2) and their kin (net/socket.c). */
import { ERRNO, fail } from '../../abi/errno.ts';
import { AT_FDCWD, O_NONBLOCK } from '../../abi/fcntl.ts';
import { RLIMIT } from '../../abi/resource.ts';
import * as s from '../../abi/socket.ts';
import { s32, struct } from '../../abi/struct.ts';
import type { Task } from '../../kernel/task.ts';
import { CAP, capable } from '../../vfs/core/creds.ts';
import { createInetSocket } from '../../vfs/net/inet-socket.ts';
import { NetlinkSocket } from '../../vfs/net/netlink-socket.ts';
import type { OutsideAddress } from '../../vfs/net/outside.ts';
import { isGroup } from '../../vfs/net/private-ports.ts';
import { RawSocket } from '../../vfs/net/raw-socket.ts';
import { type PeerCreds, Socket, WOULD_BLOCK } from '../../vfs/net/socket.ts';
import { UnixSocket } from '../../vfs/net/unix-socket.ts';
import { fd, flags, int, oneOf, ptr } from '../args.ts';
import { type Call, call } from '../declare.ts';
import { pathAt } from '../files/at.ts';
import { installFile } from '../files/open.ts';

export function socketOf(t: Task, fd: number): Socket {
  const file = t.files.get(fd);
  return file instanceof Socket ? file : fail('ENOTSOCK');
}

export const credsOf = (t: Task): PeerCreds => ({ pid: t.process.pid, uid: t.creds.euid, gid: t.creds.egid });

/** Another's, by the caller's namespaces (cred_to_ucred). */
export function shownCreds({ process, creds }: Task, { pid, uid, gid }: PeerCreds): PeerCreds {
  const { uids, gids } = creds.user;
  return { pid: process.pids.numberOf(pid), uid: uids.shown(uid), gid: gids.shown(gid) };
}

// ---- addresses ----

/** The bytes of an address that a call is given (move_addr_to_kernel). */
export function addressBytesAt(t: Task, address: number, length: number): Uint8Array {
  if (length < 0 || length > s.SOCKADDR_STORAGE) fail('EINVAL');
  return length === 0 ? new Uint8Array(0) : Uint8Array.from(t.mm.readable(address, length));
}

/** Writes an address and its length, as far as the caller has room (move_addr_to_user). */
export function putAddress(
  t: Task,
  given: s.SocketAddress | undefined,
  address: number,
  lengthAt: number,
): void {
  const room = t.mm.get(s32, lengthAt);
  if (room < 0) fail('EINVAL');
  const bytes = given ? s.writeSockaddr(given) : new Uint8Array(0);
  const part = bytes.subarray(0, room);
  t.mm.writable(address, part.length).set(part);
  t.mm.put(s32, lengthAt, bytes.length);
}

/** The socket a Unix address leads to. ECONNREFUSED when nobody listens there. */
export function targetOf(t: Task, address: s.SocketAddress | undefined): Socket | OutsideAddress | undefined {
  if (address?.family !== s.AF_UNIX) return undefined;
  const { path } = address;
  if (path === '') return fail('ECONNREFUSED');
  if (path[0] === '\0') return t.network.abstractNames.find(path) ?? fail('ECONNREFUSED');
  return t.kernel.vfs.socketAt(pathAt(t, AT_FDCWD, path));
}

function bind(t: Task, fd: number, address: number, length: number): number {
  const socket = socketOf(t, fd);
  const name = socket.addressOf(addressBytesAt(t, address, length), 'bind') ?? fail('EAFNOSUPPORT');
  if (name.family === s.AF_UNIX && name.path !== '' && name.path[0] !== '\0') {
    if ((socket as UnixSocket).bound) fail('EINVAL');
    const at = pathAt(t, AT_FDCWD, name.path);
    const made = t.kernel.vfs.makeSocket(at, 0o777 & ~t.fs.umask, socket.type === s.SOCK_STREAM);
    return socket.bind(name, made as unknown as { socket: unknown });
  }
  // No stream comes from many (__inet6_bind).
  const { family } = name;
  if (family === s.AF_INET6 && socket.type === s.SOCK_STREAM && isGroup(name.host)) fail('EINVAL');
  // Of packets it is no port.
  const ports = !(socket instanceof RawSocket);
  if (ports && 'port' in name && name.port !== 0 && name.port < t.kernel.unprivilegedPorts) {
    if (!capable(t.creds, CAP.NET_BIND_SERVICE, t.network.owner)) {
      // Of IPv4 it is looked at the address first (__inet_bind).
      fail(family === s.AF_INET && !t.network.mayBind(name.host) ? 'EADDRNOTAVAIL' : 'EACCES');
    }
  }
  return socket.bind(name) === WOULD_BLOCK ? hostAnswers(t, socket) : 0;
}

/** Waits for what the host does for a socket. Linux would not wait, so no signal interrupts it. */
const hostAnswers = (t: Task, socket: Socket) => t.sleepKillable(socket.queue);

/** Waits for a socket as long as its timeout lets it, from when the call began; then there is the error (sock_intr_errno). */
function waitFor(t: Task, socket: Socket, timeout: number, errno: number): number {
  const { deadline } = (t.callState ??= { deadline: t.now() + timeout }) as { deadline: number };
  if (t.now() >= deadline) return -errno;
  return t.wait(socket.queue, deadline, timeout === Infinity ? 'ERESTARTSYS' : 'EINTR');
}

const CONNECTING = { deadline: Infinity };

function connect(t: Task, fd: number, address: number, length: number): number {
  t.files.get(fd);
  const bytes = addressBytesAt(t, address, length);
  const socket = socketOf(t, fd);
  if (socket instanceof UnixSocket) {
    const to = socket.addressOf(bytes, 'connect');
    const outcome = socket.connect(to, targetOf(t, to), credsOf(t));
    if (outcome !== WOULD_BLOCK) return 0;
    return socket.nonblocking ? -ERRNO.EAGAIN : waitFor(t, socket, socket.writeTimeout, ERRNO.EAGAIN);
  }
  const outcome =
    t.callState === undefined
      ? socket.connect(socket.addressOf(bytes, 'connect'), undefined, credsOf(t))
      : socket.connecting();
  if (outcome !== WOULD_BLOCK) return 0;
  // A datagram socket only waits for its port: that is no connecting.
  if (socket.type !== s.SOCK_STREAM) {
    t.callState ??= CONNECTING;
    return hostAnswers(t, socket);
  }
  return socket.nonblocking ? -ERRNO.EINPROGRESS : waitFor(t, socket, socket.writeTimeout, ERRNO.EINPROGRESS);
}

function accept(t: Task, fd: number, address: number, lengthAt: number, flags: number): number {
  t.files.get(fd);
  if (flags & ~(s.SOCK_NONBLOCK | s.SOCK_CLOEXEC)) fail('EINVAL');
  // A descriptor is reserved before it is looked what the other one is of.
  t.files.checkFree(t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur);
  const socket = socketOf(t, fd);
  const accepted = socket.accept();
  if (accepted === undefined) {
    return socket.nonblocking ? -ERRNO.EAGAIN : waitFor(t, socket, socket.readTimeout, ERRNO.EAGAIN);
  }
  accepted.inode.belongsTo(t.creds);
  accepted.flags |= flags & s.SOCK_NONBLOCK;
  accepted.ref();
  try {
    if (address !== 0) putAddress(t, accepted.peerAddress(), address, lengthAt);
    return installFile(t, accepted, (flags & s.SOCK_CLOEXEC) !== 0);
  } finally {
    accepted.release();
  }
}

// ---- making ----

/** Families and types that Linux has numbers for (AF_MAX, SOCK_MAX). */
const AF_MAX = 46;
const SOCK_MAX = 11;
const SOCK_PACKET = 10;

/** A socket as __sock_create makes it. */
function create(t: Task, family: number, type: number, protocol: number): Socket {
  if (type & ~(s.SOCK_TYPE_MASK | s.SOCK_NONBLOCK | s.SOCK_CLOEXEC)) fail('EINVAL');
  const kind = type & s.SOCK_TYPE_MASK;
  const nonblocking = type & s.SOCK_NONBLOCK ? O_NONBLOCK : 0;
  const { network } = t;
  if (family < 0 || family >= AF_MAX) fail('EAFNOSUPPORT');
  if (kind >= SOCK_MAX) fail('EINVAL');
  // An old name for a socket of AF_PACKET.
  if (family === s.AF_INET && kind === SOCK_PACKET) fail('EAFNOSUPPORT');
  switch (family) {
    case s.AF_UNIX:
      return new UnixSocket(network, unixType(kind, protocol), nonblocking);
    case s.AF_INET:
    case s.AF_INET6:
      return createInetSocket(network, family, kind, protocol, nonblocking, {
        mayRaw: capable(t.creds, CAP.NET_RAW, network.owner),
        groups: [t.creds.egid, ...t.creds.groups],
      });
    case s.AF_NETLINK:
      return new NetlinkSocket(
        network,
        kind,
        protocol,
        nonblocking,
        t.process.number,
        capable(t.creds, CAP.NET_ADMIN, t.network.owner),
      );
    default:
      return fail('EAFNOSUPPORT');
  }
}

function socket(t: Task, family: number, type: number, protocol: number): number {
  const made = create(t, family, type, protocol);
  made.inode.belongsTo(t.creds);
  return installFile(t, made, (type & s.SOCK_CLOEXEC) !== 0);
}

function unixType(type: number, protocol: number): number {
  if (protocol !== 0 && protocol !== s.AF_UNIX) fail('EPROTONOSUPPORT');
  // Raw is a name for datagrams here (unix_create).
  if (type === s.SOCK_RAW) return s.SOCK_DGRAM;
  if (type !== s.SOCK_STREAM && type !== s.SOCK_DGRAM && type !== s.SOCK_SEQPACKET) fail('ESOCKTNOSUPPORT');
  return type;
}

const fds2 = struct('int[2]', { first: s32, second: s32 });

function socketpair(t: Task, family: number, type: number, protocol: number, out: number): number {
  if (type & ~(s.SOCK_TYPE_MASK | s.SOCK_NONBLOCK | s.SOCK_CLOEXEC)) fail('EINVAL');
  // Two descriptors are reserved and told before there are sockets (__sys_socketpair).
  const [first, second] = t.files.lowestFree(2, t.process.limits[RLIMIT.RLIMIT_NOFILE]!.cur) as [
    number,
    number,
  ];
  t.mm.put(fds2, out, { first, second });
  if (family !== s.AF_UNIX || (type & s.SOCK_TYPE_MASK) >= SOCK_MAX) {
    // What cannot be made cannot be paired; of the rest only Unix sockets can.
    create(t, family, type, protocol).ref().release();
    fail('EOPNOTSUPP');
  }
  const kind = unixType(type & s.SOCK_TYPE_MASK, protocol);
  const [a, b] = UnixSocket.pair(t.network, kind, type & s.SOCK_NONBLOCK ? O_NONBLOCK : 0, credsOf(t));
  for (const end of [a, b]) end.ref().inode.belongsTo(t.creds);
  const closeOnExec = (type & s.SOCK_CLOEXEC) !== 0;
  installFile(t, a, closeOnExec);
  installFile(t, b, closeOnExec);
  a.release();
  b.release();
  return 0;
}

// ---- names for strace ----

const FAMILIES = { AF_UNIX: s.AF_UNIX, AF_INET: s.AF_INET, AF_INET6: s.AF_INET6, AF_NETLINK: s.AF_NETLINK };
const TYPES = {
  SOCK_SEQPACKET: s.SOCK_SEQPACKET,
  SOCK_STREAM: s.SOCK_STREAM,
  SOCK_DGRAM: s.SOCK_DGRAM,
  SOCK_RAW: s.SOCK_RAW,
  SOCK_NONBLOCK: s.SOCK_NONBLOCK,
  SOCK_CLOEXEC: s.SOCK_CLOEXEC,
};
const family = oneOf(FAMILIES);
const type = flags(TYPES, s.SOCK_TYPE_MASK);

export const socketCalls: readonly Call[] = [
  call(281, 'socket', [family, type, int], socket),
  call(288, 'socketpair', [family, type, int, ptr], socketpair),
  call(282, 'bind', [fd, ptr, int], bind),
  call(283, 'connect', [fd, ptr, int], connect),
  call(284, 'listen', [fd, int], (t, fd, backlog) => {
    const socket = socketOf(t, fd);
    return socket.listen(backlog) === WOULD_BLOCK ? hostAnswers(t, socket) : 0;
  }),
  call(285, 'accept', [fd, ptr, ptr], (t, fd, address, length) => accept(t, fd, address, length, 0)),
  call(366, 'accept4', [fd, ptr, ptr, flags(TYPES)], accept),
  call(286, 'getsockname', [fd, ptr, ptr], (t, fd, address, length) => {
    putAddress(t, socketOf(t, fd).localAddress(), address, length);
    return 0;
  }),
  call(287, 'getpeername', [fd, ptr, ptr], (t, fd, address, length) => {
    putAddress(t, socketOf(t, fd).peerAddress(), address, length);
    return 0;
  }),
  call(293, 'shutdown', [fd, int], (t, fd, how) => {
    socketOf(t, fd).shutdown(how);
    return 0;
  }),
];
