// Interfaces, addresses and routes: netlink, ioctls, getifaddrs, getaddrinfo. What is told of the host's own must be the same.
#include "try.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static char reply[16384];

static int opened(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  struct sockaddr_nl own = {.nl_family = AF_NETLINK};
  TRY(bind(fd, (struct sockaddr *)&own, sizeof own));
  socklen_t length = sizeof own;
  TRY(getsockname(fd, (struct sockaddr *)&own, &length));
  printf("port %d, %d bytes\n", own.nl_pid == (unsigned)getpid(), (int)length);
  return fd;
}

static int request(int fd, int type, int flags, const void *body, int length) {
  struct {
    struct nlmsghdr header;
    char body[256];
  } r = {.header = {NLMSG_LENGTH(length), type, NLM_F_REQUEST | flags, 77, 0}};
  memcpy(r.body, body, length);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  return sendto(fd, &r, r.header.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel);
}

static void text(int family, const void *address) {
  char name[64];
  printf(" %s", inet_ntop(family, address, name, sizeof name));
}

// Interfaces without an address (and down ones) are told by the kernel only.
static int has_address(int index) {
  struct ifaddrs *list;
  int found = 0;
  getifaddrs(&list);
  for (struct ifaddrs *a = list; a; a = a->ifa_next)
    if (a->ifa_addr && a->ifa_addr->sa_family != AF_PACKET && (int)if_nametoindex(a->ifa_name) == index) found = 1;
  freeifaddrs(list);
  return found;
}

static void show(struct nlmsghdr *m) {
  struct rtattr *a;
  int length;
  if (m->nlmsg_type == NLMSG_ERROR) {
    struct nlmsgerr *e = NLMSG_DATA(m);
    printf("error %d of type %d, flags %x, %u bytes\n", e->error, e->msg.nlmsg_type, m->nlmsg_flags & 0x102, m->nlmsg_len);
  } else if (m->nlmsg_type == RTM_NEWLINK) {
    struct ifinfomsg *i = NLMSG_DATA(m);
    if (!has_address(i->ifi_index)) return;
    printf("link %d type %d flags %x", i->ifi_index, i->ifi_type, i->ifi_flags);
    for (a = IFLA_RTA(i), length = IFLA_PAYLOAD(m); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
      unsigned char *bytes = RTA_DATA(a);
      if (a->rta_type == IFLA_IFNAME) printf(" name %s", (char *)bytes);
      if (a->rta_type == IFLA_MTU) printf(" mtu %u", *(unsigned *)bytes);
      if (a->rta_type == IFLA_OPERSTATE) printf(" state %d", *bytes);
      if (a->rta_type == IFLA_ADDRESS || a->rta_type == IFLA_BROADCAST)
        for (unsigned n = 0; n < RTA_PAYLOAD(a); n++) printf("%c%02x", n ? ':' : ' ', bytes[n]);
    }
    printf("\n");
  } else if (m->nlmsg_type == RTM_NEWADDR) {
    struct ifaddrmsg *i = NLMSG_DATA(m);
    printf("address of %d family %d /%d scope %d flags %x", i->ifa_index, i->ifa_family, i->ifa_prefixlen, i->ifa_scope, i->ifa_flags & 0x80);
    for (a = IFA_RTA(i), length = IFA_PAYLOAD(m); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
      if (a->rta_type == IFA_ADDRESS || a->rta_type == IFA_LOCAL || a->rta_type == IFA_BROADCAST) {
        printf(" %d:", a->rta_type);
        text(i->ifa_family, RTA_DATA(a));
      }
      if (a->rta_type == IFA_LABEL) printf(" %s", (char *)RTA_DATA(a));
    }
    printf("\n");
  } else if (m->nlmsg_type == RTM_NEWROUTE) {
    struct rtmsg *r = NLMSG_DATA(m);
    if (r->rtm_table != RT_TABLE_MAIN && !(r->rtm_flags & RTM_F_CLONED)) return;
    printf("route family %d /%d scope %d type %d", r->rtm_family, r->rtm_dst_len, r->rtm_scope, r->rtm_type);
    for (a = RTM_RTA(r), length = RTM_PAYLOAD(m); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
      if (a->rta_type == RTA_DST || a->rta_type == RTA_GATEWAY || a->rta_type == RTA_PREFSRC) {
        printf(" %d:", a->rta_type);
        text(r->rtm_family, RTA_DATA(a));
      }
      if (a->rta_type == RTA_OIF || a->rta_type == RTA_PRIORITY) printf(" %d: %d", a->rta_type, *(int *)RTA_DATA(a));
    }
    printf("\n");
  } else printf("type %d\n", m->nlmsg_type);
}

// Reads answers until the last one.
static void answers(int fd, int dump) {
  for (;;) {
    struct sockaddr_nl from = {0};
    struct iovec part = {reply, sizeof reply};
    struct msghdr message = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
    int length = recvmsg(fd, &message, 0);
    if (length < 0) {
      printf("recvmsg: %s\n", strerror(errno));
      return;
    }
    for (struct nlmsghdr *m = (struct nlmsghdr *)reply; NLMSG_OK(m, (unsigned)length); m = NLMSG_NEXT(m, length)) {
      if (m->nlmsg_seq != 77 || from.nl_pid != 0 || from.nl_family != AF_NETLINK) printf("not from the kernel\n");
      if (m->nlmsg_type == NLMSG_DONE) {
        printf("done %d\n", *(int *)NLMSG_DATA(m));
        return;
      }
      show(m);
      if (m->nlmsg_type == NLMSG_ERROR) return;
    }
    if (!dump) return;
  }
}

static void one_route(int fd, int family, const char *to) {
  struct {
    struct rtmsg r;
    struct rtattr a;
    char address[16];
  } q = {.r = {.rtm_family = family, .rtm_dst_len = family == AF_INET ? 32 : 128}};
  q.a.rta_type = RTA_DST;
  q.a.rta_len = RTA_LENGTH(family == AF_INET ? 4 : 16);
  inet_pton(family, to, q.address);
  printf("to %s: ", to);
  request(fd, RTM_GETROUTE, 0, &q, sizeof q.r + q.a.rta_len);
  answers(fd, 0);
}

static void netlink(void) {
  int fd = opened(), second = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_ROUTE);
  TRY(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
  TRY(socket(AF_NETLINK, SOCK_RAW, 31));
  struct sockaddr_nl taken = {.nl_family = AF_NETLINK, .nl_pid = getpid()};
  TRY(bind(second, (struct sockaddr *)&taken, sizeof taken));
  TRY(bind(fd, (struct sockaddr *)&taken, 4));
  TRY(recv(second, reply, sizeof reply, 0));
  TRY(listen(fd, 1));
  struct rtgenmsg all = {AF_UNSPEC}, four = {AF_INET};
  request(fd, RTM_GETLINK, NLM_F_DUMP, &all, sizeof all);
  answers(fd, 1);
  request(fd, RTM_GETADDR, NLM_F_DUMP, &all, sizeof all);
  answers(fd, 1);
  request(fd, RTM_GETADDR, NLM_F_DUMP, &four, sizeof four);
  answers(fd, 1);
  struct rtmsg routes = {.rtm_family = AF_INET};
  request(fd, RTM_GETROUTE, NLM_F_DUMP, &routes, sizeof routes);
  answers(fd, 1);
  one_route(fd, AF_INET, "127.0.0.1");
  one_route(fd, AF_INET, "127.1.2.3");
  struct ifinfomsg link = {.ifi_index = if_nametoindex("lo")};
  request(fd, RTM_GETLINK, 0, &link, sizeof link);
  answers(fd, 0);
  link.ifi_index = 12345;
  request(fd, RTM_GETLINK, 0, &link, sizeof link);
  answers(fd, 0);
  request(fd, RTM_GETLINK, NLM_F_ACK, &link, sizeof link);
  answers(fd, 0);
  request(fd, NLMSG_NOOP, NLM_F_ACK, &link, sizeof link);
  answers(fd, 0);
  request(fd, 4000, 0, &link, sizeof link);
  answers(fd, 0);
  // A request looked at in advance, as iproute2 does to know how long it is.
  request(fd, NLMSG_NOOP, NLM_F_ACK, &link, sizeof link);
  TRY(recv(fd, reply, 0, MSG_PEEK | MSG_TRUNC));
  TRY(recv(fd, reply, sizeof reply, MSG_DONTWAIT));
  TRY(recv(fd, reply, sizeof reply, MSG_DONTWAIT));
  int on = 1;
  socklen_t length = sizeof on;
  TRY(setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on));
  TRY(setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on));
  TRY(setsockopt(fd, SOL_NETLINK, 99, &on, sizeof on));
  TRY(getsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, &length));
  TRY(getsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, &length));
  TRY(on);
  close(fd);
  close(second);
  close(opened());
}

static void ioctls(void) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  struct ifreq list[16];
  struct ifconf conf = {.ifc_len = 0, .ifc_req = NULL};
  TRY(ioctl(fd, SIOCGIFCONF, &conf));
  printf("%d addresses\n", conf.ifc_len / (int)sizeof *list);
  conf.ifc_len = sizeof list;
  conf.ifc_req = list;
  TRY(ioctl(fd, SIOCGIFCONF, &conf));
  for (int n = 0; n < conf.ifc_len / (int)sizeof *list; n++) {
    struct ifreq r = list[n];
    printf("%s", r.ifr_name);
    text(AF_INET, &((struct sockaddr_in *)&r.ifr_addr)->sin_addr);
    if (ioctl(fd, SIOCGIFFLAGS, &r) == 0) printf(" flags %x", r.ifr_flags & 0xffff);
    if (ioctl(fd, SIOCGIFMTU, &r) == 0) printf(" mtu %d", r.ifr_mtu);
    if (ioctl(fd, SIOCGIFINDEX, &r) == 0) printf(" index %d", r.ifr_ifindex);
    if (ioctl(fd, SIOCGIFMETRIC, &r) == 0) printf(" metric %d", r.ifr_metric);
    if (ioctl(fd, SIOCGIFNETMASK, &r) == 0) text(AF_INET, &((struct sockaddr_in *)&r.ifr_netmask)->sin_addr);
    if (ioctl(fd, SIOCGIFBRDADDR, &r) == 0) text(AF_INET, &((struct sockaddr_in *)&r.ifr_broadaddr)->sin_addr);
    if (ioctl(fd, SIOCGIFHWADDR, &r) == 0)
      printf(" %d %02x:%02x", r.ifr_hwaddr.sa_family, (unsigned char)r.ifr_hwaddr.sa_data[0], (unsigned char)r.ifr_hwaddr.sa_data[5]);
    printf("\n");
  }
  struct ifreq none = {.ifr_name = "nosuch0"};
  TRY(ioctl(fd, SIOCGIFFLAGS, &none));
  none.ifr_ifindex = 12345;
  TRY(ioctl(fd, SIOCGIFNAME, &none));
  close(fd);
  int local = socket(AF_UNIX, SOCK_STREAM, 0);
  struct ifreq lo = {.ifr_name = "lo"};
  TRY(ioctl(local, SIOCGIFINDEX, &lo));
  TRY(lo.ifr_ifindex);
  TRY(ioctl(local, SIOCGIFNAME, &lo));
  printf("%s\n", lo.ifr_name);
  close(local);
}

static void library(void) {
  struct ifaddrs *list;
  TRY(getifaddrs(&list));
  for (struct ifaddrs *a = list; a; a = a->ifa_next) {
    if (!a->ifa_addr || a->ifa_addr->sa_family == AF_PACKET) continue;
    printf("%s flags %x", a->ifa_name, a->ifa_flags);
    if (a->ifa_addr->sa_family == AF_INET) {
      text(AF_INET, &((struct sockaddr_in *)a->ifa_addr)->sin_addr);
      text(AF_INET, &((struct sockaddr_in *)a->ifa_netmask)->sin_addr);
    } else {
      text(AF_INET6, &((struct sockaddr_in6 *)a->ifa_addr)->sin6_addr);
      text(AF_INET6, &((struct sockaddr_in6 *)a->ifa_netmask)->sin6_addr);
      printf(" scope %u", ((struct sockaddr_in6 *)a->ifa_addr)->sin6_scope_id);
    }
    printf("\n");
  }
  freeifaddrs(list);
}

static void texts(void) {
  char line[256];
  FILE *f = fopen("/proc/net/if_inet6", "r");
  // In the order of a hash table.
  unsigned sum = 0, lines = 0;
  while (f && fgets(line, sizeof line, f)) {
    lines++;
    // All but the flags, some of which are of no matter.
    for (char *c = line; *c; c++) sum += c - line == 42 || c - line == 43 ? 0 : (unsigned char)*c;
  }
  printf("if_inet6: %u lines, sum %u\n", lines, sum);
  if (f) fclose(f);
  f = fopen("/proc/net/route", "r");
  while (f && fgets(line, sizeof line, f)) printf("%s", line);
  if (f) fclose(f);
}

int main(void) {
  netlink();
  ioctls();
  library();
  texts();
  return 0;
}
