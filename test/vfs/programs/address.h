// Internet addresses of either family, by their text.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

union address {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

static socklen_t make(union address *a, const char *host, int port) {
  memset(a, 0, sizeof *a);
  if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
    a->v4.sin_family = AF_INET;
    a->v4.sin_port = htons(port);
    return sizeof a->v4;
  }
  inet_pton(AF_INET6, host, &a->v6.sin6_addr);
  a->v6.sin6_family = AF_INET6;
  a->v6.sin6_port = htons(port);
  return sizeof a->v6;
}
