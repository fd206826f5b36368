/**
 * Packages that programs of builds install, each with what it is for, used once: a script of the guest's shell, in a network of
 * its own (--net loopback) unless it needs the host's, and what it must say.
 */
import { sumClass } from './sum-class.ts';

export interface Package {
  /** Of the archive, in the order in which they are installed. */
  readonly names: readonly string[];
  readonly use: string;
  readonly says: RegExp;
  readonly needsNetwork?: true;
  /** Of files that are never equal, what they hold, said by the program they are for: the same in all systems. */
  readonly holds?: string;
}

/** Tries again for a while what is not there at once. */
const until = (test: string) =>
  `n=0; until ${test} 2>/dev/null; do n=$((n+1)); [ $n -lt 120 ]; sleep 1; done`;

const mariadb = (commands: string) =>
  `mkdir -p /run/mysqld; chown mysql:mysql /run/mysqld; mariadbd --user=mysql >/tmp/mariadb.log 2>&1 &
  ${until("mariadb -e 'select 1' >/dev/null")}
  ${commands}
  mariadb-admin shutdown; wait`;

/** Of a system that mmdebstrap can ask for packages of the archive, and the user who does. */
const MMDEBSTRAP = `id builder >/dev/null 2>&1 || useradd -m builder; rm -f /tmp/made.tar
  export SOURCE_DATE_EPOCH=1700000000 MIRROR=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' | head -n 1)`;

export const PACKAGES: Readonly<Record<string, Package>> = {
  'iputils-ping': {
    names: ['libcap2-bin', 'iputils-ping'],
    use: 'getcap /usr/bin/ping /bin/ping; ping -V; ping -c 2 -i 0.2 127.0.0.1; ping -c 1 ::1; su -s /bin/sh nobody -c "ping -c 1 127.1"',
    says: /ping cap_net_raw=ep[\s\S]*ping from iputils[\s\S]*from 127.0.0.1: icmp_seq=2 ttl=64 time=.*[\s\S]*2 packets transmitted, 2 received, 0%[\s\S]*from ::1: icmp_seq=1 ttl=64[\s\S]*127.0.0.1: icmp_seq=1 ttl=64/,
  },
  rsync: {
    names: ['rsync'],
    use: `mkdir -p /srv/out; echo from the daemon >/srv/out/file; chmod 640 /srv/out/file
      printf '[out]\\npath = /srv/out\\nread only = yes\\nuid = 0\\ngid = 0\\n' >/tmp/rsyncd.conf
      rsync --daemon --config=/tmp/rsyncd.conf --port=8730
      ${until('rsync --port=8730 127.0.0.1::')}
      rsync -a --port=8730 127.0.0.1::out /tmp/in/
      cat /tmp/in/file; stat -c %a /tmp/in/file`,
    says: /from the daemon\n640/,
  },
  'redis-server': {
    names: ['redis-server'],
    use: `redis-server --port 6399 --dir /tmp --daemonize yes --save '' >/dev/null
      ${until('redis-cli -p 6399 ping')}
      redis-cli -p 6399 set answer 42; redis-cli -p 6399 incr answer; redis-cli -p 6399 shutdown nosave`,
    says: /OK\n(\(integer\) )?43/,
  },
  nginx: {
    names: ['nginx', 'curl'],
    use: `echo served >/var/www/html/page.txt; nginx; ${until('curl -so /dev/null http://127.0.0.1/')}
      curl -s http://127.0.0.1/page.txt; curl -sI http://127.0.0.1/none | head -n 1; nginx -s quit`,
    says: /served\nHTTP\/1.1 404/,
  },
  dbus: {
    names: ['dbus'],
    use: `mkdir -p /run/dbus; dbus-daemon --system --fork
      dbus-send --system --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus.ListNames`,
    says: /string "org\.freedesktop\.DBus"/,
  },
  cron: {
    names: ['cron'],
    use: `echo '* * * * * id -u >/tmp/cron.out' | crontab -; cron; ${until('[ -s /tmp/cron.out ]')}
      cat /tmp/cron.out; crontab -l`,
    says: /^0\n\* \* \* \* \*/,
  },
  'man-db': {
    names: ['man-db'],
    use: 'mandb -q; man -w dpkg; man -f dpkg; MANWIDTH=80 man -P cat dpkg | head -n 4',
    says: /dpkg\.1\.gz\ndpkg \(1\)[\s\S]*DPKG\(1\)/i,
  },
  'openssh-server': {
    names: ['openssh-server'],
    use: `mkdir -p /run/sshd /root/.ssh; chmod 700 /root/.ssh; rm -f /root/.ssh/id_*; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
      cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys; /usr/sbin/sshd -p 2222
      ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -p 2222 root@127.0.0.1 \\
        'echo logged in as $(id -un); tty || true; exit 7' || echo left $?`,
    says: /logged in as root\nnot a tty\n[\s\S]*left 7/,
  },
  systemd: {
    names: ['systemd'],
    use: `mkdir -p /etc/sysusers.d /etc/tmpfiles.d
      printf 'u made 777 "made by sysusers" /srv/made\\n' >/etc/sysusers.d/made.conf; systemd-sysusers
      printf 'd /srv/made 0710 made made -\\nf /srv/made/f 0604 made made - text\\np+ /srv/made/p 0600 root made\\n' \\
        >/etc/tmpfiles.d/made.conf
      systemd-tmpfiles --create made.conf; getent passwd made; stat -c '%n %F %a %u:%g' /srv/made /srv/made/f /srv/made/p
      systemctl --version | head -n 1`,
    says: /made:x:777:777:[\s\S]*\/srv\/made directory 710 777:777\n[\s\S]*f regular file 604 777:777\n[\s\S]*p fifo 600 0:777\nsystemd \d/,
  },
  postgresql: {
    names: ['postgresql'],
    use: `pg_ctlcluster 15 main start; ${until('su postgres -c \'psql -c "select 1" >/dev/null\'')}
      su postgres -c "createdb shop; psql -tA shop -c 'create table t as select generate_series(1,100) as n' \\
        -c 'select sum(n) from t'"
      pg_ctlcluster 15 main stop`,
    says: /SELECT 100\n5050/,
    holds: `pg_ctlcluster 15 main start; ${until('su postgres -c \'psql -c "select 1" >/dev/null\'')}
      su postgres -c 'pg_dumpall; for table in proc type collation operator; do
        psql -tA -c "select * from pg_$table order by oid"; done' | grep -v restrict
      pg_ctlcluster 15 main stop`,
  },
  'mariadb-server': {
    names: ['mariadb-server'],
    use: `${mariadb(`mariadb -Ne 'create database shop; create table shop.t (n int primary key);
        insert into shop.t values (20),(22); select sum(n) from shop.t'`)}`,
    says: /^42$/m,
    // But for the times at which tables were made.
    holds: mariadb(`mariadb-dump --all-databases --skip-dump-date |
      sed -E 's/[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}/TIME/g'`),
  },
  'default-jre-headless': {
    names: ['default-jre-headless'],
    use: `java -version 2>&1; java -XshowSettings:properties -version 2>&1 | grep os.arch
      echo ${Buffer.from(sumClass()).toString('base64')} | base64 -d >/tmp/Sum.class; java -cp /tmp Sum`,
    says: /openjdk version "17[\s\S]*os\.arch = arm\n1783293664\n/,
  },
  fakeroot: {
    names: ['fakeroot'],
    use: `cd /tmp; for way in sysv tcp; do
      su -s /bin/sh nobody -c "rm -rf made; fakeroot-$way sh -ec 'id -u; mkdir made; mknod made/c c 4 64; echo x >made/f
        chown 1234:5678 made/f; chmod 4755 made/f; tar cf made/tar -C made c f'"
      tar tvf made/tar --numeric-owner; stat -c '%F %u:%g' made/c
      done`,
    says: /^(0\ncrw.* 0\/0 .*4,64 .* c\n-rwsr-xr-x 1234\/5678 .* f\nregular empty file 65534:65534\n){2}/,
  },
  // A user without privilege makes a system in user, mount and PID namespaces of their own.
  mmdebstrap: {
    names: ['mmdebstrap', 'uidmap'],
    use: `${MMDEBSTRAP}
      su -s /bin/sh builder -c 'unshare -Ur id -u
        mmdebstrap --mode=unshare --variant=extract --include=hello bookworm /tmp/made.tar $MIRROR'
      stat -c %U /tmp/made.tar; tar tvf /tmp/made.tar --numeric-owner | grep -E 'dev/(console|fd)|bin/hello'`,
    says: new RegExp(
      [
        '^0\\n',
        'builder\\n',
        'crw-rw-rw- 0/0 +5,1 2023-11-14 22:13 \\./dev/console\\n',
        'lrwxrwxrwx 0/0 .* \\./dev/fd -> /proc/self/fd\\n',
        '-rwxr-xr-x 0/0 .* \\./usr/bin/hello',
      ].join('[^]*'),
      'm',
    ),
    // qemu-arm has threads of its own, with which nobody makes a user namespace (unshare(2), EINVAL): there root makes it.
    holds: `${MMDEBSTRAP}
      as='su -s /bin/sh builder -c' mode=unshare
      $as 'unshare -Ur true' 2>/dev/null || { as='sh -c' mode=root; }
      $as "mmdebstrap --quiet --mode=$mode --variant=essential bookworm /tmp/made.tar $MIRROR" >/tmp/made.log 2>&1 || { cat /tmp/made.log; exit 1; }
      tar tvf /tmp/made.tar --numeric-owner --full-time; sha256sum /tmp/made.tar`,
    needsNetwork: true,
  },
};
