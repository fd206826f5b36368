// Packets as sockets receive them, and their checksums.
#include "address.h"
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/time.h>

static unsigned short checksum(const void *from, int length) {
  const unsigned char *p = from;
  unsigned sum = 0;
  for (int i = 0; i < length; i += 2) sum += p[i] << 8 | (i + 1 < length ? p[i + 1] : 0);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static void show_address(const union address *a) {
  char host[64] = "?";
  if (a->any.sa_family == AF_INET) inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof host);
  else if (a->any.sa_family == AF_INET6) inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof host);
  printf(" %s port %d", host, ntohs(a->v4.sin_port));
}

static void hide_number(unsigned char *header) {
  memset(header + 4, 0, 2);
  memset(header + 10, 0, 2);
}

// Receives all there is. The number of an IPv4 packet, with which the checksum of its header changes, is the kernel's choice.
static void take(int fd, int has_header, int flags) {
  for (;;) {
    unsigned char bytes[256] = {0};
    char control[256];
    union address from = {0};
    struct iovec iov = {bytes, 128};
    struct msghdr m = {&from, sizeof from, &iov, 1, control, sizeof control, 0};
    struct pollfd p = {fd, POLLIN, 0};
    if (poll(&p, 1, 100) <= 0) break;
    int waiting = -1;
    TRY(ioctl(fd, FIONREAD, &waiting));
    int count = recvmsg(fd, &m, flags);
    if (count < 0) {
      printf("  %s\n", strerrorname_np(errno));
      break;
    }
    printf("  %d of %d flags %x from", count, waiting, m.msg_flags);
    show_address(&from);
    if (has_header) {
      printf(" header good %d", checksum(bytes, 20) == 0);
      hide_number(bytes);
      // An error tells what it is about, with its number.
      if (bytes[9] == IPPROTO_ICMP && bytes[20] == ICMP_DEST_UNREACH) {
        memset(bytes + 22, 0, 2);
        hide_number(bytes + 28);
      }
    } else if (bytes[0] == ICMP6_DST_UNREACH && bytes[8] >> 4 == 6) {
      // And with its flow label.
      memset(bytes + 2, 0, 2);
      memset(bytes + 9, 0, 3);
    }
    printf(":");
    for (int i = 0; i < (count < 128 ? count : 128); i++) printf("%s%02x", i % 4 ? "" : " ", bytes[i]);
    printf("\n");
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
      printf("  level %d type %d length %d", c->cmsg_level, c->cmsg_type, (int)(c->cmsg_len - CMSG_LEN(0) == sizeof(struct timeval) ? 0 : c->cmsg_len - CMSG_LEN(0)));
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMP) {
        struct timeval t, now;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        gettimeofday(&now, 0);
        printf(" now %d", labs((long)(now.tv_sec - t.tv_sec)) <= 2 && t.tv_usec >= 0 && t.tv_usec < 1000000);
      } else {
        int value;
        memcpy(&value, CMSG_DATA(c), sizeof value);
        printf(" %d", value);
      }
      printf("\n");
    }
    if (flags & MSG_PEEK || count == 0) break;
  }
  printf("  no more\n");
}
