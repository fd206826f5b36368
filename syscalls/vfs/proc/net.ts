/** /proc/net: interfaces and routes in the texts of proc(5). */
import { AF_INET, AF_INET6 } from '../../abi/socket.ts';
import { network as networkOf } from '../net/interfaces.ts';
import type { Network } from '../net/network.ts';
import { directory, type Entry, text } from './nodes.ts';

const DEV_HEAD =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';

/** Counters are not known. */
const COUNTERS =
  '       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n';

function dev(network: Network): string {
  return (
    DEV_HEAD +
    network
      .interfaces()
      .map(({ name }) => `${name.padStart(6)}:${COUNTERS}`)
      .join('')
  );
}

/** The address's bytes as one little-endian number, as route_seq_show prints it. */
const hex4 = (address: Uint8Array) => Buffer.from(address).reverse().toString('hex').toUpperCase();
const hex2 = (n: number) => n.toString(16).padStart(2, '0');

const RTF_UP = 1;
const RTF_GATEWAY = 2;

function route(network: Network): string {
  if (!network.hasRoutes) return '';
  const row = (line: string) => `${line.padEnd(127)}\n`;
  const rows = network
    .routes()
    .filter(({ family }) => family === AF_INET)
    .map((r) => {
      const mask = networkOf(new Uint8Array(4).fill(0xff), r.prefix);
      const gateway = hex4(r.gateway ?? new Uint8Array(4));
      const flags = (RTF_UP | (r.gateway ? RTF_GATEWAY : 0)).toString(16).toUpperCase().padStart(4, '0');
      return row(
        `${r.through.name}\t${hex4(r.destination)}\t${gateway}\t${flags}\t0\t0\t${r.metric}\t${hex4(mask)}\t0\t0\t0`,
      );
    });
  return [
    row('Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'),
    ...rows,
  ].join('');
}

/** IPV6_ADDR_SCOPE_* and IFA_F_PERMANENT, as if6_seq_show prints them. */
function inet6(network: Network): string {
  const lines = network.interfaces().flatMap((i) =>
    i.addresses
      .filter(({ family }) => family === AF_INET6)
      .map(({ address, prefix }) => {
        const linkLocal = address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
        const scope = i.loopback ? 0x10 : linkLocal ? 0x20 : 0;
        const hex = Buffer.from(address).toString('hex');
        return `${hex} ${hex2(i.index)} ${hex2(prefix)} ${hex2(scope)} 80 ${i.name.padStart(8)}\n`;
      }),
  );
  return lines.join('');
}

/** @param network the one that a process is in */
export const procNet = (network: () => Network): Entry =>
  directory({
    dev: text(() => dev(network())),
    if_inet6: text(() => inet6(network())),
    route: text(() => route(network())),
    unix: text(() => 'Num       RefCount Protocol Flags    Type St Inode Path\n'),
  });
