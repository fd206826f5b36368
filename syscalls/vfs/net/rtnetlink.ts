/**
 * What the kernel answers on a NETLINK_ROUTE socket (rtnetlink(7)): questions about interfaces, addresses and routes. Of
 * changes only a loopback interface of the run's own is set up and down.
 */
import { fail } from '../../abi/errno.ts';
import * as n from '../../abi/netlink.ts';
import { AF_INET, AF_INET6, AF_UNSPEC, type InetFamily } from '../../abi/socket.ts';
import {
  flagsOf,
  hardwareTypeOf,
  IFF_UP,
  type InterfaceAddress,
  type NetworkInterface,
  network as networkOf,
  OPERATIONAL_STATES,
  type Route,
} from './interfaces.ts';
import type { Network } from './network.ts';

export interface RouteAnswer {
  readonly type: number;
  readonly body: readonly Uint8Array[];
}

const NAME = new TextDecoder('latin1');

function link(i: NetworkInterface): RouteAnswer {
  const header = n.encode(n.ifinfomsg, {
    ifi_family: AF_UNSPEC,
    ifi_type: hardwareTypeOf(i),
    ifi_index: i.index,
    ifi_flags: flagsOf(i),
    ifi_change: 0,
  });
  const broadcast = new Uint8Array(6).fill(i.loopback ? 0 : 0xff);
  return {
    type: n.RTM_NEWLINK,
    body: [
      header,
      n.attribute(n.IFLA.IFNAME, i.name),
      n.attribute(n.IFLA.TXQLEN, 1000),
      n.attribute(n.IFLA.OPERSTATE, Uint8Array.of(OPERATIONAL_STATES.indexOf(i.state))),
      n.attribute(n.IFLA.LINKMODE, Uint8Array.of(0)),
      n.attribute(n.IFLA.MTU, i.mtu),
      n.attribute(n.IFLA.QDISC, i.up ? (i.loopback ? 'noqueue' : 'pfifo_fast') : 'noop'),
      n.attribute(n.IFLA.ADDRESS, i.hardware),
      n.attribute(n.IFLA.BROADCAST, broadcast),
    ],
  };
}

/** RT_SCOPE_* of an address: fe80::/10 holds on its link, loopback in the host, others everywhere. */
function scopeOf(i: NetworkInterface, { family, address }: InterfaceAddress): number {
  if (i.loopback) return n.RT_SCOPE_HOST;
  const linkLocal = family === AF_INET6 && address[0] === 0xfe && (address[1]! & 0xc0) === 0x80;
  return linkLocal ? n.RT_SCOPE_LINK : n.RT_SCOPE_UNIVERSE;
}

/** struct ifa_cacheinfo of an address that stays: valid and preferred for ever. */
const FOR_EVER = new Uint8Array(Uint32Array.of(0xffff_ffff, 0xffff_ffff, 0, 0).buffer);

function address(i: NetworkInterface, a: InterfaceAddress): RouteAnswer {
  const header = n.encode(n.ifaddrmsg, {
    ifa_family: a.family,
    ifa_prefixlen: a.prefix,
    ifa_flags: n.IFA_F_PERMANENT,
    ifa_scope: scopeOf(i, a),
    ifa_index: i.index,
  });
  const body = [header, n.attribute(n.IFA.ADDRESS, a.address)];
  if (a.family === AF_INET) {
    body.push(n.attribute(n.IFA.LOCAL, a.address));
    if (!i.loopback) body.push(n.attribute(n.IFA.BROADCAST, networkOf(a.address, a.prefix, true)));
    body.push(n.attribute(n.IFA.LABEL, i.name));
  }
  body.push(n.attribute(n.IFA.FLAGS, n.IFA_F_PERMANENT), n.attribute(n.IFA.CACHEINFO, FOR_EVER));
  return { type: n.RTM_NEWADDR, body };
}

function route(r: Route): RouteAnswer {
  const direct = r.gateway === undefined;
  const header = n.encode(n.rtmsg, {
    rtm_family: r.family,
    rtm_dst_len: r.prefix,
    rtm_src_len: 0,
    rtm_tos: 0,
    rtm_table: n.RT_TABLE_MAIN,
    rtm_protocol: direct ? n.RTPROT_KERNEL : n.RTPROT_BOOT,
    rtm_scope: direct && r.family === AF_INET ? n.RT_SCOPE_LINK : n.RT_SCOPE_UNIVERSE,
    rtm_type: n.RTN_UNICAST,
    rtm_flags: 0,
  });
  const body = [header, n.attribute(n.RTA.TABLE, n.RT_TABLE_MAIN)];
  if (r.prefix > 0) body.push(n.attribute(n.RTA.DST, r.destination));
  if (r.metric > 0) body.push(n.attribute(n.RTA.PRIORITY, r.metric));
  if (r.source) body.push(n.attribute(n.RTA.PREFSRC, r.source));
  if (r.gateway) body.push(n.attribute(n.RTA.GATEWAY, r.gateway));
  body.push(n.attribute(n.RTA.OIF, r.through.index));
  return { type: n.RTM_NEWROUTE, body };
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

/** The way to one address: to an own one over loopback, else by the most exact route. */
function routeTo(network: Network, family: InetFamily, to: Uint8Array): RouteAnswer {
  // The whole network of loopback is the host's own.
  const isOwn = (i: NetworkInterface, a: InterfaceAddress) =>
    a.family === family &&
    equal(
      networkOf(to, i.loopback ? a.prefix : 8 * to.length),
      i.loopback ? networkOf(a.address, a.prefix) : a.address,
    );
  const own = network.interfaces().flatMap((i) => i.addresses.filter((a) => isOwn(i, a)))[0];
  const best = network
    .routes()
    .filter((r) => r.family === family && equal(networkOf(to, r.prefix), r.destination))
    .sort((a, b) => b.prefix - a.prefix || a.metric - b.metric)[0];
  const through = own ? network.interfaces().find((i) => i.loopback) : best?.through;
  if (through === undefined) return fail('ENETUNREACH');
  const source = (own ?? through.addresses.find((a) => a.family === family))?.address;
  const header = n.encode(n.rtmsg, {
    rtm_family: family,
    rtm_dst_len: 8 * to.length,
    rtm_src_len: 0,
    rtm_tos: 0,
    rtm_table: own ? n.RT_TABLE_LOCAL : n.RT_TABLE_MAIN,
    rtm_protocol: 0,
    rtm_scope: n.RT_SCOPE_UNIVERSE,
    rtm_type: own ? n.RTN_LOCAL : n.RTN_UNICAST,
    rtm_flags: family === AF_INET ? n.RTM_F_CLONED : 0,
  });
  const body = [header, n.attribute(n.RTA.DST, to), n.attribute(n.RTA.OIF, through.index)];
  if (source) body.push(n.attribute(n.RTA.PREFSRC, source));
  if (!own && best?.gateway) body.push(n.attribute(n.RTA.GATEWAY, best.gateway));
  return { type: n.RTM_NEWROUTE, body };
}

/** The interface of an index, or with that 0 of a name. EINVAL, ENODEV. */
function interfaceOf(network: Network, index: number, request: Uint8Array): NetworkInterface {
  const named = n.attributes(request.subarray(n.ifinfomsg.size)).get(n.IFLA.IFNAME);
  const name = named && NAME.decode(named).replace(/\0.*$/s, '');
  if (index <= 0 && name === undefined) fail('EINVAL');
  return (
    network.interfaces().find((i) => (index > 0 ? i.index === index : i.name === name)) ?? fail('ENODEV')
  );
}

function oneLink(network: Network, request: Uint8Array): RouteAnswer {
  return link(interfaceOf(network, n.decode(n.ifinfomsg, request).ifi_index, request));
}

/** do_setlink: of an interface that is there, whether it is up. */
function setLink(network: Network, request: Uint8Array): void {
  if (request.length < n.ifinfomsg.size) fail('EINVAL');
  const { ifi_index, ifi_flags, ifi_change } = n.decode(n.ifinfomsg, request);
  const found = interfaceOf(network, ifi_index, request);
  // Without a mask all flags are meant.
  if (ifi_change === 0 || ifi_change & IFF_UP) network.setUp(found.index, (ifi_flags & IFF_UP) !== 0);
}

/** inet_rtm_newaddr: an address that an interface has from now on. */
function newAddress(network: Network, request: Uint8Array): void {
  if (request.length < n.ifaddrmsg.size) fail('EINVAL');
  const { ifa_family, ifa_prefixlen: prefix, ifa_index: index } = n.decode(n.ifaddrmsg, request);
  const family = ifa_family === AF_INET || ifa_family === AF_INET6 ? ifa_family : fail('EOPNOTSUPP');
  const given = n.attributes(request.subarray(n.ifaddrmsg.size));
  const address = given.get(n.IFA.LOCAL) ?? given.get(n.IFA.ADDRESS) ?? fail('EINVAL');
  if (address.length !== (family === AF_INET ? 4 : 16)) fail('EINVAL');
  network.addAddress(index, { family, address, prefix });
}

function oneRoute(network: Network, request: Uint8Array): RouteAnswer {
  const { rtm_family: family } = n.decode(n.rtmsg, request);
  const to = n.attributes(request.subarray(n.rtmsg.size)).get(n.RTA.DST);
  if (family !== AF_INET && family !== AF_INET6) fail('EOPNOTSUPP');
  return routeTo(network, family, to?.length === (family === AF_INET ? 4 : 16) ? to : fail('EINVAL'));
}

function allAddresses(network: Network, request: Uint8Array): RouteAnswer[] {
  const { ifa_family: family, ifa_index: index } = n.decode(n.ifaddrmsg, request);
  const families = [AF_INET, AF_INET6].filter((f) => family === AF_UNSPEC || f === family);
  return families.flatMap((f) =>
    network
      .interfaces()
      .filter((i) => index === 0 || i.index === index)
      .flatMap((i) => i.addresses.filter((a) => a.family === f).map((a) => address(i, a))),
  );
}

/** Answers one request: `dump` asks for all there is. Throws Errno. */
export function answerRoute(
  network: Network,
  type: number,
  dump: boolean,
  request: Uint8Array,
  isAdmin: boolean,
): RouteAnswer[] {
  if (type > n.RTM_MAX) fail('EOPNOTSUPP');
  // The types come in fours: new, delete, get, set.
  if ((type & 3) !== 2) {
    if (!isAdmin) fail('EPERM');
    if (type === n.RTM_NEWADDR) newAddress(network, request);
    else if (type === n.RTM_NEWLINK || type === n.RTM_SETLINK) setLink(network, request);
    else fail('EPERM');
    return [];
  }
  // A dump may be asked for by a lone struct rtgenmsg, one byte.
  if (request.length < 1) fail('EINVAL');
  const family = request[0]!;
  switch (type) {
    case n.RTM_GETLINK:
      return dump ? network.interfaces().map(link) : [oneLink(network, request)];
    case n.RTM_GETADDR:
      return dump ? allAddresses(network, request) : fail('EOPNOTSUPP');
    case n.RTM_GETROUTE:
      if (!dump) return [oneRoute(network, request)];
      return network
        .routes()
        .filter((r) => family === AF_UNSPEC || r.family === family)
        .map(route);
    case n.RTM_GETNEIGH:
      return dump ? [] : fail('ENOENT');
    default:
      return fail('EOPNOTSUPP');
  }
}
