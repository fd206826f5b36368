// What sockets of packets give in a network that has its loopback interface only: raw ones (icmp raw), and those of ICMP that
// need no privilege (icmp ping [GROUPS]: after those have been let).
#include "programs/try.h"
#include "programs/packets.h"
#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif
#define SOL_RAW 255

static void echo(unsigned char *packet, int family, int sequence) {
  memset(packet, 0, 16);
  packet[0] = family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
  packet[4] = 0x12;
  packet[5] = 0x34;
  packet[7] = sequence;
  memcpy(packet + 8, "payload!", 8);
  unsigned short sum = checksum(packet, 16);
  packet[2] = sum >> 8;
  packet[3] = sum;
}

static const char *hosts[] = {"127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3", "::1", "2001:db8::1", "::"};

static void options(int fd, int family, int type) {
  int on = 1;
  if (family == AF_INET) {
    TRY(setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on));
    TRY(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on));
    on = 33;
    if (type == SOCK_RAW) TRY(setsockopt(fd, IPPROTO_IP, IP_TTL, &on, sizeof on));
  } else {
    TRY(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on));
    TRY(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on));
    on = 33;
    if (type == SOCK_RAW) TRY(setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &on, sizeof on));
  }
  on = 1;
  TRY(setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
  TRY(setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on));
}

static void each(int type) {
  unsigned char packet[2048];
  for (unsigned i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    union address a, name;
    socklen_t length = make(&a, hosts[i], 0);
    int family = a.any.sa_family;
    printf("--- %s\n", hosts[i]);
    int fd = socket(family, type, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    TRY(fd < 0 ? -1 : 0);
    if (fd < 0) continue;
    int has_header = type == SOCK_RAW && family == AF_INET;
    options(fd, family, type);
    echo(packet, family, i);
    if (type == SOCK_DGRAM) {
      union address own;
      make(&own, family == AF_INET ? "0.0.0.0" : "::", 0x4321);
      TRY(bind(fd, &own.any, length));
      TRY(bind(fd, &own.any, length));
      length = sizeof name;
      TRY(getsockname(fd, &name.any, &length));
      show_address(&name);
      length = make(&a, hosts[i], 0);
    }
    TRY(send(fd, packet, 16, 0));
    TRY(sendto(fd, packet, 16, 0, &a.any, length));
    if (i == 0) take(fd, has_header, MSG_PEEK);
    take(fd, has_header, 0);
    TRY(sendto(fd, packet, 7, 0, &a.any, length));
    TRY(sendto(fd, packet, 16, MSG_OOB, &a.any, length));
    packet[0] = family == AF_INET ? ICMP_TIMESTAMPREPLY : 200;
    TRY(sendto(fd, packet, 16, 0, &a.any, length));
    take(fd, has_header, 0);
    echo(packet, family, i);
    TRY(getpeername(fd, &name.any, &(socklen_t){sizeof name}));
    TRY(shutdown(fd, SHUT_RD));
    TRY(connect(fd, &a.any, length));
    length = sizeof name;
    TRY(getsockname(fd, &name.any, &length));
    show_address(&name);
    TRY(send(fd, packet, 16, 0));
    take(fd, has_header, 0);
    TRY(listen(fd, 1));
    TRY(accept(fd, 0, 0));
    close(fd);
  }
}

static void raw(void) {
  unsigned char packet[64] = {0};
  union address a;
  socklen_t length = make(&a, "127.0.0.1", 0);
  // What is filtered.
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  unsigned filter = ~(1u << ICMP_ECHOREPLY);
  TRY(setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter));
  filter = 0;
  TRY(getsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, &(socklen_t){sizeof filter}));
  printf("%08x\n", filter);
  echo(packet, AF_INET, 1);
  TRY(sendto(fd, packet, 16, 0, &a.any, length));
  take(fd, 1, 0);
  packet[9] ^= 1;
  printf("wrong checksum\n");
  TRY(sendto(fd, packet, 16, 0, &a.any, length));
  take(fd, 1, 0);
  struct sockaddr_in elsewhere = {AF_INET, 0, {htonl(0x0a000001)}, {0}};
  TRY(bind(fd, (void *)&elsewhere, sizeof elsewhere));
  elsewhere.sin_addr.s_addr = htonl(0x7f000002);
  TRY(bind(fd, (void *)&elsewhere, sizeof elsewhere));
  echo(packet, AF_INET, 2);
  TRY(sendto(fd, packet, 16, 0, &a.any, length));
  take(fd, 1, 0);
  close(fd);
  // One interface.
  char device[16] = "";
  socklen_t size = sizeof device;
  fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  TRY(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size));
  printf("%d\n", size);
  TRY(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "none", 4));
  TRY(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  TRY(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size));
  size = 3;
  TRY(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size));
  size = sizeof device;
  TRY(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size));
  printf("%s %d\n", device, size);
  echo(packet, AF_INET, 9);
  TRY(sendto(fd, packet, 16, 0, &a.any, length));
  take(fd, 1, 0);
  TRY(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
  close(fd);
  // Another protocol, from one socket to another; and headers of one's own.
  int to = socket(AF_INET, SOCK_RAW, 253);
  fd = socket(AF_INET, SOCK_RAW, 253);
  TRY(sendto(fd, "abc", 3, 0, &a.any, length));
  take(to, 1, 0);
  int on = 1;
  TRY(setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof on));
  struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 7, .protocol = 253, .daddr = htonl(0x7f000001)};
  memcpy(packet, &ip, sizeof ip);
  memcpy(packet + sizeof ip, "own", 3);
  TRY(sendto(fd, packet, sizeof ip + 3, 0, &a.any, length));
  TRY(sendto(fd, packet, 10, 0, &a.any, length));
  take(to, 1, 0);
  TRY(getsockopt(socket(AF_INET, SOCK_RAW, IPPROTO_RAW), IPPROTO_IP, IP_HDRINCL, &on, &(socklen_t){sizeof on}));
  printf("%d\n", on);
  // IPv6.
  fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
  struct icmp6_filter filter6;
  ICMP6_FILTER_SETBLOCKALL(&filter6);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter6);
  TRY(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter6, sizeof filter6));
  on = 2;
  TRY(setsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &on, sizeof on));
  on = 3;
  TRY(setsockopt(fd, SOL_RAW, IPV6_CHECKSUM, &on, sizeof on));
  length = make(&a, "::1", 0);
  echo(packet, AF_INET6, 3);
  TRY(sendto(fd, packet, 16, 0, &a.any, length));
  take(fd, 0, 0);
  TRY(setsockopt(fd, IPPROTO_UDP, 1, &on, sizeof on));
  TRY(socket(AF_INET, SOCK_RAW, 0) < 0 ? -1 : 0);
  TRY(socket(AF_INET, SOCK_RAW, 300) < 0 ? -1 : 0);
}

int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOLBF, 0);
  if (strcmp(argv[1], "raw") == 0) {
    each(SOCK_RAW);
    raw();
  } else {
    TRY(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) < 0 ? -1 : 0);
    if (argc > 2) {
      FILE *range = fopen("/proc/sys/net/ipv4/ping_group_range", "r+");
      char text[64] = "";
      printf("%s", fgets(text, sizeof text, range));
      rewind(range);
      fputs(argv[2], range);
      TRY(fclose(range));
    }
    each(SOCK_DGRAM);
    TRY(setgid(1));
    TRY(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) < 0 ? -1 : 0);
  }
  return 0;
}
