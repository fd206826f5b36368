// What a program finds of the network, and what sockets give, in a network namespace that has nothing but its loopback interface.
#include "programs/try.h"
#include "programs/address.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *hosts[] = {"0.0.0.0", "127.0.0.1", "127.1.2.3", "10.1.2.3", "224.0.0.5", "::", "::1", "fe80::1", "2001:db8::1", "::ffff:127.0.0.1"};

static void addresses(int type, const char *name) {
  for (unsigned i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    union address a;
    socklen_t length = make(&a, hosts[i], 0);
    int fd = socket(a.any.sa_family, type, 0);
    printf("%s %s ", name, hosts[i]);
    TRY(bind(fd, &a.any, length));
    close(fd);
    length = make(&a, hosts[i], 9);
    fd = socket(a.any.sa_family, type, 0);
    TRY(connect(fd, &a.any, length));
    TRY(write(fd, "x", 1) < 0 ? -1 : 0);
    close(fd);
    fd = socket(a.any.sa_family, type, 0);
    if (type == SOCK_DGRAM) TRY(sendto(fd, "x", 1, 0, &a.any, length));
    close(fd);
  }
}

static void show(const char *path) {
  char text[4096];
  int fd = open(path, O_RDONLY);
  if (fd < 0) {
    printf("%s: %s\n", path, strerrorname_np(errno));
    return;
  }
  int n = read(fd, text, sizeof text - 1);
  text[n < 0 ? 0 : n] = 0;
  printf("%s: %s\n", path, text);
  close(fd);
}

static void interface(void) {
  for (struct if_nameindex *i = if_nameindex(); i->if_index; i++) printf("%u %s\n", i->if_index, i->if_name);
  struct ifaddrs *all;
  getifaddrs(&all);
  for (; all; all = all->ifa_next) {
    char text[64] = "";
    if (all->ifa_addr && all->ifa_addr->sa_family == AF_INET)
      inet_ntop(AF_INET, &((struct sockaddr_in *)all->ifa_addr)->sin_addr, text, sizeof text);
    if (all->ifa_addr && all->ifa_addr->sa_family == AF_INET6)
      inet_ntop(AF_INET6, &((struct sockaddr_in6 *)all->ifa_addr)->sin6_addr, text, sizeof text);
    printf("%s %x %d %s\n", all->ifa_name, all->ifa_flags, all->ifa_addr ? all->ifa_addr->sa_family : -1, text);
  }
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq r = {.ifr_name = "lo"};
  TRY(ioctl(fd, SIOCGIFFLAGS, &r));
  printf("flags %x\n", r.ifr_flags);
  TRY(ioctl(fd, SIOCGIFADDR, &r));
  TRY(ioctl(fd, SIOCGIFNETMASK, &r));
  TRY(ioctl(fd, SIOCGIFMTU, &r));
  printf("mtu %d\n", r.ifr_mtu);
  struct ifreq other = {.ifr_name = "eth0"};
  TRY(ioctl(fd, SIOCGIFFLAGS, &other));
  TRY(ioctl(fd, SIOCSIFFLAGS, &other));
  close(fd);
  show("/proc/net/dev");
  show("/proc/net/route");
  show("/sys/class/net/lo/operstate");
  show("/sys/class/net/eth0/operstate");
}

static int listening(const char *host, int port, int type) {
  union address a;
  socklen_t length = make(&a, host, port);
  int fd = socket(a.any.sa_family, type, 0);
  printf("%s:%d ", host, port);
  TRY(bind(fd, &a.any, length));
  if (type == SOCK_STREAM) TRY(listen(fd, 5));
  return fd;
}

static void name(const char *what, int (*call)(int, struct sockaddr *, socklen_t *), int fd) {
  union address a;
  socklen_t length = sizeof a;
  char text[64];
  if (call(fd, &a.any, &length) < 0) printf("%s %s\n", what, strerrorname_np(errno));
  else if (a.any.sa_family == AF_INET)
    printf("%s %s %s\n", what, inet_ntop(AF_INET, &a.v4.sin_addr, text, sizeof text),
           ntohs(a.v4.sin_port) == 8080 ? "8080" : a.v4.sin_port ? "some" : "none");
  else
    printf("%s %s %s\n", what, inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof text),
           ntohs(a.v6.sin6_port) == 8080 ? "8080" : a.v6.sin6_port ? "some" : "none");
}

static void talk(const char *server, const char *client) {
  int l = listening(server, 8080, SOCK_STREAM);
  fflush(stdout);
  int pid = fork();
  union address a;
  if (pid == 0) {
    close(l);
    socklen_t length = make(&a, client, 8080);
    int fd = socket(a.any.sa_family, SOCK_STREAM, 0);
    TRY(connect(fd, &a.any, length));
    name("client is", getsockname, fd);
    name("client's peer", getpeername, fd);
    TRY(write(fd, "hello", 5));
    TRY(shutdown(fd, SHUT_WR));
    char *all = malloc(1 << 20);
    int n, sum = 0;
    while ((n = read(fd, all, 1 << 20)) > 0) sum += n;
    printf("client got %d, then %d\n", sum, n);
    fflush(stdout);
    _exit(0);
  }
  socklen_t length = sizeof a;
  int fd = accept(l, &a.any, &length);
  printf("from family %d\n", a.any.sa_family);
  name("server is", getsockname, fd);
  char text[100];
  int n, sum = 0;
  while ((n = read(fd, text + sum, 100 - sum)) > 0) sum += n;
  printf("server got %.*s\n", sum, text);
  fflush(stdout);
  char *much = calloc(1, 3 << 20);
  TRY(write(fd, much, 3 << 20));
  fflush(stdout);
  close(fd);
  waitpid(pid, NULL, 0);
  close(l);
}

static void reset(void) {
  signal(SIGPIPE, SIG_IGN);
  int l = listening("127.0.0.1", 8080, SOCK_STREAM);
  union address a;
  socklen_t length = make(&a, "127.0.0.1", 8080);
  int c = socket(AF_INET, SOCK_STREAM, 0);
  TRY(connect(c, &a.any, length));
  int s = accept(l, NULL, NULL);
  struct linger now = {1, 0};
  setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(s);
  char byte;
  TRY(read(c, &byte, 1));
  TRY(read(c, &byte, 1));
  TRY(write(c, "x", 1));
  close(c);
  c = socket(AF_INET, SOCK_STREAM, 0);
  fcntl(c, F_SETFL, O_NONBLOCK);
  TRY(connect(c, &a.any, length));
  struct pollfd p = {c, POLLOUT, 0};
  TRY(poll(&p, 1, 2000));
  int error = 99;
  length = sizeof error;
  getsockopt(c, SOL_SOCKET, SO_ERROR, &error, &length);
  printf("error %d\n", error);
  s = accept(l, NULL, NULL);
  close(c);
  TRY(read(s, &byte, 1));
  close(s);
  // Closed with bytes that nobody has read.
  c = socket(AF_INET, SOCK_STREAM, 0);
  length = make(&a, "127.0.0.1", 8080);
  TRY(connect(c, &a.any, length));
  s = accept(l, NULL, NULL);
  TRY(write(c, "unread", 6));
  p = (struct pollfd){s, POLLIN, 0};
  TRY(poll(&p, 1, 2000));
  close(s);
  TRY(read(c, &byte, 1));
  close(c);
  close(l);
  c = socket(AF_INET, SOCK_STREAM, 0);
  length = make(&a, "127.0.0.1", 8080);
  TRY(connect(c, &a.any, length));
  close(c);
}

static void ports(void) {
  int a = listening("0.0.0.0", 8080, SOCK_STREAM), b = listening("127.0.0.1", 8080, SOCK_STREAM);
  int c = listening("::1", 8080, SOCK_STREAM), d = listening("::", 8080, SOCK_STREAM);
  close(a), close(b), close(c), close(d);
  a = listening("::", 8080, SOCK_STREAM), b = listening("127.0.0.1", 8080, SOCK_STREAM);
  close(a), close(b);
  a = listening("127.0.0.1", 8080, SOCK_STREAM), b = listening("127.0.0.2", 8080, SOCK_STREAM);
  close(a), close(b);
  a = listening("127.0.0.1", 8080, SOCK_DGRAM), b = listening("127.0.0.1", 8080, SOCK_DGRAM);
  close(a), close(b);
}

static void datagrams(void) {
  int a = listening("127.0.0.1", 8080, SOCK_DGRAM);
  union address to, from;
  socklen_t length = make(&to, "127.0.0.1", 8080);
  int c = socket(AF_INET, SOCK_DGRAM, 0);
  TRY(sendto(c, "abc", 3, 0, &to.any, length));
  char text[10];
  socklen_t room = sizeof from;
  TRY(recvfrom(a, text, 10, 0, &from.any, &room));
  name("client", getsockname, c);
  TRY(sendto(a, "back", 4, 0, &from.any, room));
  TRY(recv(c, text, 10, 0));
  TRY(connect(c, &to.any, length));
  name("client", getsockname, c);
  close(a);
  TRY(send(c, "gone", 4, 0));
  struct pollfd p = {c, POLLIN, 0};
  TRY(poll(&p, 1, 2000));
  TRY(recv(c, text, 10, MSG_DONTWAIT));
  TRY(recv(c, text, 10, MSG_DONTWAIT));
  close(c);
}

/* The acknowledgement of RTM_NEWADDR. */
static void add(int index, const char *text, int prefix) {
  struct {
    struct nlmsghdr h;
    struct ifaddrmsg a;
    struct rtattr r;
    struct in_addr address;
  } m = {{sizeof m, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 1, 0},
         {AF_INET, prefix, 0, RT_SCOPE_HOST, index}, {RTA_LENGTH(4), IFA_LOCAL}, {0}};
  inet_pton(AF_INET, text, &m.address);
  int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  send(fd, &m, sizeof m, 0);
  struct {
    struct nlmsghdr h;
    struct nlmsgerr e;
    char rest[1000];
  } answer;
  recv(fd, &answer, sizeof answer, 0);
  printf("add %s/%d to %d: %s\n", text, prefix, index, strerrorname_np(-answer.e.error));
  close(fd);
}

/* As bwrap(1) sets up loopback. */
static void added(void) {
  TRY(unshare(CLONE_NEWNET));
  add(7, "127.0.0.1", 8);
  add(1, "127.0.0.1", 8);
  add(1, "127.0.0.1", 8);
  interface();
}

/* That there is no way is told at once, also to who does not wait. */
static void no_way(void) {
  union address a = {.v4 = {AF_INET, htons(9), {htonl(0x01020304)}, {0}}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  TRY(connect(fd, &a.any, sizeof a.v4));
  TRY(connect(fd, &a.any, sizeof a.v4));
  TRY(fcntl(fd, F_SETFL, 0));
  TRY(connect(fd, &a.any, sizeof a.v4));
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  TRY(sendto(udp, "x", 1, 0, &a.any, sizeof a.v4));
  TRY(sendto(udp, "", 0, MSG_DONTWAIT, &a.any, sizeof a.v4));
  TRY(sendto(udp, (void *)8, 1, 0, &a.any, sizeof a.v4));
}

int main(int argc, char **argv) {
  (void)argc;
  alarm(60);
  signal(SIGPIPE, SIG_IGN);
  if (argv[1][0] == 'r') {
    reset();
    return 0;
  }
  no_way();
  if (argv[1][0] == 'w') return 0;
  interface();
  addresses(SOCK_STREAM, "tcp");
  addresses(SOCK_DGRAM, "udp");
  if (argv[1][0] == 'l') {
    talk("127.0.0.1", "127.0.0.1");
    talk("0.0.0.0", "127.5.6.7");
    talk("::", "::1");
    talk("::", "127.0.0.1");
    reset();
    ports();
    datagrams();
  }
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq r = {.ifr_name = "lo"};
  r.ifr_flags = argv[1][0] == 'l' ? 0 : IFF_UP;
  TRY(ioctl(fd, SIOCSIFFLAGS, &r));
  interface();
  listening("127.0.0.1", 8080, SOCK_STREAM);
  added();
  return 0;
}
