/* Sockets: pairs, names, passed descriptors and credentials, datagrams, TCP and UDP over loopback. Run in an empty directory of one's own.
   Run natively it tells what Linux does; nothing printed depends on the machine. */
#include "try.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[300000];
static int s[2], fd, other;
static volatile int pipes_broken;
static void on_pipe(int n) { pipes_broken += n == SIGPIPE; }

static int events(int fd) {
  struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
  poll(&p, 1, 0);
  return p.revents;
}

/* Waits until some of the events come, and gives them. */
static int await(int fd, int want) {
  struct pollfd p = {fd, want, 0};
  poll(&p, 1, 5000);
  return p.revents & want;
}

static socklen_t unix_name(struct sockaddr_un *a, const char *path) {
  memset(a, 0, sizeof *a);
  a->sun_family = AF_UNIX;
  if (path[0] == '@') {
    strcpy(a->sun_path + 1, path + 1);
    return offsetof(struct sockaddr_un, sun_path) + strlen(path);
  }
  strcpy(a->sun_path, path);
  return sizeof *a;
}

static void show_unix(const char *what, struct sockaddr_un *a, socklen_t n) {
  int length = (int)n - (int)offsetof(struct sockaddr_un, sun_path);
  printf("%s: %d bytes:", what, (int)n);
  for (int i = 0; i < length; i++) printf(a->sun_path[i] ? "%c" : "@", a->sun_path[i]);
  puts("");
}

static int send_fd(int socket, int fd, const char *text) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control;
  struct iovec v = {(char *)text, strlen(text)};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  return sendmsg(socket, &m, 0);
}

/* Receives a message; prints its flags and control messages and gives a passed descriptor or -1. */
static int receive(int socket, int size, int room, int flags) {
  static char control[256] __attribute__((aligned(8)));
  struct sockaddr_un from;
  memset(buffer, 0, 100);
  struct iovec v = {buffer, size};
  struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1,
                     .msg_control = control, .msg_controllen = room};
  int n = recvmsg(socket, &m, flags), passed = -1;
  if (n < 0) {
    printf("recvmsg: %s\n", strerrorname_np(errno));
    return -1;
  }
  printf("recvmsg: %d flags %x", n, m.msg_flags);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_type == SCM_RIGHTS) {
      memcpy(&passed, CMSG_DATA(c), sizeof passed);
      printf(" rights %d", (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int)));
    } else if (c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred u;
      memcpy(&u, CMSG_DATA(c), sizeof u);
      printf(" credentials %d %d", u.pid == getpid(), u.uid == geteuid());
    }
  }
  printf(" %.*s\n", n > 20 ? 20 : n, buffer);
  return passed;
}

static void pairs(void) {
  puts("-- stream pair");
  TRY(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
  TRY(fcntl(s[0], F_GETFD));
  struct stat st;
  TRY(fstat(s[0], &st));
  printf("%o\n", st.st_mode);
  TRY(write(s[0], "hello", 5));
  TRY(send(s[0], " world", 6, 0));
  TRY(ioctl(s[1], FIONREAD, &fd));
  TRY(fd);
  TRY(recv(s[1], buffer, 3, MSG_PEEK));
  TRY(read(s[1], buffer, 7));
  printf("%.7s\n", buffer);
  TRY(recv(s[1], buffer, 100, MSG_DONTWAIT));
  TRY(recv(s[1], buffer, 100, MSG_DONTWAIT));
  TRY(events(s[0]));
  TRY(lseek(s[0], 0, SEEK_SET));
  TRY(write(s[1], NULL, 0));
  fcntl(s[0], F_SETFL, O_NONBLOCK);
  int total = 0, n;
  while ((n = write(s[0], buffer, 1000)) > 0) total += n;
  printf("full after some: %d %s\n", total > 50000, strerrorname_np(errno));
  TRY(events(s[0]) & POLLOUT);
  while (total > 0 && (n = read(s[1], buffer, sizeof buffer)) > 0) total -= n;
  TRY(total);
  TRY(events(s[0]) & POLLOUT);
  struct timeval tv = {0, 20000};
  TRY(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  TRY(read(s[1], buffer, 1));
  TRY(shutdown(s[0], SHUT_WR));
  TRY(events(s[1]));
  TRY(read(s[1], buffer, 10));
  TRY(write(s[1], "back", 4));
  TRY(read(s[0], buffer, 10));
  signal(SIGPIPE, on_pipe);
  TRY(write(s[0], "x", 1));
  TRY(pipes_broken);
  TRY(send(s[0], "x", 1, MSG_NOSIGNAL));
  TRY(pipes_broken);
  TRY(close(s[1]));
  TRY(events(s[0]));
  TRY(read(s[0], buffer, 10));
  TRY(close(s[0]));

  puts("-- passing files");
  TRY(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  fd = open("file", O_RDWR | O_CREAT, 0600);
  write(fd, "contents", 8);
  TRY(write(s[0], "before", 6));
  TRY(send_fd(s[0], fd, "with"));
  TRY(write(s[0], "after", 5));
  other = receive(s[1], 100, 256, MSG_CMSG_CLOEXEC);
  printf("%d\n", other >= 0);
  TRY(fcntl(other, F_GETFD));
  TRY(lseek(other, 0, SEEK_CUR));
  TRY(receive(s[1], 100, 256, 0));
  TRY(send_fd(s[0], fd, "none"));
  TRY(receive(s[1], 100, 0, 0));
  TRY(send_fd(s[0], 99, "bad"));
  int on = 1;
  TRY(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  TRY(write(s[0], "who", 3));
  TRY(receive(s[1], 100, 256, 0));
  struct ucred peer;
  socklen_t length = sizeof peer;
  TRY(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
  printf("%d %d\n", peer.pid == getpid(), length);
  close(s[0]);
  close(s[1]);
  close(other);

  puts("-- datagram and packet pairs");
  for (int type = SOCK_DGRAM; type <= SOCK_SEQPACKET; type += SOCK_SEQPACKET - SOCK_DGRAM) {
    TRY(socketpair(AF_UNIX, type, 0, s));
    TRY(send(s[0], "one", 3, 0));
    TRY(send(s[0], "", 0, 0));
    TRY(send(s[0], "threethree", 10, 0));
    TRY(receive(s[1], 100, 256, 0));
    TRY(receive(s[1], 100, 256, 0));
    TRY(receive(s[1], 5, 256, MSG_PEEK));
    TRY(recv(s[1], buffer, 5, MSG_TRUNC));
    TRY(recv(s[1], buffer, 5, MSG_DONTWAIT));
    TRY(send(s[0], buffer, sizeof buffer, 0));
    TRY(close(s[1]));
    TRY(send(s[0], "x", 1, MSG_NOSIGNAL));
    TRY(events(s[0]) & (POLLIN | POLLHUP | POLLRDHUP));
    close(s[0]);
  }
  TRY(socketpair(AF_INET, SOCK_STREAM, 0, s));
  TRY(socketpair(AF_UNIX, 77, 0, s));
  TRY(socket(AF_UNIX, SOCK_STREAM, 99));
  TRY(socket(77, SOCK_STREAM, 0));
  TRY(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
}

static void named(const char *path) {
  printf("-- named %s\n", path);
  struct sockaddr_un a, b;
  socklen_t n = unix_name(&a, path), m;
  int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
  TRY(connect(client, (struct sockaddr *)&a, n));
  TRY(listen(server, 1));
  TRY(bind(server, (struct sockaddr *)&a, n));
  TRY(bind(client, (struct sockaddr *)&a, n));
  TRY(connect(client, (struct sockaddr *)&a, n));
  TRY(accept(client, NULL, NULL));
  TRY(listen(server, 1));
  m = sizeof b;
  TRY(getsockname(server, (struct sockaddr *)&b, &m));
  show_unix("server", &b, m);
  TRY(events(server));
  TRY(connect(client, (struct sockaddr *)&a, n));
  TRY(connect(client, (struct sockaddr *)&a, n));
  TRY(events(server));
  TRY(send(client, "early", 5, 0));
  m = sizeof b;
  int accepted = accept4(server, (struct sockaddr *)&b, &m, SOCK_NONBLOCK);
  printf("%d\n", accepted >= 0);
  show_unix("peer", &b, m);
  m = sizeof b;
  TRY(getpeername(client, (struct sockaddr *)&b, &m));
  show_unix("server", &b, m);
  TRY(read(accepted, buffer, 100));
  TRY(read(accepted, buffer, 100));
  TRY(close(accepted));
  TRY(read(client, buffer, 100));
  struct stat st;
  if (path[0] != '@') {
    TRY(stat(path, &st));
    printf("%o\n", st.st_mode);
    TRY0(open(path, O_RDWR));
    TRY(unlink(path));
  }
  close(server);
  close(client);
  client = socket(AF_UNIX, SOCK_STREAM, 0);
  TRY(connect(client, (struct sockaddr *)&a, n));
  close(client);
  /* A server process and a client process. */
  n = unix_name(&a, path[0] == '@' ? "@second" : "second");
  server = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(server, (struct sockaddr *)&a, n);
  listen(server, 5);
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    close(server);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(client, (struct sockaddr *)&a, n);
    int total = 0, k;
    write(client, "request", 7);
    while ((k = read(client, buffer, 5000)) > 0) total += k;
    printf("child got %d\n", total);
    fflush(stdout);
    _exit(0);
  }
  accepted = accept(server, NULL, NULL);
  TRY(read(accepted, buffer, 100));
  struct ucred peer;
  socklen_t length = sizeof peer;
  getsockopt(accepted, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  printf("peer is the child: %d\n", peer.pid == pid);
  TRY(write(accepted, buffer, sizeof buffer));
  close(accepted);
  int status;
  wait(&status);
  close(server);

  int d1 = socket(AF_UNIX, SOCK_DGRAM, 0), d2 = socket(AF_UNIX, SOCK_DGRAM, 0);
  n = unix_name(&a, path[0] == '@' ? "@d1" : "d1");
  TRY(bind(d1, (struct sockaddr *)&a, n));
  TRY(sendto(d2, "anonymous", 9, 0, (struct sockaddr *)&a, n));
  m = sizeof b;
  TRY(recvfrom(d1, buffer, 100, 0, (struct sockaddr *)&b, &m));
  printf("%d\n", (int)m);
  TRY(send(d2, "x", 1, 0));
  TRY(connect(d2, (struct sockaddr *)&a, n));
  TRY(send(d2, "x", 1, 0));
  TRY(recv(d1, buffer, 100, 0));
  close(d1);
  close(d2);
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void tcp(void) {
  puts("-- TCP");
  struct sockaddr_in a = loopback(0), b;
  socklen_t n = sizeof b;
  int server = socket(AF_INET, SOCK_STREAM, 0), on = 1, value = 0;
  TRY(setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
  n = sizeof value;
  TRY(getsockopt(server, SOL_SOCKET, SO_REUSEADDR, &value, &n));
  TRY(value);
  TRY(getsockopt(server, SOL_SOCKET, SO_TYPE, &value, &n));
  TRY(value);
  TRY(bind(server, (struct sockaddr *)&a, 3));
  TRY(bind(server, (struct sockaddr *)&a, sizeof a));
  TRY(bind(server, (struct sockaddr *)&a, sizeof a));
  n = sizeof b;
  TRY(getsockname(server, (struct sockaddr *)&b, &n));
  printf("%s %d %d\n", inet_ntoa(b.sin_addr), b.sin_port != 0, (int)n);
  TRY(listen(server, 5));
  int second = socket(AF_INET, SOCK_STREAM, 0);
  TRY(bind(second, (struct sockaddr *)&b, sizeof b));
  close(second);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  TRY(send(client, "x", 1, MSG_NOSIGNAL));
  TRY(getpeername(client, (struct sockaddr *)&a, &n));
  TRY(connect(client, (struct sockaddr *)&b, sizeof b));
  TRY(connect(client, (struct sockaddr *)&b, sizeof b));
  TRY(await(server, POLLIN));
  n = sizeof a;
  int accepted = accept(server, (struct sockaddr *)&a, &n);
  struct sockaddr_in c;
  n = sizeof c;
  TRY(getsockname(client, (struct sockaddr *)&c, &n));
  printf("same port %d\n", c.sin_port == a.sin_port);
  TRY(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  TRY(write(client, "ping", 4));
  TRY(await(accepted, POLLIN));
  TRY(read(accepted, buffer, 100));
  fcntl(accepted, F_SETFL, O_NONBLOCK);
  TRY(read(accepted, buffer, 100));
  fcntl(accepted, F_SETFL, 0);
  TRY(send(accepted, "pong", 4, 0));
  TRY(recv(client, buffer, 4, MSG_WAITALL));
  fflush(stdout);
  if (fork() == 0) {
    int total = 0, k;
    while (total < (int)sizeof buffer && (k = read(accepted, buffer, 10000)) > 0) total += k;
    printf("child read %d\n", total);
    write(accepted, "done", 4);
    fflush(stdout);
    _exit(0);
  }
  TRY(write(client, buffer, sizeof buffer));
  TRY(recv(client, buffer, 4, MSG_WAITALL));
  int status;
  wait(&status);
  TRY(shutdown(client, SHUT_WR));
  TRY(await(accepted, POLLRDHUP | POLLIN));
  TRY(read(accepted, buffer, 100));
  TRY(write(accepted, "still", 5));
  TRY(recv(client, buffer, 5, MSG_WAITALL));
  TRY(send(client, "x", 1, MSG_NOSIGNAL));
  TRY(close(accepted));
  TRY(await(client, POLLIN));
  TRY(read(client, buffer, 100));
  close(client);
  close(server);

  puts("-- refused");
  client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  TRY(connect(client, (struct sockaddr *)&b, sizeof b));
  TRY(await(client, POLLOUT | POLLERR | POLLHUP) != 0);
  n = sizeof value;
  TRY(getsockopt(client, SOL_SOCKET, SO_ERROR, &value, &n));
  printf("%s\n", strerrorname_np(value));
  TRY(getsockopt(client, SOL_SOCKET, SO_ERROR, &value, &n));
  TRY(value);
  close(client);
  client = socket(AF_INET, SOCK_STREAM, 0);
  TRY(connect(client, (struct sockaddr *)&b, sizeof b));
  close(client);
}

static void udp(void) {
  puts("-- UDP");
  struct sockaddr_in a = loopback(0), b, from;
  socklen_t n = sizeof b;
  int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
  TRY(bind(server, (struct sockaddr *)&a, sizeof a));
  TRY(getsockname(server, (struct sockaddr *)&b, &n));
  TRY(send(client, "x", 1, 0));
  TRY(recv(client, buffer, 1, MSG_DONTWAIT));
  TRY(sendto(client, "first", 5, 0, (struct sockaddr *)&b, sizeof b));
  TRY(await(server, POLLIN));
  n = sizeof from;
  TRY(recvfrom(server, buffer, 3, 0, (struct sockaddr *)&from, &n));
  printf("%s %d\n", inet_ntoa(from.sin_addr), (int)n);
  TRY(connect(client, (struct sockaddr *)&b, sizeof b));
  n = sizeof a;
  TRY(getsockname(client, (struct sockaddr *)&a, &n));
  printf("%s %d\n", inet_ntoa(a.sin_addr), a.sin_port == from.sin_port);
  TRY(send(client, "second", 6, 0));
  TRY(await(server, POLLIN));
  TRY(ioctl(server, FIONREAD, &fd));
  TRY(fd);
  TRY(recv(server, buffer, 100, 0));
  TRY(sendto(server, "answer", 6, 0, (struct sockaddr *)&from, sizeof from));
  TRY(await(client, POLLIN));
  TRY(read(client, buffer, 100));
  struct iovec v[2] = {{"a", 1}, {"bc", 2}};
  struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = v, .msg_iovlen = 2}}, {.msg_hdr = {.msg_iov = v, .msg_iovlen = 1}}};
  TRY(sendmmsg(client, m, 2, 0));
  printf("%d %d\n", m[0].msg_len, m[1].msg_len);
  TRY(await(server, POLLIN));
  TRY(recv(server, buffer, 100, 0));
  TRY(recv(server, buffer, 100, 0));
  TRY(listen(client, 1));
  TRY(getpeername(server, (struct sockaddr *)&a, &n));
  close(server);
  close(client);
}

/* Shut down without a peer, which is an error and holds. */
static void shut(void) {
  char c = 'x';
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  TRY(await(udp, POLLIN | POLLOUT | POLLRDHUP));
  TRY(shutdown(udp, 3));
  TRY(shutdown(udp, SHUT_RD));
  TRY(await(udp, POLLIN | POLLOUT | POLLRDHUP));
  TRY(recv(udp, &c, 1, MSG_DONTWAIT));
  TRY(recv(udp, &c, 1, 0));
  TRY(sendto(udp, &c, 1, 0, (struct sockaddr *)&a, sizeof a));
  TRY(shutdown(udp, SHUT_WR));
  TRY(await(udp, POLLIN | POLLOUT | POLLRDHUP | POLLHUP));
  TRY(sendto(udp, &c, 1, MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a));
  close(udp);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  pairs();
  named("name");
  named("@abstract-of-this-test");
  tcp();
  udp();
  shut();
  fd = open("/dev/null", O_RDONLY);
  TRY(send(fd, "x", 1, 0));
  TRY(getsockname(fd, NULL, NULL));
  return 0;
}
