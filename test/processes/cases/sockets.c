/* Sockets: what is refused and how, options by level, and datagrams over loopback, which are there when they have been sent. */
#include "cases.h"
#include <arpa/inet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_in any(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return a;
}
static int bound(int type, struct sockaddr_in *a) {
  int s = socket(AF_INET, type, 0);
  socklen_t n = sizeof *a;
  *a = any(0);
  if (bind(s, (void *)a, n)) perror("bind");
  getsockname(s, (void *)a, &n);
  return s;
}
static int ready(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  poll(&p, 1, 0);
  return p.revents;
}
static void *volatile bad_pointer = (void *)8;
#define BAD ((void *)bad_pointer)

CASE(what_cannot_be_made) {
  int v[2];
  SHOW(socket(0, SOCK_STREAM, 0));
  SHOW(socket(-1, SOCK_STREAM, 0));
  SHOW(socket(77, SOCK_STREAM, 0));
  SHOW(socket(AF_INET, 75, 0));
  SHOW(socket(AF_INET, 0, 0));
  SHOW(socket(AF_INET, 11, 0));
  SHOW(socket(AF_INET, 9, 0));
  SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
  SHOW(socket(AF_INET, SOCK_RDM, 0));
  SHOW(socket(AF_INET, SOCK_RAW, 0));
  SHOW(socket(AF_INET6, SOCK_RAW, 0));
  SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
  SHOW(socket(AF_INET, SOCK_STREAM, -1));
  SHOW(socket(AF_INET, SOCK_STREAM, 300));
  SHOW(socket(AF_INET, SOCK_STREAM, 99));
  SHOW(socket(AF_UNIX, SOCK_STREAM, 7));
  SHOW(socket(AF_UNIX, SOCK_RDM, 0));
  SHOW(socket(AF_UNIX, SOCK_RAW, AF_UNIX) >= 0);
  SHOW(socket(AF_NETLINK, SOCK_STREAM, 0));
  SHOW(socket(AF_NETLINK, SOCK_RAW, 99));
  SHOW(socketpair(0, SOCK_STREAM, 0, v));
  SHOW(socketpair(AF_INET, 75, 0, v));
  SHOW(socketpair(AF_INET, SOCK_RAW, 0, v));
  SHOW(socketpair(AF_INET, SOCK_DGRAM, IPPROTO_UDP, v));
  SHOW(socketpair(AF_INET, SOCK_DGRAM, IPPROTO_TCP, v));
  SHOW(socketpair(AF_INET, SOCK_STREAM, IPPROTO_TCP, v));
  SHOW(socketpair(AF_INET, SOCK_STREAM, IPPROTO_ICMP, v));
  SHOW(socketpair(AF_INET6, SOCK_STREAM, 0, v));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 5, v));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD));
  SHOW(socket(AF_UNIX, SOCK_STREAM, 0));
}

CASE(low_ports) {
  struct sockaddr_in a = any(1023), b = any(1024);
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(17), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  setgid(1000);
  setuid(1000);
  SHOW(bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&a, sizeof a));
  SHOW(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, sizeof a));
  SHOW(bind(socket(AF_INET6, SOCK_DGRAM, 0), (void *)&six, sizeof six));
  SHOW(bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&b, sizeof b));
}

CASE(bad_pointers) {
  struct sockaddr_in a;
  int s = bound(SOCK_STREAM, &a), minus = -1, none = 0, some = sizeof a, pair[2];
  SHOW(getsockname(s, NULL, (void *)&some));
  SHOW(getsockname(s, BAD, (void *)&some));
  SHOW(getsockname(s, (void *)&a, BAD));
  SHOW(getsockname(s, (void *)&a, (void *)&minus));
  SHOW(getsockname(s, NULL, (void *)&none));
  printf("%d\n", none);
  SHOW(getpeername(s, BAD, (void *)&some));
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  SHOW(getpeername(pair[0], BAD, (void *)&some));
  SHOW(getpeername(pair[0], (void *)&a, BAD));
  for (int i = 0; i < 2; i++) {
    int u = i ? socket(AF_INET, SOCK_DGRAM, 0) : s;
    SHOW(ioctl(u, FIONREAD, BAD));
    SHOW(ioctl(u, SIOCATMARK, BAD));
    SHOW(ioctl(u, SIOCATMARK, &some));
    SHOW(ioctl(u, SIOCOUTQ, BAD));
    SHOW(ioctl(u, FIONBIO, BAD));
    SHOW(ioctl(u, FIOASYNC, BAD));
    SHOW(ioctl(u, SIOCGIFCONF, BAD));
    SHOW(ioctl(u, SIOCGIFFLAGS, BAD));
    SHOW(ioctl(u, SIOCGIFNAME, BAD));
    SHOW(ioctl(u, FIOSETOWN, BAD));
    SHOW(ioctl(u, SIOCGPGRP, BAD));
    SHOW(ioctl(u, 0x1234, BAD));
  }
  SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, BAD, 4));
  SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &some, 3));
  SHOW(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &some, -1));
  SHOW(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, BAD, 4));
  SHOW(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, BAD, (void *)&some));
  SHOW(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &none, BAD));
  SHOW(getsockopt(s, SOL_SOCKET, SO_REUSEADDR, &none, (void *)&minus));
  SHOW(getsockopt(s, IPPROTO_TCP, TCP_NODELAY, BAD, (void *)&some));
  SHOW(listen(99, 1));
  SHOW(listen(0, 1));
}

static void owner_of(int fd) {
  int pid = getpid(), got = 0;
  SHOW(ioctl(fd, FIOSETOWN, &pid));
  SHOW(ioctl(fd, FIOGETOWN, &got));
  SHOW(got == pid);
  SHOW(fcntl(fd, F_GETOWN) == pid);
  pid = -getpgrp();
  SHOW(ioctl(fd, SIOCSPGRP, &pid));
  SHOW(ioctl(fd, SIOCGPGRP, &got));
  SHOW(got == pid);
  pid = 4194000;
  SHOW(ioctl(fd, SIOCSPGRP, &pid));
}
CASE(owners) {
  owner_of(socket(AF_INET, SOCK_STREAM, 0));
  owner_of(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static void unknown(int family, int type) {
  int s = socket(family, type, 0), v = 1;
  socklen_t n;
  static const int levels[] = {SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_IPV6, IPPROTO_RAW, 270, 12345, -1};
  for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++) {
    printf("family %d type %d level %d\n", family, type, levels[i]);
    SHOW(setsockopt(s, levels[i], 9999, &v, sizeof v));
    n = sizeof v;
    SHOW(getsockopt(s, levels[i], 9999, &v, &n));
    SHOW(setsockopt(s, levels[i], -1, &v, sizeof v));
  }
  close(s);
}
CASE(unknown_options) {
  unknown(AF_INET, SOCK_STREAM);
  unknown(AF_INET, SOCK_DGRAM);
  unknown(AF_INET6, SOCK_STREAM);
  unknown(AF_INET6, SOCK_DGRAM);
  unknown(AF_UNIX, SOCK_STREAM);
}

static void try_option(int s, const char *name, int level, int option, int value) {
  int got = -1, result = setsockopt(s, level, option, &value, sizeof value), e = errno;
  socklen_t n = sizeof got;
  printf("%s %d: %s", name, value, result ? strerrorname_np(e) : "ok");
  if (getsockopt(s, level, option, &got, &n)) printf(", get %s\n", strerrorname_np(errno));
  else printf(", %d in %d\n", got, (int)n);
}
#define OPTION(S, LEVEL, NAME, VALUE) try_option(S, #NAME, LEVEL, NAME, VALUE)
CASE(tcp_options) {
  int s = socket(AF_INET, SOCK_STREAM, 0);
  OPTION(s, IPPROTO_TCP, TCP_NODELAY, 5);
  OPTION(s, IPPROTO_TCP, TCP_CORK, 1);
  OPTION(s, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  OPTION(s, IPPROTO_TCP, TCP_KEEPIDLE, 0);
  OPTION(s, IPPROTO_TCP, TCP_KEEPIDLE, 40000);
  OPTION(s, IPPROTO_TCP, TCP_KEEPINTVL, 7);
  OPTION(s, IPPROTO_TCP, TCP_KEEPINTVL, 40000);
  OPTION(s, IPPROTO_TCP, TCP_KEEPCNT, 3);
  OPTION(s, IPPROTO_TCP, TCP_KEEPCNT, 128);
  OPTION(s, IPPROTO_TCP, TCP_SYNCNT, 2);
  OPTION(s, IPPROTO_TCP, TCP_SYNCNT, 128);
  OPTION(s, IPPROTO_TCP, TCP_QUICKACK, 1);
  OPTION(s, IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
  OPTION(s, IPPROTO_TCP, TCP_USER_TIMEOUT, -1);
  OPTION(s, IPPROTO_TCP, TCP_MAXSEG, 10);
  OPTION(s, IPPROTO_TCP, TCP_LINGER2, 20);
  OPTION(s, IPPROTO_TCP, TCP_INFO, 1);
  OPTION(s, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 100);
  int d = socket(AF_INET, SOCK_DGRAM, 0);
  OPTION(d, IPPROTO_TCP, TCP_NODELAY, 1);
  OPTION(d, IPPROTO_UDP, UDP_CORK, 1);
  OPTION(d, IPPROTO_UDP, UDP_CORK, 0);
  OPTION(s, IPPROTO_UDP, UDP_CORK, 0);
}

static void ip(int type) {
  int s = socket(AF_INET, type, 0);
  OPTION(s, IPPROTO_IP, IP_TTL, 33);
  OPTION(s, IPPROTO_IP, IP_TTL, 0);
  OPTION(s, IPPROTO_IP, IP_TTL, 256);
  OPTION(s, IPPROTO_IP, IP_TTL, -1);
  OPTION(s, IPPROTO_IP, IP_TOS, 0x10);
  OPTION(s, IPPROTO_IP, IP_MTU_DISCOVER, 2);
  OPTION(s, IPPROTO_IP, IP_MTU_DISCOVER, 9);
  OPTION(s, IPPROTO_IP, IP_RECVERR, 1);
  OPTION(s, IPPROTO_IP, IP_PKTINFO, 7);
  OPTION(s, IPPROTO_IP, IP_RECVTTL, 1);
  OPTION(s, IPPROTO_IP, IP_RECVTOS, 1);
  OPTION(s, IPPROTO_IP, IP_FREEBIND, 1);
  OPTION(s, IPPROTO_IP, IP_HDRINCL, 1);
  OPTION(s, IPPROTO_IP, IP_MULTICAST_TTL, 3);
  OPTION(s, IPPROTO_IP, IP_MULTICAST_TTL, 300);
  OPTION(s, IPPROTO_IP, IP_MULTICAST_LOOP, 0);
  OPTION(s, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  OPTION(s, IPPROTO_IP, IP_MULTICAST_ALL, 2);
  OPTION(s, IPPROTO_IP, IP_MTU, 0);
  OPTION(s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  unsigned char byte = 44;
  SHOW(setsockopt(s, IPPROTO_IP, IP_TTL, &byte, 1));
  int got = 0;
  socklen_t n = sizeof got;
  SHOW(getsockopt(s, IPPROTO_IP, IP_TTL, &got, &n));
  printf("%d %d\n", got, (int)n);
  n = 1;
  got = 0;
  SHOW(getsockopt(s, IPPROTO_IP, IP_TTL, &got, &n));
  printf("%d %d\n", got, (int)n);
  SHOW(setsockopt(s, IPPROTO_IP, IP_TTL, &byte, 0));
}
CASE(ip_options_of_streams) { ip(SOCK_STREAM); }
CASE(ip_options_of_datagrams) { ip(SOCK_DGRAM); }

CASE(ipv6_options) {
  int s = socket(AF_INET6, SOCK_DGRAM, 0);
  OPTION(s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  OPTION(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 10);
  OPTION(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256);
  OPTION(s, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1);
  OPTION(s, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 4);
  OPTION(s, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0);
  OPTION(s, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 2);
  OPTION(s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  OPTION(s, IPPROTO_IPV6, IPV6_TCLASS, 8);
  OPTION(s, IPPROTO_IPV6, IPV6_TCLASS, 300);
  OPTION(s, IPPROTO_IPV6, IPV6_RECVERR, 1);
  OPTION(s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
  OPTION(s, IPPROTO_IPV6, IPV6_MTU_DISCOVER, 1);
}

CASE(options_of_all) {
  int s = socket(AF_INET, SOCK_STREAM, 0);
  OPTION(s, SOL_SOCKET, SO_TYPE, 1);
  OPTION(s, SOL_SOCKET, SO_ERROR, 1);
  OPTION(s, SOL_SOCKET, SO_DOMAIN, 1);
  OPTION(s, SOL_SOCKET, SO_PROTOCOL, 1);
  OPTION(s, SOL_SOCKET, SO_ACCEPTCONN, 1);
  OPTION(s, SOL_SOCKET, SO_SNDLOWAT, 5);
  OPTION(s, SOL_SOCKET, SO_RCVLOWAT, 5);
  OPTION(s, SOL_SOCKET, SO_RCVLOWAT, 0);
  OPTION(s, SOL_SOCKET, SO_REUSEADDR, 9);
  OPTION(s, SOL_SOCKET, SO_REUSEPORT, 9);
  OPTION(s, SOL_SOCKET, SO_PRIORITY, 3);
  OPTION(s, SOL_SOCKET, SO_MARK, 3);
  OPTION(s, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  OPTION(s, SOL_SOCKET, SO_NO_CHECK, 1);
  OPTION(s, SOL_SOCKET, SO_RXQ_OVFL, 1);
  OPTION(s, SOL_SOCKET, SO_PEERCRED, 1);
  OPTION(s, SOL_SOCKET, SO_RCVBUF, 100);
}

CASE(datagrams_arrive_at_once) {
  struct sockaddr_in a, b, from;
  int r = bound(SOCK_DGRAM, &a), s = bound(SOCK_DGRAM, &b), got;
  char text[100];
  socklen_t n = sizeof from;
  for (int i = 0; i < 3; i++) {
    SHOW(sendto(s, "hello", 5 - i, 0, (void *)&a, sizeof a));
    SHOW(ioctl(r, FIONREAD, &got));
    printf("%d\n", got);
  }
  SHOW(ready(r));
  SHOW(recvfrom(r, text, sizeof text, MSG_DONTWAIT, (void *)&from, &n));
  SHOW(from.sin_port == b.sin_port && from.sin_addr.s_addr == b.sin_addr.s_addr);
  SHOW(recv(r, text, 2, MSG_DONTWAIT | MSG_TRUNC));
  SHOW(recv(r, text, sizeof text, MSG_DONTWAIT));
  SHOW(recv(r, text, sizeof text, MSG_DONTWAIT));
  SHOW(sendto(s, "", 0, 0, (void *)&a, sizeof a));
  SHOW(recv(r, text, sizeof text, MSG_DONTWAIT));
  /* To a socket that is connected to another, to one bound to any address, from one that has no address yet. */
  SHOW(connect(r, (void *)&b, sizeof b));
  int stranger = socket(AF_INET, SOCK_DGRAM, 0);
  SHOW(sendto(stranger, "x", 1, 0, (void *)&a, sizeof a));
  SHOW(recv(r, text, sizeof text, MSG_DONTWAIT));
  SHOW(send(s, "y", 1, 0));
  SHOW(connect(s, (void *)&a, sizeof a));
  SHOW(send(s, "y", 1, 0));
  SHOW(recv(r, text, sizeof text, MSG_DONTWAIT));
  int wide = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in w = {.sin_family = AF_INET};
  SHOW(bind(wide, (void *)&w, sizeof w));
  n = sizeof w;
  getsockname(wide, (void *)&w, &n);
  w.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fresh = socket(AF_INET, SOCK_DGRAM, 0);
  SHOW(sendto(fresh, "zz", 2, 0, (void *)&w, sizeof w));
  n = sizeof from;
  SHOW(recvfrom(wide, text, sizeof text, MSG_DONTWAIT, (void *)&from, &n));
  struct sockaddr_in own;
  n = sizeof own;
  getsockname(fresh, (void *)&own, &n);
  SHOW(own.sin_port == from.sin_port);
  SHOW(from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  SHOW(sendto(wide, "back", 4, 0, (void *)&from, sizeof from));
  SHOW(recv(fresh, text, sizeof text, MSG_DONTWAIT));
}

static int failed(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  poll(&p, 1, 10000);
  return p.revents;
}
static void where(int s, struct sockaddr_in *before) {
  struct sockaddr_in own = {0}, peer;
  socklen_t n = sizeof own;
  getsockname(s, (void *)&own, &n);
  printf("at %s, %s port\n", inet_ntoa(own.sin_addr), !own.sin_port ? "no" : own.sin_port == before->sin_port ? "the same" : "another");
  *before = own;
  n = sizeof peer;
  SHOW(getpeername(s, (void *)&peer, &n));
}

CASE(connected_datagrams) {
  struct sockaddr_in nobody, other, own = {0}, from, wide = {.sin_family = AF_INET, .sin_port = htons(9)};
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  char text[20];
  socklen_t n = sizeof from;
  int gone = bound(SOCK_DGRAM, &nobody), o = bound(SOCK_DGRAM, &other), s = socket(AF_INET, SOCK_DGRAM, 0), value;
  close(gone);
  /* Nobody is there: what comes back is told once, to the connected only. */
  SHOW(connect(s, (void *)&nobody, sizeof nobody));
  where(s, &own);
  SHOW(send(s, "x", 1, 0));
  SHOW(failed(s));
  SHOW(recv(s, text, sizeof text, 0));
  SHOW(recv(s, text, sizeof text, MSG_DONTWAIT));
  SHOW(send(s, "x", 1, 0));
  SHOW(failed(s));
  SHOW(send(s, "x", 1, 0));
  SHOW(failed(s));
  n = sizeof value;
  SHOW(getsockopt(s, SOL_SOCKET, SO_ERROR, &value, &n));
  printf("%d\n", value);
  SHOW(ready(s));
  SHOW(send(s, "x", 1, 0));
  SHOW(recv(s, text, sizeof text, 0));
  SHOW(sendto(s, "x", 1, 0, (void *)&nobody, sizeof nobody));
  SHOW(failed(s));
  SHOW(recv(s, text, sizeof text, MSG_DONTWAIT));
  /* To another than the peer, from the same port; the peer stays. */
  SHOW(sendto(s, "yy", 2, 0, (void *)&other, sizeof other));
  n = sizeof from;
  SHOW(recvfrom(o, text, sizeof text, MSG_DONTWAIT, (void *)&from, &n));
  SHOW(from.sin_port == own.sin_port);
  where(s, &own);
  SHOW(sendto(o, "no", 2, 0, (void *)&from, sizeof from));
  SHOW(recv(s, text, sizeof text, MSG_DONTWAIT));
  SHOW(connect(s, (void *)&other, sizeof other));
  SHOW(sendto(o, "yes", 3, 0, (void *)&from, sizeof from));
  SHOW(recv(s, text, sizeof text, MSG_DONTWAIT));
  where(s, &own);
  /* Unconnected, it keeps a port that it asked for. */
  SHOW(connect(o, (void *)&own, sizeof own));
  where(o, &other);
  SHOW(connect(o, &none, sizeof none));
  where(o, &other);
  SHOW(connect(s, &none, sizeof none));
  where(s, &own);
  SHOW(sendto(s, "zz", 2, 0, (void *)&other, sizeof other));
  SHOW(failed(o));
  SHOW(recv(o, text, sizeof text, MSG_DONTWAIT));
  SHOW(connect(s, (void *)&wide, sizeof wide));
  wide.sin_addr.s_addr = htonl(INADDR_BROADCAST);
  SHOW(connect(s, (void *)&wide, sizeof wide));
  wide = any(0);
  SHOW(connect(s, (void *)&wide, sizeof wide));
  where(s, &own);
  SHOW(send(s, "x", 1, 0));
}

CASE(listening) {
  struct sockaddr_in own = {0};
  socklen_t n = sizeof own;
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), c = socket(AF_INET, SOCK_STREAM, 0), d = socket(AF_INET, SOCK_STREAM, 0);
  SHOW(accept(s, NULL, NULL));
  /* Not bound: at any address, with a port that the kernel chooses. */
  SHOW(listen(s, -1));
  getsockname(s, (void *)&own, &n);
  SHOW(own.sin_port != 0 && own.sin_addr.s_addr == 0);
  SHOW(listen(s, 0));
  SHOW(accept(s, NULL, NULL));
  SHOW(bind(s, (void *)&own, n));
  own = any(ntohs(own.sin_port));
  SHOW(connect(c, (void *)&own, n));
  SHOW(ready(s));
  int a = accept(s, NULL, NULL);
  SHOW(a >= 0);
  SHOW(listen(c, 1));
  SHOW(listen(a, 1));
  SHOW(connect(s, (void *)&own, n));
  /* Shut down, nobody is let in, and it may listen again. */
  SHOW(shutdown(s, SHUT_WR));
  SHOW(shutdown(s, SHUT_RD));
  SHOW(accept(s, NULL, NULL));
  SHOW(connect(d, (void *)&own, n));
  SHOW(listen(s, 1));
  getsockname(s, (void *)&own, &n);
  SHOW(own.sin_port != 0 && own.sin_addr.s_addr == 0);
  own = any(ntohs(own.sin_port));
  close(d);
  d = socket(AF_INET, SOCK_STREAM, 0);
  SHOW(connect(d, (void *)&own, n));
  SHOW(ready(s));
  SHOW(listen(socket(AF_INET, SOCK_DGRAM, 0), 1));
  SHOW(listen(socket(AF_UNIX, SOCK_STREAM, 0), 1));
  SHOW(listen(socket(AF_UNIX, SOCK_DGRAM, 0), 1));
  SHOW(listen(socket(AF_NETLINK, SOCK_RAW, 0), 1));
  SHOW(listen(0, 1));
}

/* Two sockets of a port share what comes to it; one that has not said so stays out. */
static void shared(int type) {
  struct sockaddr_in own = any(0);
  socklen_t n = sizeof own;
  int on = 1, got = 0, s[2], alone = socket(AF_INET, type, 0);
  for (int i = 0; i < 2; i++) {
    s[i] = socket(AF_INET, type, 0);
    SHOW(setsockopt(s[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
    SHOW(bind(s[i], (void *)&own, sizeof own));
    getsockname(s[i], (void *)&own, &n);
    if (type == SOCK_STREAM) SHOW(listen(s[i], 10));
  }
  SHOW(bind(alone, (void *)&own, sizeof own));
  for (int i = 0; i < 8; i++) {
    struct pollfd p[2] = {{.fd = s[0], .events = POLLIN}, {.fd = s[1], .events = POLLIN}};
    char text[10];
    int c = socket(AF_INET, type, 0);
    if (connect(c, (void *)&own, sizeof own) || write(c, "x", 1) != 1) perror("client");
    if (poll(p, 2, 10000) != 1) perror("poll");
    int ready = p[0].revents ? s[0] : s[1];
    got += type == SOCK_STREAM ? accept(ready, NULL, NULL) >= 0 : recv(ready, text, sizeof text, 0) == 1;
    close(c);
  }
  SHOW(got);
}
CASE(shared_ports) {
  shared(SOCK_STREAM);
  shared(SOCK_DGRAM);
}

static struct mmsghdr messages[40];
static void vectors(void) {
  static char b[40][10];
  static struct iovec v[40];
  for (int i = 0; i < 40; i++) {
    v[i] = (struct iovec){b[i], sizeof b[i]};
    messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &v[i], .msg_iovlen = 1}};
  }
}
static void nothing(int n) { (void)n; }
/* A child that sends the numbers of a text as datagrams, each a tenth of a second after the one before. */
static pid_t sender(int fd, const char *text) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid) return pid;
  for (; *text; text++) {
    usleep(100000);
    send(fd, text, 1, 0);
  }
  _exit(0);
}
CASE(several_messages) {
  int v[2];
  pid_t pid;
  vectors();
  socketpair(AF_UNIX, SOCK_DGRAM, 0, v);
  pid = sender(v[0], "abc");
  SHOW(recvmmsg(v[1], messages, 3, 0, NULL));
  SHOW(messages[2].msg_len);
  waitpid(pid, NULL, 0);
  pid = sender(v[0], "abc");
  SHOW(recvmmsg(v[1], messages, 3, MSG_WAITFORONE, NULL));
  waitpid(pid, NULL, 0);
  SHOW(recvmmsg(v[1], messages, 3, MSG_WAITFORONE, NULL));
  SHOW(recvmmsg(v[1], messages, 3, MSG_DONTWAIT, NULL));
  /* The time is looked at when a message has come. */
  struct timespec t = {.tv_nsec = 50000000};
  send(v[0], "a", 1, 0);
  pid = sender(v[0], "bc");
  SHOW(recvmmsg(v[1], messages, 3, 0, &t));
  SHOW(t.tv_sec == 0 && t.tv_nsec == 0);
  waitpid(pid, NULL, 0);
  t = (struct timespec){.tv_sec = 10};
  SHOW(recvmmsg(v[1], messages, 1, 0, &t));
  SHOW(t.tv_sec == 9);
  send(v[0], "x", 1, 0);
  send(v[0], "x", 1, 0);
  t = (struct timespec){0};
  SHOW(recvmmsg(v[1], messages, 2, 0, &t));
  t.tv_nsec = 1000000000;
  SHOW(recvmmsg(v[1], messages, 2, 0, &t));
  SHOW(recv(v[1], messages, 1, MSG_DONTWAIT) >= 0);
  /* More than there is room for; a signal after some. */
  fflush(stdout);
  pid = fork();
  if (pid == 0) {
    char b[10];
    for (int i = 0; i < 30; i++) {
      if (i == 0) usleep(100000);
      recv(v[1], b, sizeof b, 0);
    }
    _exit(0);
  }
  SHOW(sendmmsg(v[0], messages, 30, 0));
  waitpid(pid, NULL, 0);
  struct sigaction a = {.sa_handler = nothing, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &a, NULL);
  send(v[0], "x", 1, 0);
  struct itimerval i = {.it_value.tv_usec = 100000};
  setitimer(ITIMER_REAL, &i, NULL);
  SHOW(recvmmsg(v[1], messages, 2, 0, NULL));
}

CASE(waiting_for_all_of_a_vector) {
  int v[2];
  char a[2] = "", b[3] = "";
  struct iovec vector[2] = {{a, 2}, {b, 2}};
  struct msghdr m = {.msg_iov = vector, .msg_iovlen = 2};
  socketpair(AF_UNIX, SOCK_STREAM, 0, v);
  pid_t pid = sender(v[0], "abcd");
  SHOW(recvmsg(v[1], &m, MSG_WAITALL));
  printf("%.2s %s\n", a, b);
  waitpid(pid, NULL, 0);
}

CASE(groups) {
  struct sockaddr_in a = {.sin_family = AF_INET}, to, from;
  socklen_t n = sizeof a;
  char text[20];
  int r = socket(AF_INET, SOCK_DGRAM, 0), s = socket(AF_INET, SOCK_DGRAM, 0), st = socket(AF_INET, SOCK_STREAM, 0);
  bind(r, (void *)&a, sizeof a);
  getsockname(r, (void *)&a, &n);
  struct ip_mreq m = {.imr_multiaddr.s_addr = inet_addr("239.1.2.3"), .imr_interface.s_addr = htonl(INADDR_LOOPBACK)}, bad = m;
  struct ip_mreqn x = {.imr_multiaddr = m.imr_multiaddr, .imr_ifindex = 99999};
  bad.imr_multiaddr.s_addr = inet_addr("10.0.0.1");
  SHOW(setsockopt(r, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m));
  SHOW(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m));
  SHOW(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m));
  SHOW(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &bad, sizeof bad));
  SHOW(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &x, sizeof x));
  SHOW(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, 7));
  SHOW(setsockopt(r, IPPROTO_IP, IP_ADD_MEMBERSHIP, BAD, sizeof m));
  SHOW(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &m.imr_interface, sizeof m.imr_interface));
  to = a;
  to.sin_addr = m.imr_multiaddr;
  SHOW(sendto(s, "group", 5, 0, (void *)&to, sizeof to));
  n = sizeof from;
  struct pollfd p = {.fd = r, .events = POLLIN};
  SHOW(poll(&p, 1, 20000));
  SHOW(recvfrom(r, text, sizeof text, 0, (void *)&from, &n));
  SHOW(from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
  SHOW(setsockopt(r, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m));
  (void)st;
}

CASE(datagrams_of_ipv6) {
  int r = socket(AF_INET6, SOCK_DGRAM, 0), four = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in6 a = {.sin6_family = AF_INET6}, from;
  socklen_t n = sizeof a;
  char text[100];
  SHOW(bind(r, (void *)&a, sizeof a));
  getsockname(r, (void *)&a, &n);
  a.sin6_addr = in6addr_loopback;
  int s = socket(AF_INET6, SOCK_DGRAM, 0);
  SHOW(sendto(s, "six", 3, 0, (void *)&a, sizeof a));
  n = sizeof from;
  SHOW(recvfrom(r, text, sizeof text, MSG_DONTWAIT, (void *)&from, &n));
  puts(inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
  struct sockaddr_in b = any(ntohs(a.sin6_port));
  SHOW(sendto(four, "four", 4, 0, (void *)&b, sizeof b));
  n = sizeof from;
  SHOW(recvfrom(r, text, sizeof text, MSG_DONTWAIT, (void *)&from, &n));
  puts(inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
}

CASE(datagrams_wake) {
  struct sockaddr_in a;
  int r = bound(SOCK_DGRAM, &a), s = socket(AF_INET, SOCK_DGRAM, 0), e = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
  epoll_ctl(e, EPOLL_CTL_ADD, r, &ev);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    char b[10];
    SHOW(recv(r, b, sizeof b, 0));
    exit(0);
  }
  until_asleep(pid);
  sendto(s, "wake", 4, 0, (void *)&a, sizeof a);
  waitpid(pid, NULL, 0);
  SHOW(epoll_wait(e, &ev, 1, 0));
  SHOW(epoll_wait(e, &ev, 1, 0));
  sendto(s, "again", 5, 0, (void *)&a, sizeof a);
  SHOW(epoll_wait(e, &ev, 1, 0));
}

static void rung(int n) { (void)n; }
CASE(nothing_interrupts_what_does_not_wait) {
  struct sigaction act = {.sa_handler = rung};
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}}, to = any;
  int refused = 0, failed = 0;
  to.sin_port = htons(9);
  /* Nobody may send there who has not asked for it (SO_BROADCAST). */
  to.sin_addr.s_addr = INADDR_BROADCAST;
  sigaction(SIGALRM, &act, NULL);
  pid_t child = fork();
  if (child == 0)
    while (kill(getppid(), SIGALRM) == 0) sched_yield();
  for (int i = 0; i < 200; i++) {
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (i % 2 && bind(s, (void *)&any, sizeof any)) failed++;
    if (connect(s, (void *)&to, sizeof to) && errno == EACCES) refused++;
    close(s);
  }
  kill(child, SIGKILL);
  SHOW(failed);
  SHOW(refused);
}

CASE(bound_twice) {
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  struct sockaddr_in other = {.sin_family = AF_INET, .sin_addr = {htonl(0x01020304)}};
  for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
    int s = socket(AF_INET, type, 0);
    SHOW(bind(s, (void *)&other, sizeof other));
    SHOW(bind(s, (void *)&own, sizeof own));
    SHOW(bind(s, (void *)&other, sizeof other));
    SHOW(bind(s, (void *)&own, sizeof own));
    if (type == SOCK_STREAM) SHOW(listen(s, 1));
    SHOW(bind(s, (void *)&other, sizeof other));
  }
}
