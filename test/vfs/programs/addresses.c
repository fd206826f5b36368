/*
 * Every kind of socket is given, by every call that takes an address, addresses of every family: too short, too long, unaligned,
 * not there, at the very end of mapped memory.
 */
#include "try.h"
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct kind {
  const char *name;
  int family, type;
} kinds[] = {
    {"tcp", AF_INET, SOCK_STREAM},        {"tcp6", AF_INET6, SOCK_STREAM},   {"udp", AF_INET, SOCK_DGRAM},
    {"udp6", AF_INET6, SOCK_DGRAM},       {"stream", AF_UNIX, SOCK_STREAM},  {"dgram", AF_UNIX, SOCK_DGRAM},
    {"packets", AF_UNIX, SOCK_SEQPACKET}, {"netlink", AF_NETLINK, SOCK_RAW},
};
static const char *const uses[] = {"bind", "connect", "sendto", "sendmsg"};
static const int lengths[] = {0, 1, 2, 3, 7, 8, 11, 12, 15, 16, 17, 23, 24, 27, 28, 29, 109, 110, 111, 127, 128, 129, -1, 0x7fffffff};

static char *end; /* of what is mapped */
static int pid;

static int use(int which, int fd, const void *address, int length) {
  struct iovec one = {"x", 1};
  struct msghdr message = {.msg_name = (void *)address, .msg_namelen = length, .msg_iov = &one, .msg_iovlen = 1};
  errno = 0;
  switch (which) {
    case 0: return bind(fd, address, length);
    case 1: return connect(fd, address, length);
    case 2: return sendto(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT, address, length);
    default: return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

/* One call on a socket of its own; what came of it. */
static const char *once(const struct kind *kind, int which, const void *address, int length) {
  int fd = socket(kind->family, kind->type, 0);
  int result = use(which, fd, address, length);
  const char *error = result < 0 ? strerrorname_np(errno) : "ok";
  close(fd);
  return error;
}

/* Errors of one address at all lengths, equal ones together. */
static void lengthsOf(const struct kind *kind, int which, const char *what, const char *bytes) {
  printf("%s %s %s:", kind->name, uses[which], what);
  const char *last = NULL;
  for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    int length = lengths[i];
    int there = length < 0 || length > 129 ? 129 : length;
    char *at = memcpy(end - there, bytes, there);
    const char *error = once(kind, which, at, length);
    if (last == NULL || strcmp(error, last)) printf(" %d %s", length, error);
    last = error;
  }
  printf("\n");
  fflush(stdout);
}

static void odd(const struct kind *kind, int which, const char *bytes, int length) {
  printf("%s %s unaligned %s", kind->name, uses[which], once(kind, which, memcpy(end - length - 1, bytes, length), length));
  printf(", beyond the end %s", once(kind, which, memcpy(end - length + 1, bytes, length - 1), length));
  printf(", null %s", once(kind, which, NULL, length));
  printf(", nowhere %s", once(kind, which, (void *)8, length));
  printf(", the kernel's %s", once(kind, which, (void *)-16, length));
  printf(", no length %s\n", once(kind, which, (void *)8, 0));
}

int main(void) {
  alarm(120);
  pid = getpid();
  char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  end = pages + 2 * 4096;
  mprotect(end, 4096, PROT_NONE);

  static char none[130], unknown[130] = {99}, four[130], four_any[130], six[130], six_any[130], mapped[130], mapped_any[130], named[130],
      abstract[130], link[130];
  *(struct sockaddr_in *)four = (struct sockaddr_in){AF_INET, htons(9), {htonl(INADDR_LOOPBACK)}, {0}};
  *(struct sockaddr_in *)four_any = (struct sockaddr_in){AF_INET, 0, {0}, {0}};
  *(struct sockaddr_in6 *)six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(9), .sin6_addr = in6addr_loopback};
  *(struct sockaddr_in6 *)six_any = (struct sockaddr_in6){.sin6_family = AF_INET6};
  *(struct sockaddr_in6 *)mapped = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(9)};
  inet_pton(AF_INET6, "::ffff:127.0.0.1", &((struct sockaddr_in6 *)mapped)->sin6_addr);
  *(struct sockaddr_in6 *)mapped_any = (struct sockaddr_in6){.sin6_family = AF_INET6};
  inet_pton(AF_INET6, "::ffff:0.0.0.0", &((struct sockaddr_in6 *)mapped_any)->sin6_addr);
  *(struct sockaddr_un *)named = (struct sockaddr_un){AF_UNIX, "no/such/directory"};
  *(struct sockaddr_un *)abstract = (struct sockaddr_un){AF_UNIX, "\0nobody"};
  *(struct sockaddr_nl *)link = (struct sockaddr_nl){.nl_family = AF_NETLINK};
  const struct {
    const char *name, *bytes;
    int length;
  } addresses[] = {
      {"unspec", none, 16},        {"family-99", unknown, 16}, {"127.0.0.1", four, 16}, {"0.0.0.0", four_any, 16}, {"::1", six, 28}, {"::", six_any, 28},
      {"::ffff:127.0.0.1", mapped, 28}, {"::ffff:0.0.0.0", mapped_any, 28}, {"path", named, 110},    {"abstract", abstract, 9}, {"link", link, 12},
  };
  for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    for (int which = 0; which < 4; which++) {
      for (unsigned a = 0; a < sizeof addresses / sizeof *addresses; a++) lengthsOf(&kinds[k], which, addresses[a].name, addresses[a].bytes);
      odd(&kinds[k], which, four, 16);
      odd(&kinds[k], which, named, 110);
    }
  }

  /* What getaddrinfo does: one socket for addresses of both families. */
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  struct sockaddr_in6 name;
  socklen_t length = sizeof name;
  char text[99];
  TRY(connect(fd, (void *)six, sizeof(struct sockaddr_in6)));
  TRY(connect(fd, (void *)none, sizeof(struct sockaddr)));
  TRY(connect(fd, (void *)four, sizeof(struct sockaddr_in)));
  TRY(getpeername(fd, (void *)&name, &length));
  puts(inet_ntop(name.sin6_family, &name.sin6_addr, text, sizeof text));
  TRY(getsockname(fd, (void *)&name, &length));
  puts(inet_ntop(name.sin6_family, &name.sin6_addr, text, sizeof text));
  int other = socket(AF_INET, SOCK_DGRAM, 0);
  struct sockaddr_in at = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  TRY(bind(other, (void *)&at, length = sizeof at));
  TRY(getsockname(other, (void *)&at, &length));
  TRY(connect(fd, (void *)&at, sizeof at));
  TRY(send(fd, "hello", 5, 0));
  TRY(recv(other, text, sizeof text, 0));
  TRY(sendto(fd, "again", 5, 0, (void *)&at, sizeof at));
  TRY(recv(other, text, sizeof text, 0));
  close(fd);

  /* A stream that is dissolved is as new. */
  int server = socket(AF_INET, SOCK_STREAM, 0);
  at = (struct sockaddr_in){AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
  TRY(bind(server, (void *)&at, sizeof at));
  TRY(listen(server, 5));
  length = sizeof at;
  TRY(getsockname(server, (void *)&at, &length));
  fd = socket(AF_INET, SOCK_STREAM, 0);
  TRY(connect(fd, (void *)&at, sizeof at));
  TRY(connect(fd, (void *)six, sizeof(struct sockaddr_in6)));
  TRY(connect(server, (void *)six, sizeof(struct sockaddr_in6)));
  TRY(connect(fd, (void *)none, sizeof(struct sockaddr)));
  TRY(getpeername(fd, (void *)&name, &length));
  TRY(send(fd, "x", 1, MSG_NOSIGNAL));
  TRY(connect(fd, (void *)&at, sizeof at));
  TRY(send(fd, "x", 1, MSG_NOSIGNAL));
  TRY(sendto(fd, "x", 1, MSG_NOSIGNAL, (void *)six, 3));
}
