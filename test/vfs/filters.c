// Socket filters (filters checks|made-up|packets), and what goes by UDP and TCP as raw sockets have it (filters datagrams|streams), in a network that has
// its loopback interface only.
#include "programs/try.h"
#include "programs/packets.h"
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <unistd.h>

static int attach(int fd, const struct sock_filter *program, int length) {
  struct sock_fprog p = {length, (struct sock_filter *)program};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}
#define ATTACH(fd, ...)                                                        \
  do {                                                                         \
    struct sock_filter program_[] = {__VA_ARGS__};                             \
    printf("%s: ", #__VA_ARGS__);                                              \
    TRY(attach(fd, program_, sizeof program_ / sizeof *program_));             \
  } while (0)
#define ALL BPF_STMT(BPF_RET | BPF_K, 0xffff)

static void checks(void) {
  int pair[2], on = 1, off = 0;
  socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
  int fd = pair[0];
  struct sock_filter all = ALL, got[4] = {0};
  struct sock_fprog p = {1, &all};
  TRY(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on));
  TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p - 1));
  TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p + 1));
  TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, 0, sizeof p));
  p.filter = 0;
  TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p));
  p.filter = (void *)8;
  TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p));
  for (int length = 0; length < 3; length++) {
    p.filter = &all, p.len = length == 2 ? 4097 : length;
    TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p));
  }
  socklen_t size = 0;
  TRY(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &size));
  printf("%d\n", size);
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_IMM, 7), BPF_STMT(BPF_RET | BPF_A, 0));
  for (size = 0; size < 5; size++) {
    socklen_t s = size;
    TRY(getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, got, &s));
    printf("%d: %d %d\n", s, got[0].k, got[1].code);
  }
  TRY(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on));
  TRY(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on));
  TRY(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &on, 1));
  // Programs.
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_IMM, 1));
  ATTACH(fd, BPF_STMT(BPF_RET | BPF_X, 1));
  ATTACH(fd, BPF_STMT(BPF_JMP | BPF_JA, 0), ALL);
  ATTACH(fd, BPF_STMT(BPF_JMP | BPF_JA, 1), ALL);
  ATTACH(fd, BPF_STMT(BPF_JMP | BPF_JA, 0xffffffff), ALL);
  ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 1), ALL, ALL);
  ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 2, 0), ALL, ALL);
  ATTACH(fd, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALL);
  ATTACH(fd, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0), ALL);
  ATTACH(fd, BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), ALL);
  ATTACH(fd, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 31), ALL);
  ATTACH(fd, BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32), ALL);
  ATTACH(fd, BPF_STMT(BPF_ALU | BPF_NEG, 0), ALL);
  ATTACH(fd, BPF_STMT(BPF_ST, 15), BPF_STMT(BPF_LDX | BPF_MEM, 15), ALL);
  ATTACH(fd, BPF_STMT(BPF_ST, 16), ALL);
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_MEM, 3), ALL);
  ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 1), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), ALL);
  ATTACH(fd, BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 2), BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LD | BPF_MEM, 3), ALL);
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_MARK), ALL);
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 2), ALL);
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_MAX), ALL);
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_W | BPF_IND, SKF_AD_OFF + 2), ALL);
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_LL_OFF), ALL);
  ATTACH(fd, BPF_STMT(0x100, 0), ALL);
  TRY(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off));
  TRY(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on));
  TRY(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on));
  TRY(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off));
  ATTACH(fd, ALL);
  TRY(setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &on, sizeof on));
  TRY(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &on, sizeof on));
  size = sizeof on;
  TRY(getsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, &size));
  printf("%d\n", on);
}

static unsigned long long seed = 88172645463325252ull;
static unsigned next(void) {
  seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
  return seed >> 32;
}

// Programs made up, most of them such as are taken, over messages of 40 bytes.
static void made_up(int count) {
  static const unsigned short codes[] = {
      BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS, BPF_LD | BPF_W | BPF_IND, BPF_LD | BPF_H | BPF_IND,
      BPF_LD | BPF_B | BPF_IND, BPF_LD | BPF_IMM, BPF_LD | BPF_MEM, BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_IMM, BPF_LDX | BPF_MEM,
      BPF_LDX | BPF_W | BPF_LEN, BPF_LDX | BPF_B | BPF_MSH, BPF_ST, BPF_STX, BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_ADD | BPF_X,
      BPF_ALU | BPF_SUB | BPF_K, BPF_ALU | BPF_SUB | BPF_X, BPF_ALU | BPF_MUL | BPF_K, BPF_ALU | BPF_MUL | BPF_X, BPF_ALU | BPF_DIV | BPF_K,
      BPF_ALU | BPF_DIV | BPF_X, BPF_ALU | BPF_MOD | BPF_K, BPF_ALU | BPF_MOD | BPF_X, BPF_ALU | BPF_AND | BPF_K, BPF_ALU | BPF_AND | BPF_X,
      BPF_ALU | BPF_OR | BPF_K, BPF_ALU | BPF_OR | BPF_X, BPF_ALU | BPF_XOR | BPF_K, BPF_ALU | BPF_XOR | BPF_X, BPF_ALU | BPF_LSH | BPF_K,
      BPF_ALU | BPF_LSH | BPF_X, BPF_ALU | BPF_RSH | BPF_K, BPF_ALU | BPF_RSH | BPF_X, BPF_ALU | BPF_NEG, BPF_JMP | BPF_JA, BPF_JMP | BPF_JEQ | BPF_K,
      BPF_JMP | BPF_JEQ | BPF_X, BPF_JMP | BPF_JGT | BPF_K, BPF_JMP | BPF_JGT | BPF_X, BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JGE | BPF_X,
      BPF_JMP | BPF_JSET | BPF_K, BPF_JMP | BPF_JSET | BPF_X, BPF_MISC | BPF_TAX, BPF_MISC | BPF_TXA, BPF_RET | BPF_A};
  static const int known[] = {SKF_AD_PROTOCOL, SKF_AD_PKTTYPE, SKF_AD_IFINDEX, SKF_AD_NLATTR, SKF_AD_NLATTR_NEST, SKF_AD_MARK, SKF_AD_QUEUE,
                              SKF_AD_HATYPE, SKF_AD_ALU_XOR_X, SKF_AD_VLAN_TAG, SKF_AD_VLAN_TAG_PRESENT};
  enum { CODES = sizeof codes / sizeof *codes, LENGTH = 40 };
  unsigned char message[LENGTH], got[LENGTH];
  int accepted = 0;
  for (int n = 0; n < count; n++) {
    int pair[2];
    socketpair(AF_UNIX, n % 2 ? SOCK_DGRAM : SOCK_SEQPACKET, 0, pair);
    struct sock_filter program[24];
    int length = 2 + next() % 22;
    for (int i = 0; i < length; i++) {
      struct sock_filter *f = &program[i];
      f->code = next() % 200 ? codes[next() % CODES] : next();
      f->jt = next() % 4, f->jf = next() % 4;
      f->k = next() % 3 ? next() % 40 : next() % 3 ? next() % 16 : next();
      int class = BPF_CLASS(f->code);
      if ((class == BPF_ST || class == BPF_STX) || ((class == BPF_LD || class == BPF_LDX) && BPF_MODE(f->code) == BPF_MEM)) f->k %= 4;
      if (f->code == (BPF_JMP | BPF_JA)) f->k %= 4;
      if (BPF_CLASS(f->code) == BPF_ALU && next() % 20) f->k = f->k % 31 + 1;
      if (class == BPF_LD && BPF_MODE(f->code) == BPF_ABS && next() % 4 == 0) f->k = SKF_AD_OFF + known[next() % (sizeof known / sizeof *known)];
    }
    // What is read of memory has mostly been written.
    if (next() % 8)
      for (int i = 0; i < 4 && i < length - 1; i++) program[i] = (struct sock_filter)BPF_STMT(i % 2 ? BPF_ST : BPF_STX, i);
    if (next() % 50) program[length - 1] = (struct sock_filter)BPF_STMT(BPF_RET | (next() % 4 ? BPF_A : BPF_K), next() % 40);
    for (int i = 0; i < LENGTH; i++) message[i] = next() % 2 ? next() % 12 : next();
    int result = attach(pair[1], program, length);
    printf("%d: %s", n, result ? strerrorname_np(errno) : "taken");
    if (result == 0) {
      accepted++;
      int sent = send(pair[0], message, LENGTH, MSG_DONTWAIT);
      int received = recv(pair[1], got, LENGTH, MSG_DONTWAIT);
      printf(" sent %d received %d %d", sent, received, received > 0 && memcmp(got, message, received) == 0);
    }
    printf("\n");
    close(pair[0]), close(pair[1]);
  }
  printf("accepted %d\n", accepted);
}

// Tells what a filter loads: by the length that is left.
static void loaded(int to, int from, const char *what, struct sock_filter load, const void *bytes, int length, int add) {
  struct sock_filter program[] = {BPF_STMT(BPF_LDX | BPF_IMM, 9), load, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 97), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, add),
                                  BPF_STMT(BPF_RET | BPF_A, 0)};
  unsigned char got[256];
  int attached = attach(to, program, 5);
  int sent = send(from, bytes, length, 0);
  struct pollfd p = {to, POLLIN, 0};
  poll(&p, 1, 50);
  printf("%s: %d %d %d\n", what, attached, sent, (int)recv(to, got, sizeof got, MSG_DONTWAIT));
  while (recv(to, got, sizeof got, MSG_DONTWAIT) >= 0);
}
#define LOADED(code, k) loaded(to, from, #code " " #k, (struct sock_filter)BPF_STMT(code, k), bytes, length, add)
static void loads(int to, int from, const void *bytes, int length, int add) {
  LOADED(BPF_LD | BPF_W | BPF_LEN, 0);
  LOADED(BPF_LD | BPF_IMM, 12);
  LOADED(BPF_LD | BPF_H | BPF_ABS, 2);
  LOADED(BPF_LD | BPF_H | BPF_ABS, 6);
  LOADED(BPF_LD | BPF_B | BPF_ABS, 8);
  LOADED(BPF_LD | BPF_W | BPF_IND, 3);
  LOADED(BPF_LD | BPF_B | BPF_ABS, 400);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_HATYPE);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_MARK);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_QUEUE);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PAY_OFFSET);
  LOADED(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 0);
  LOADED(BPF_LD | BPF_B | BPF_ABS, SKF_NET_OFF + 9);
  LOADED(BPF_LD | BPF_W | BPF_ABS, SKF_NET_OFF + 16);
  LOADED(BPF_LD | BPF_H | BPF_ABS, SKF_LL_OFF + 12);
  LOADED(BPF_LD | BPF_H | BPF_ABS, SKF_LL_OFF + 11);
  LOADED(BPF_LDX | BPF_B | BPF_MSH, SKF_NET_OFF);
}

static void packets(void) {
  static const char *const hosts[] = {"127.0.0.1", "::1"};
  unsigned char bytes[120];
  for (int i = 0; i < 120; i++) bytes[i] = i * 7;
  for (int i = 0; i < 2; i++) {
    union address a;
    socklen_t size = make(&a, hosts[i], 4000);
    int family = a.any.sa_family;
    int to = socket(family, SOCK_DGRAM, 0), from = socket(family, SOCK_DGRAM, 0);
    TRY(bind(to, &a.any, size));
    size = make(&a, hosts[i], 4001);
    TRY(bind(from, &a.any, size));
    size = make(&a, hosts[i], 4000);
    TRY(connect(from, &a.any, size));
    printf("--- UDP %s\n", hosts[i]);
    loads(to, from, bytes, sizeof bytes, 8);
    close(to), close(from);
    printf("--- raw %s\n", hosts[i]);
    to = socket(family, SOCK_RAW, 253), from = socket(family, SOCK_RAW, 253);
    make(&a, hosts[i], 0);
    TRY(connect(from, &a.any, size));
    loads(to, from, bytes, sizeof bytes, 1);
    TRY(setsockopt(to, SOL_SOCKET, SO_DETACH_FILTER, &i, sizeof i));
    TRY(send(from, bytes, 3, 0));
    take(to, family == AF_INET, 0);
    close(to), close(from);
  }
  // What the kernel answers.
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  struct {
    struct nlmsghdr header;
    struct ifinfomsg about;
  } ask = {{sizeof ask, RTM_GETLINK, NLM_F_REQUEST, 7, 0}, {.ifi_index = 1}};
  struct nlmsghdr answer[512];
  ATTACH(fd, BPF_STMT(BPF_RET | BPF_K, 16));
  TRY(send(fd, &ask, sizeof ask, 0));
  TRY(recv(fd, answer, sizeof answer, MSG_DONTWAIT));
  // nlmsg_type, which the processor has the other way round.
  ATTACH(fd, BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RTM_NEWLINK << 8, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0), ALL);
  TRY(send(fd, &ask, sizeof ask, 0));
  TRY(recv(fd, answer, sizeof answer, MSG_DONTWAIT));
  ask.header.nlmsg_type = 9999;
  TRY(send(fd, &ask, sizeof ask, 0));
  TRY(recv(fd, answer, sizeof answer, MSG_DONTWAIT));
  // Streams of Unix have none.
  int pair[2];
  char byte;
  socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
  ATTACH(pair[1], BPF_STMT(BPF_RET | BPF_K, 0));
  TRY(send(pair[0], "x", 1, 0));
  TRY(recv(pair[1], &byte, 1, MSG_DONTWAIT));
}

static void datagrams(void) {
  static const char *const hosts[] = {"127.0.0.1", "127.4.5.6", "::1"};
  for (int i = 0; i < 3; i++) {
    union address a, none;
    socklen_t size = make(&a, hosts[i], 5000);
    make(&none, hosts[i], 5999);
    int family = a.any.sa_family, has_header = family == AF_INET;
    printf("--- %s\n", hosts[i]);
    int raw = socket(family, SOCK_RAW, IPPROTO_UDP), errors = socket(family, SOCK_RAW, has_header ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    int to = socket(family, SOCK_DGRAM, 0), from = socket(family, SOCK_DGRAM, 0);
    union address any;
    make(&any, has_header ? "0.0.0.0" : "::", 5001);
    TRY(bind(to, &a.any, size));
    TRY(bind(from, &any.any, size));
    TRY(sendto(from, "hello, world", 12, 0, &a.any, size));
    take(raw, has_header, 0);
    take(to, 0, 0);
    int ttl = 9, tos = 0x20;
    TRY(has_header ? setsockopt(from, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl) : 0);
    TRY(has_header ? setsockopt(from, IPPROTO_IP, IP_TOS, &tos, sizeof tos) : 0);
    TRY(sendto(from, "", 0, 0, &a.any, size));
    take(raw, has_header, 0);
    take(to, 0, 0);
    // Nobody is there.
    TRY(sendto(from, "nobody", 6, 0, &none.any, size));
    take(raw, has_header, 0);
    take(errors, has_header, 0);
    TRY(connect(from, &none.any, size));
    TRY(send(from, "nobody", 6, 0));
    TRY(send(from, "nobody", 6, 0));
    take(raw, has_header, 0);
    take(errors, has_header, 0);
    // Datagrams that somebody has made.
    struct {
      struct udphdr header;
      char text[8];
    } made = {{.source = htons(77), .dest = htons(5000), .len = htons(12)}, "made"};
    make(&any, hosts[i], 0);
    for (int how = 0; how < 4; how++) {
      made.header.check = how == 1 ? 0x1234 : 0;
      made.header.dest = htons(how == 2 ? 5998 : 5000);
      made.header.len = htons(how == 3 ? 7 : 12);
      if (how > 1 && !has_header) continue;
      printf("made, %d\n", how);
      TRY(sendto(raw, &made, 12, 0, &any.any, size));
      take(raw, has_header, 0);
      take(to, 0, 0);
      take(errors, has_header, 0);
    }
    close(raw), close(errors), close(to), close(from);
  }
}

struct tcp {
  unsigned short source, dest;
  unsigned seq, ack;
  unsigned char offset, flags;
  unsigned short window, check, urgent;
};
// First numbers of what each port sends.
static unsigned first[65536];

// Shows segments, but for those that only acknowledge, which come now or later.
static void segments(int raw, int family) {
  for (;;) {
    static unsigned char bytes[70000];
    struct pollfd p = {raw, POLLIN, 0};
    if (poll(&p, 1, 150) <= 0) break;
    int count = recv(raw, bytes, sizeof bytes, 0);
    struct tcp *t = (void *)(bytes + (family == AF_INET ? 20 : 0));
    int length = count - ((char *)t - (char *)bytes), header = (t->offset >> 4) * 4;
    if (t->flags == 0x10 && length == header) continue;
    int source = ntohs(t->source), dest = ntohs(t->dest);
    unsigned seq = ntohl(t->seq), ack = ntohl(t->ack);
    if (t->flags & 2) first[source] = seq;
    // Ports are the kernel's choice, but for those that were chosen.
    printf("  %d -> %d ", source > 30000 ? 1 : source, dest > 30000 ? 1 : dest);
    for (int i = 0; i < 6; i++)
      if (t->flags >> i & 1) printf("%c", "FSRPAU"[i]);
    printf(" seq %u ack %u of %d:", seq ? seq - first[source] : 0, t->flags & 16 ? ack - first[dest] : ack, header);
    for (unsigned char *o = (void *)(t + 1); o < (unsigned char *)t + header; o += *o == 1 ? 1 : o[1]) {
      printf(" %d", *o);
      if (*o == 2) printf("=%d", o[2] << 8 | o[3]);
      if (*o == 0 || (*o != 1 && o[1] < 2)) break;
    }
    if (family == AF_INET) {
      unsigned char pseudo[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 6, length >> 8, length};
      memcpy(pseudo, bytes + 12, 8);
      unsigned short left = ~checksum(pseudo, 12), check = ntohs(t->check);
      if (check == left) printf(" sum left");
      else {
        t->check = 0;
        unsigned sum = (unsigned short)~checksum(t, length) + left;
        sum = (sum & 0xffff) + (sum >> 16);
        printf(" sum %s", check == (unsigned short)~sum ? "whole" : "wrong");
      }
    }
    printf(" %d \"%.*s\"\n", length - header, length - header > 20 ? 20 : length - header, (char *)t + header);
  }
  printf("  no more\n");
}

static void send_made(int raw, union address *to, socklen_t size, int port, int flags, unsigned ack, int how) {
  struct tcp t = {htons(700), htons(port), htonl(1000), htonl(ack), 5 << 4, flags, htons(100), 0, 0};
  unsigned char pseudo[12 + sizeof t] = {127, 0, 0, 1, 127, 0, 0, 1, 0, 6, 0, sizeof t};
  memcpy(pseudo + 12, &t, sizeof t);
  t.check = htons(checksum(pseudo, sizeof pseudo)) ^ how;
  TRY(sendto(raw, &t, sizeof t, 0, &to->any, size));
}

static void streams(void) {
  static const char *const hosts[] = {"127.0.0.1", "::1"};
  for (int i = 0; i < 2; i++) {
    union address a;
    socklen_t size = make(&a, hosts[i], 6000);
    int family = a.any.sa_family, on = 1;
    printf("--- %s\n", hosts[i]);
    int raw = socket(family, SOCK_RAW, IPPROTO_TCP), listener = socket(family, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    TRY(bind(listener, &a.any, size));
    TRY(listen(listener, 5));
    char got[100];
    // A conversation; who ends first, and how.
    for (int how = 0; how < 4; how++) {
      printf("%d\n", how);
      int client = socket(family, SOCK_STREAM, 0);
      TRY(connect(client, &a.any, size));
      int server = accept(listener, 0, 0);
      segments(raw, family);
      TRY(send(client, "question", 8, 0));
      TRY(recv(server, got, sizeof got, 0));
      segments(raw, family);
      TRY(send(server, "the answer", 10, 0));
      if (how != 2) TRY(recv(client, got, sizeof got, 0));
      segments(raw, family);
      if (how == 1) {
        TRY(shutdown(client, SHUT_WR));
        segments(raw, family);
        TRY(send(server, "more", 4, 0));
        TRY(recv(client, got, sizeof got, 0));
      }
      if (how == 3) {
        struct linger now = {1, 0};
        TRY(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now));
      }
      TRY(close(client));
      segments(raw, family);
      if (how == 0) {
        // To who is no more.
        TRY(send(server, "late", 4, MSG_NOSIGNAL));
        segments(raw, family);
      }
      TRY(close(server));
      segments(raw, family);
    }
    printf("nobody listens\n");
    int client = socket(family, SOCK_STREAM, 0);
    make(&a, hosts[i], 6001);
    TRY(connect(client, &a.any, size));
    segments(raw, family);
    close(client);
    if (family == AF_INET) {
      make(&a, hosts[i], 0);
      static const int flags[] = {2, 16, 1, 4, 18, 3, 0};
      for (unsigned n = 0; n < sizeof flags / sizeof *flags; n++)
        for (int port = 6000; port < 6002; port++) {
          printf("made: %d to %d\n", flags[n], port);
          first[700] = 0, first[port] = 0;
          send_made(raw, &a, size, port, flags[n], flags[n] & 16 ? 5000 : 0, 0);
          segments(raw, family);
        }
      printf("made wrong\n");
      send_made(raw, &a, size, 6001, 2, 0, 0x101);
      segments(raw, family);
    }
    close(raw), close(listener);
  }
}

int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOLBF, 0);
  if (argc < 2) return 2;
  if (!strcmp(argv[1], "checks")) checks();
  else if (!strcmp(argv[1], "made-up")) made_up(argc > 2 ? atoi(argv[2]) : 1000);
  else if (!strcmp(argv[1], "packets")) packets();
  else if (!strcmp(argv[1], "streams")) streams();
  else datagrams();
  return 0;
}
