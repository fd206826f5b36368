// What is looked at before the bytes that are to be sent, and in which order: by kind of socket.
#include "try.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

static char bytes[300000];
/* Nothing is there. */
static char *const nowhere = (char *)16;
static void broken(int n) { (void)n, puts("SIGPIPE"); }

static long to(int fd, const void *from, size_t length, int flags, const void *address, socklen_t size) {
  return sendto(fd, from, length, flags, address, size);
}

static long message(int fd, const void *from, size_t length, void *control, size_t room) {
  struct iovec v = {(void *)from, length};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
  return sendmsg(fd, &m, 0);
}

static long control(int fd, int level, int type, int length, int value) {
  struct iovec v = {"x", 1};
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(64)];
  } c;
  memset(&c, 0, sizeof c);
  c.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(length), .cmsg_level = level, .cmsg_type = type};
  memcpy(CMSG_DATA(&c.header), &value, sizeof value);
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = CMSG_SPACE(length)};
  return sendmsg(fd, &m, 0);
}

static void unix_streams(void) {
  int fresh = socket(AF_UNIX, SOCK_STREAM, 0), p[2], value = -1;
  struct sockaddr_un name = {AF_UNIX, "no such"};
  signal(SIGPIPE, broken);
  TRY(write(fresh, nowhere, 10));
  TRY(send(fresh, nowhere, 10, 0));
  TRY(send(fresh, nowhere, 0, 0));
  TRY(to(fresh, nowhere, 10, 0, &name, sizeof name));
  TRY(to(fresh, nowhere, 10, 0, &name, 0));
  TRY(to(fresh, nowhere, 10, 0, nowhere, 5));
  TRY(to(fresh, nowhere, 10, 0, &name, 1000));
  TRY(to(99, nowhere, 10, 0, &name, 1000));
  TRY(to(fresh, (char *)-20l, 10, 0, &name, -1));
  socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
  TRY(write(p[0], nowhere, 10));
  TRY(to(p[0], nowhere, 10, 0, &name, sizeof name));
  TRY(message(p[0], "x", 1, nowhere, 3));
  TRY(message(p[0], "x", 1, nowhere, 20));
  TRY(message(p[0], "x", 1, nowhere, 1ul << 31));
  TRY(control(p[0], SOL_SOCKET, SCM_RIGHTS, 4, 99));
  TRY(control(p[0], SOL_SOCKET, SCM_CREDENTIALS, 4, 0));
  TRY(control(p[0], SOL_SOCKET, 77, 4, 0));
  TRY(control(p[0], 77, 77, 4, 0));
  TRY(ioctl(p[1], FIONREAD, &value));
  TRY(value);
  TRY(ioctl(p[0], SIOCOUTQ, &value));
  TRY(value > 1);
  TRY(ioctl(p[1], SIOCOUTQ, &value));
  TRY(value);
  TRY(ioctl(p[1], SIOCATMARK, &value));
  TRY(value);
  TRY(ioctl(p[1], SIOCATMARK, nowhere));
  TRY(read(p[1], bytes, 10));
  TRY(ioctl(p[0], SIOCOUTQ, &value));
  TRY(value);
  shutdown(p[0], SHUT_WR);
  TRY(write(p[0], nowhere, 10));
  TRY(send(p[0], nowhere, 10, MSG_NOSIGNAL));
  TRY(write(p[1], "x", 1));
  // Nobody reads it any more, of which nobody is told before the bytes are there.
  shutdown(p[0], SHUT_RD);
  TRY(write(p[1], nowhere, 1));
  TRY(write(p[1], "x", 1));
  close(p[0]);
  TRY(to(p[1], nowhere, 10, 0, &name, sizeof name));
  TRY(write(p[1], nowhere, 1));
  TRY(write(p[1], nowhere, 1));
}

static void unix_datagrams(void) {
  int fd = socket(AF_UNIX, SOCK_DGRAM, 0), p[2];
  struct sockaddr_un name = {AF_UNIX, "no such"}, other = {AF_INET, "no such"}, none = {AF_UNSPEC, ""};
  TRY(send(fd, "x", 1, 0));
  TRY(send(fd, nowhere, 10, MSG_OOB));
  TRY(to(fd, nowhere, 10, 0, &name, sizeof name));
  TRY(to(fd, "x", 1, 0, &name, sizeof name));
  TRY(to(fd, nowhere, 10, 0, &other, sizeof other));
  TRY(to(fd, nowhere, 10, 0, &none, sizeof none));
  TRY(to(fd, nowhere, 10, 0, &name, 2));
  TRY(to(fd, nowhere, 10, 0, &name, 1));
  TRY(to(fd, nowhere, 10, MSG_OOB, &other, sizeof other));
  TRY(to(fd, nowhere, 300000, 0, &name, sizeof name));
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
  TRY(send(p[0], nowhere, 300000, 0));
  TRY(write(p[0], nowhere, 300000));
  TRY(send(p[0], bytes, 212992, 0));
  TRY(send(p[0], bytes, 212992 - 32, 0));
  shutdown(p[0], SHUT_WR);
  TRY(send(p[0], nowhere, 300000, 0));
  TRY(send(p[0], nowhere, 10, 0));
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
  shutdown(p[1], SHUT_RD);
  TRY(send(p[0], "x", 1, 0));
  close(p[1]);
  TRY(send(p[0], "x", 1, 0));
  TRY(send(p[0], "x", 1, 0));
  socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, p);
  TRY(to(p[0], nowhere, 10, 0, &other, sizeof other));
  TRY(to(p[0], "x", 1, 0, &other, sizeof other));
  fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  TRY(to(fd, nowhere, 300000, MSG_OOB, &other, sizeof other));
}

static void udp(int family) {
  int fd = socket(family, SOCK_DGRAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  TRY(write(fd, nowhere, 10));
  TRY(send(fd, nowhere, 70000, 0));
  TRY(send(fd, nowhere, 10, MSG_OOB));
  TRY(to(fd, nowhere, 10, 0, &a, sizeof a));
  TRY(to(fd, nowhere, 70000, 0, &a, sizeof a));
  TRY(to(fd, nowhere, 10, MSG_OOB, &a, sizeof a));
  TRY(to(fd, nowhere, 10, 0, &a, 5));
  TRY(to(fd, nowhere, 10, MSG_OOB, &a, 5));
  TRY(to(fd, nowhere, 70000, 0, &a, 2));
  TRY(to(fd, nowhere, 65508, 0, &a, sizeof a));
  a.sin_port = 0;
  TRY(to(fd, nowhere, 10, 0, &a, sizeof a));
  TRY(to(fd, nowhere, 65508, 0, &a, sizeof a));
  a.sin_family = AF_UNIX;
  TRY(to(fd, nowhere, 10, 0, &a, sizeof a));
  TRY(to(fd, nowhere, 10, 0, &a, 0));
  a.sin_family = AF_UNSPEC;
  TRY(to(fd, nowhere, 10, 0, &a, sizeof a));
  a.sin_family = AF_INET;
  a.sin_port = htons(9);
  if (family == AF_INET6) {
    TRY(to(fd, nowhere, 10, 0, &b, sizeof b));
    TRY(to(fd, nowhere, 70000, 0, &b, sizeof b));
    TRY(to(fd, nowhere, 65527, 0, &b, sizeof b));
    TRY(to(fd, nowhere, 65528, 0, &b, sizeof b));
    TRY(to(fd, nowhere, 10, 0, &b, 20));
    b.sin6_port = 0;
    TRY(to(fd, nowhere, 70000, 0, &b, sizeof b));
    int on = 1;
    fd = socket(family, SOCK_DGRAM, 0);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    TRY(to(fd, nowhere, 70000, 0, &a, sizeof a));
    return;
  }
  connect(fd, (struct sockaddr *)&a, sizeof a);
  TRY(write(fd, nowhere, 10));
  TRY(write(fd, nowhere, 70000));
  shutdown(fd, SHUT_WR);
  TRY(write(fd, nowhere, 70000));
  TRY(write(fd, nowhere, 10));
}
static void udp4(void) { udp(AF_INET); }
static void udp6(void) { udp(AF_INET6); }

static void tcp(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  signal(SIGPIPE, broken);
  TRY(write(fd, nowhere, 10));
  TRY(send(fd, nowhere, 10, MSG_OOB));
  TRY(send(fd, nowhere, 10, MSG_NOSIGNAL));
  TRY(to(fd, nowhere, 10, MSG_NOSIGNAL, nowhere, 5));
  TRY(to(fd, nowhere, 10, MSG_NOSIGNAL, "x", 1));
  // The pages are those of what is received (TCP_ZEROCOPY_RECEIVE), and of nobody else.
  TRY0((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == -1 ? -1 : 0);
  TRY0((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == -1 ? -1 : 0);
  TRY0((long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0) == -1 ? -1 : 0);
  TRY0((long)mmap(NULL, 4096, PROT_READ | PROT_GROWSDOWN, MAP_SHARED | MAP_GROWSDOWN, fd, 0) == -1 ? -1 : 0);
  char *pages = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  TRY(pages == MAP_FAILED);
  TRY(mprotect(pages, 4096, PROT_READ | PROT_WRITE));
  TRY(write(1, pages, 1));
  // Listening makes no difference.
  TRY(listen(fd, 1));
  TRY(send(fd, nowhere, 10, MSG_NOSIGNAL));
  struct sockaddr_in a;
  socklen_t size = sizeof a;
  getsockname(fd, (struct sockaddr *)&a, &size);
  int client = socket(AF_INET, SOCK_STREAM, 0), value;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  TRY(connect(client, (struct sockaddr *)&a, sizeof a));
  TRY(write(client, nowhere, 10));
  TRY(control(client, SOL_SOCKET, SCM_RIGHTS, 4, 99));
  TRY(control(client, SOL_SOCKET, 77, 4, 0));
  TRY(ioctl(client, SIOCATMARK, &value));
  TRY(value);
  shutdown(client, SHUT_WR);
  TRY(write(client, nowhere, 10));
}

static void netlink(void) {
  if (getuid() == 0) setresuid(1000, 1000, 1000);
  int fd = socket(AF_NETLINK, SOCK_RAW, 0);
  struct sockaddr_nl a = {.nl_family = AF_NETLINK}, b = {.nl_family = AF_INET};
  struct nlmsghdr done = {.nlmsg_len = sizeof done, .nlmsg_type = NLMSG_DONE};
  TRY(write(fd, nowhere, 300000));
  TRY(write(fd, nowhere, 10));
  TRY(write(fd, nowhere, 0));
  TRY(send(fd, nowhere, 0, 0));
  TRY(send(fd, nowhere, 0, MSG_OOB));
  TRY(to(fd, nowhere, 300000, 0, &b, sizeof b));
  TRY(to(fd, nowhere, 300000, 0, &a, 4));
  a.nl_pid = 77777;
  TRY(to(fd, nowhere, 300000, 0, &a, sizeof a));
  TRY(connect(fd, (struct sockaddr *)&a, sizeof a));
  a.nl_pid = 0, a.nl_groups = 1;
  TRY(to(fd, nowhere, 300000, 0, &a, sizeof a));
  a.nl_groups = 0;
  TRY(to(fd, &done, sizeof done, 0, &a, sizeof a) == sizeof done);
  TRY(connect(fd, (struct sockaddr *)&a, sizeof a));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  TRY(connect(fd, &none, sizeof none));
  TRY(control(fd, SOL_SOCKET, SCM_RIGHTS, 4, 0));
}

// Levels that a socket knows nothing of, and options that it does not have.
static void levels(void) {
  static const int levels_[] = {0, 6, 17, 41, 77, -1};
  int sockets[] = {socket(AF_INET, SOCK_STREAM, 0), socket(AF_INET, SOCK_DGRAM, 0), socket(AF_INET6, SOCK_STREAM, 0),
                   socket(AF_INET6, SOCK_DGRAM, 0), socket(AF_UNIX, SOCK_STREAM, 0), socket(AF_NETLINK, SOCK_RAW, 0)};
  for (int i = 0; i < 6; i++) {
    for (int j = 0; j < 6; j++) {
      socklen_t size = -1;
      char value[16];
      printf("%d %d ", i, levels_[j]);
      if (j > 3) TRY(setsockopt(sockets[i], levels_[j], 9999, nowhere, 4));
      TRY(setsockopt(sockets[i], levels_[j], 9999, nowhere, -1));
      TRY(getsockopt(sockets[i], levels_[j], 9999, value, &size));
      size = 8;
      if (j == 0) TRY(getsockopt(sockets[i], 0, 9 /* IP_PKTOPTIONS */, value, &size));
      if (j == 0) TRY(size);
      if (j > 3) TRY(getsockopt(sockets[i], levels_[j], 9999, nowhere, (socklen_t *)32));
    }
  }
}

/* Urgent data and errors, of which there are none. */
static void flags_of_receiving(void) {
  static const int kinds[][2] = {{AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_STREAM}, {AF_INET, SOCK_DGRAM}, {AF_INET6, SOCK_DGRAM},
                                 {AF_UNIX, SOCK_STREAM}, {AF_UNIX, SOCK_DGRAM},   {AF_NETLINK, SOCK_RAW}};
  static const int flags[] = {0, MSG_OOB, MSG_ERRQUEUE, MSG_OOB | MSG_ERRQUEUE, MSG_PEEK | MSG_OOB, MSG_WAITALL | MSG_OOB | MSG_TRUNC};
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    for (int listens = 0; listens <= (kinds[k][1] == SOCK_STREAM); listens++) {
      int fd = socket(kinds[k][0], kinds[k][1], 0);
      if (listens) listen(fd, 1);
      for (unsigned f = 0; f < sizeof flags / sizeof *flags; f++) {
        char byte;
        printf("%d %d %x ", kinds[k][0], listens, flags[f]);
        TRY(recv(fd, &byte, 1, flags[f] | MSG_DONTWAIT));
      }
      close(fd);
    }
  }
}

/* The length of the second message has no place. */
static void several(void) {
  int s[2];
  socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s);
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(pages + 4096, 4096);
  struct mmsghdr *m = (struct mmsghdr *)(pages + 4096 - sizeof *m - sizeof m->msg_hdr);
  TRY(sendmmsg(s[0], m, 2, 0));
  TRY(recvmmsg(s[1], m, 2, 0, NULL));
  TRY(sendmmsg(s[0], m + 1, 1, 0));
  // Kinds of sockets that there are no numbers for.
  for (int type = 0; type < 16; type++) TRY0(socketpair(AF_UNIX, type, 0, s));
  for (int type = 0; type < 16; type++) TRY0(socket(AF_UNIX, type, 0));
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  run(unix_streams);
  run(unix_datagrams);
  run(udp4);
  run(udp6);
  run(tcp);
  run(netlink);
  run(levels);
  run(flags_of_receiving);
  run(several);
  return 0;
}
