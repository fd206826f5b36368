/**
 * Command lines of an armhf Debian root that start no other process, for running under qemu-arm and armrun alike.
 *
 * A command is split at blanks; '...' and "..." keep blanks (no other quoting, no expansion). A name without a slash is in
 * /usr/bin. The working directory is fresh and empty; /srv/data holds the files that data.ts makes.
 */

export interface Command {
  readonly line: string;
  /** Standard input: a text, or the output of another command under qemu-arm. Empty when left out. */
  readonly stdin?: string | { readonly from: string };
  /** Compare what was written to standard error too (true when left out). */
  readonly stderr?: boolean;
  /** The order of lines is the file system's and may differ. */
  readonly unordered?: boolean;
  /** Short enough for the interpreter. */
  readonly short?: boolean;
}

type Entry = string | Command;
const short = (line: string): Command => ({ line, short: true });
const unordered = (line: string): Command => ({ line, unordered: true });
const fed = (line: string, stdin: Command['stdin'] & {}): Command => ({ line, stdin });

const coreutils: Entry[] = [
  short('/bin/true'),
  short('/bin/false'),
  short('echo hello world'),
  short('date -u -d @1700000000'),
  "date -u -d '2024-02-29 12:34:56 UTC + 1 year' +%s:%c:%G-W%V-%u",
  short('uname -s'),
  short('uname -m'),
  'uname -o -p -i',
  short('pwd'),
  'ls -la /etc',
  'ls -la --time-style=full-iso /usr/share',
  'ls -R /usr/lib/arm-linux-gnueabihf/perl-base',
  'ls -lS --block-size=1 /usr/sbin',
  'ls /none /etc/passwd',
  'stat -c %n:%s:%a:%U:%G:%h:%F:%Y /etc/passwd /bin /usr/bin/perl',
  'stat -L -c %n:%s:%F:%t:%T /bin/sh /dev/null',
  short('cat /etc/passwd'),
  fed('cat', 'from standard input\n'),
  fed('cat -A', 'tabs\tand\x01control\x80\n'),
  'cat /none',
  'wc /srv/data/text /etc/passwd',
  'wc -c /srv/data/random',
  'head -n 3 /srv/data/text',
  'head -c 1000 /srv/data/random',
  'tail -n 5 /srv/data/text',
  'tail -c +1048000 /srv/data/random',
  'tac /srv/data/numbers',
  'nl -ba /srv/data/csv',
  'od -A x -t x1z -N 256 /srv/data/random',
  'od -t fD -N 256 /srv/data/random',
  'hexdump -C -n 128 /srv/data/random',
  'sha512sum /srv/data/random',
  'sha256sum /srv/data/random /srv/data/text',
  'sha1sum /srv/data/random',
  'md5sum /srv/data/random /srv/data/text',
  'b2sum /srv/data/random',
  'cksum /srv/data/random',
  'sum -s /srv/data/text',
  'base64 -w 60 /srv/data/csv',
  fed('base64 -d', 'SGVsbG8sIFdvcmxkIQo=\n'),
  'base32 /srv/data/csv',
  'sort /srv/data/text',
  'sort -n /srv/data/numbers',
  'sort -rnk2,2 -t, /srv/data/csv',
  'sort -u -R --random-source=/srv/data/random /srv/data/numbers',
  'sort -c /srv/data/text',
  'uniq -c /srv/data/words',
  'comm /srv/data/words /srv/data/sorted',
  'join -t, /srv/data/csv /srv/data/csv2',
  'cut -d, -f2,4- /srv/data/csv',
  fed('tr a-z A-Z', 'to upper case\n'),
  fed("tr -d '[:punct:]'", 'a,b.c;d!\n'),
  'paste -d: /srv/data/csv /srv/data/csv2',
  'fold -s -w 40 /srv/data/text',
  'fmt -w 50 /srv/data/text',
  'pr -3 -l 30 /srv/data/numbers',
  'expand -t 4 /srv/data/csv',
  'split -l 500 --verbose /srv/data/text part-',
  'csplit -n 3 /srv/data/text 100 200',
  'shuf --random-source=/srv/data/random -i 1-100',
  'seq -s , 1 0.5 20',
  'seq 1 20000',
  'factor 600851475143 18446744073709551557 147573952589676412927',
  'numfmt --to=iec 123456789 1099511627776',
  short('expr 6 * 7'),
  "expr abcdef : 'abc\\(.*\\)'",
  short('test 5 -lt 7'),
  'printf %5.2f|%x|%s|%q\\n 3.14159 255 text "a b"',
  'basename /a/b/c.txt .txt',
  'dirname /a/b/c.txt',
  'realpath /bin/../lib/./arm-linux-gnueabihf/libc.so.6',
  'readlink -f /usr/bin/awk',
  unordered('env -u HOME'),
  'printenv PATH',
  'id',
  'id -un',
  'nproc --ignore=1000',
  'mkdir -p -v a/b/c',
  'touch -d @1000000000 stamped',
  'cp -v /srv/data/text copy',
  'dd if=/srv/data/random bs=4096 count=100 skip=7 status=none',
  'mktemp -p /none',
  'truncate -s 1M sparse',
  'ln -sv /etc/passwd link',
  'rm /none/nothing',
  'rmdir /tmp',
  'df --help',
  'sleep 0.01',
  'timeout --help',
  'cmp /srv/data/random /srv/data/text',
  'diff /srv/data/words /srv/data/sorted',
  'diff -u /srv/data/csv /srv/data/csv2',
  'tsort /srv/data/pairs',
];

const text: Entry[] = [
  'grep -c the /srv/data/text',
  "grep -nE '\\b(t[a-z]+e|w.+d) ' /srv/data/text",
  "grep -P '(?<=q)u(?!i)' /srv/data/text",
  "grep -oiw 'the' /srv/data/text",
  unordered('grep -rl root /etc'),
  'grep -F -f /srv/data/words /srv/data/text',
  'grep nothing-of-the-kind /srv/data/text',
  "sed -n '10,20p' /srv/data/text",
  "sed -E 's/([a-z]+) ([a-z]+)/\\2 \\1/g;y/aeiou/AEIOU/' /srv/data/text",
  "sed -e ':a' -e '$!N;s/\\n/+/;ta' /srv/data/csv",
  "sed --debug -n '/^a/,/^b/{=;p}' /srv/data/words",
  'mawk -F, \'{s+=$2; n[$1]++} END {print s, length(n); for (k in n) c++; printf "%.3f\\n", s/c}\' /srv/data/csv',
  "gawk '{for(i=1;i<=NF;i++) w[$i]++} END {n=asorti(w,k); for(i=1;i<=n;i++) print k[i], w[k[i]]}' /srv/data/text",
  'gawk \'BEGIN{printf "%d %s %c %e\\n", 2^53, substr("hello",2,3), 65, exp(1); print strftime("%F %T",86400*365,1)}\'',
  "gawk -M 'BEGIN{print 2^200, 3^100 % 1000007}'",
  'mawk \'BEGIN{for(i=0;i<300000;i++) s+=sin(i)*i%7; printf "%.6f\\n", s}\'',
  'awk \'BEGIN{while((getline l < "/srv/data/words")>0) n+=length(l); print n; print index("abc","c"), match("foobar",/o+/), RLENGTH}\'',
  unordered("find /etc -name '*.conf' -newermt 2000-01-01 -printf '%p %s %m\\n'"),
  unordered('find /usr/share/perl5 -type f -size +20k'),
  unordered('find /usr/lib -maxdepth 2 -type l -printf %p:%l\\n'),
  'file /usr/bin/perl /etc/passwd /srv/data/random /srv/data/text.gz /usr/lib/arm-linux-gnueabihf/libc.so.6',
  'less -F /srv/data/csv',
  "jq -c '.[] | select(.n > 40) | {id, s: (.name|ascii_upcase), q: (.n*1.5|floor)}' /srv/data/json",
  "jq -r 'map(.n) | add, (sort|reverse|.[0:5]|@csv)' /srv/data/json",
  'column -t -s, /srv/data/csv',
  'rev /srv/data/words',
  fed(
    'bc -l -q',
    'scale=60\n4*a(1)\ne(1)\n2^300\nsqrt(2)\ndefine f(n) { if (n<2) return n; return f(n-1)+f(n-2); }\nf(16)\n',
  ),
  fed('dc', '40k 2v p 2 1000^ p 10 16o p 123456789 987654321*p\n'),
  'strings -n 8 /usr/bin/true',
  'readelf -hlW /usr/bin/true',
  'readelf -sW --dyn-syms /usr/lib/arm-linux-gnueabihf/libm.so.6',
  'objdump -d --start-address=0x4000 --stop-address=0x4400 /usr/lib/arm-linux-gnueabihf/libz.so.1',
  'nm -D /usr/lib/arm-linux-gnueabihf/libz.so.1',
  'size /usr/bin/perl',
  'patch --version',
  'tar -cf - --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C /srv/data csv csv2 words text',
  fed('tar -tvf - --utc', { from: 'tar -cf - --mtime=@0 -C /srv/data csv text' }),
  fed('tar -xvf -', { from: 'tar -cf - --mtime=@0 -C /srv/data csv text' }),
];

const shells: Entry[] = [
  short('dash -c :'),
  short("dash -c 'echo $((6*7)); exit 3'"),
  "dash -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo $i'",
  'dash -c \'set -- a b c; for x do printf %s. $x; done; case $1 in a*) echo A;; esac; trap "echo bye" EXIT; kill -0 $$; f() { return 7; }; f; echo $?\'',
  "dash -c 'kill -TERM $$; echo not reached'",
  'dash -c \'trap "echo caught" USR1; kill -USR1 $$; echo after\'',
  "dash -c 'echo one > f; echo two >> f; read a < f; echo $a; cat=1; echo ${cat:-none}${none:-dflt}${#a}; umask; cd /tmp && pwd'",
  'dash /none',
  short('bash -c :'),
  "bash -c 'for ((i=0,s=0;i<30000;i++)); do ((s+=i*i%7)); done; echo $s'",
  "bash -c 'declare -A m; for w in a b c a b a; do ((m[$w]++)); done; for k in a b c; do echo $k ${m[$k]}; done'",
  "bash -c 's=hello; echo ${s^^} ${s:1:3} ${s/l/L} ${s//l/L} ${#s} ${s%o} $((16#ff)) {1..5} $1' zero one",
  'bash -c "[[ foo123bar =~ ([a-z]+)([0-9]+) ]] && echo ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"',
  'bash -c \'mapfile -t a < /srv/data/words; echo ${#a[@]} ${a[17]}; IFS=, read -r x y z < /srv/data/csv; echo $y-$x; printf "%(%Y)T\\n" 0\'',
  'bash -c \'echo $BASH_VERSION $MACHTYPE $0 $#; printf %q\\\\n "a b"; type cd; echo /etc/pa*\'',
  "bash -c 'exec 5>out; echo five >&5; exec 5>&-; read x < out; echo $x; kill -SEGV $$'",
  'bash -c \'ulimit -n 64; ulimit -n; trap "echo int" INT; kill -INT $$; echo $?; exit 300\'',
  "bash -c 'none-such-command 2>&1; echo $?'",
];

const compressors: Entry[] = [
  'gzip -nc /srv/data/text',
  'gzip -9nc /srv/data/random',
  'gzip -dc /srv/data/text.gz',
  fed('gzip -d', 'not compressed\n'),
  'gzip -tv /srv/data/text.gz',
  'bzip2 -c /srv/data/text',
  fed('bzip2 -dc', { from: 'bzip2 -c /srv/data/text' }),
  'xz -c -T1 /srv/data/text',
  'xz -9e -T1 -c /srv/data/csv',
  fed('xz -dc', { from: 'xz -c -T1 /srv/data/text' }),
  fed('xz -dc --format=lzma', { from: 'xz --format=lzma -c /srv/data/text' }),
  'zstd -q --single-thread -19 -c /srv/data/text',
  fed('zstd -q -d -c', { from: 'zstd -q --single-thread -c /srv/data/text' }),
];

const perl = (code: string) => `perl -e '${code}'`;
const python = (code: string) => `python3 -c '${code}'`;

const languages: Entry[] = [
  short('perl -e 1'),
  perl('print join(",", map { $_ ** 2 } 1..20), "\\n"; printf "%.15g %e %s\\n", 1/3, 1e100, 0.1+0.2'),
  perl(
    'my %h; $h{$_ % 97} += $_ for 1..50000; print join(" ", map {"$_=$h{$_}"} sort { $a <=> $b } keys %h), "\\n"',
  ),
  perl(
    'local $/; open F, "/srv/data/text"; $_ = <F>; my $n = () = /\\b(\\w)\\w*\\1\\b/g; s/(\\w+)/\\u$1/g; print $n, substr($_, 0, 300), "\\n"',
  ),
  perl('use bigint; print 2**256, " ", 100->bfac(), "\\n"'),
  perl(
    'use Digest::SHA qw(sha256_hex); use Digest::MD5 qw(md5_hex); use MIME::Base64; print sha256_hex("x" x 100000), md5_hex("abc"), encode_base64("hello")',
  ),
  perl(
    'use POSIX; print strftime("%F", gmtime(0)), floor(-1.5), fmod(7,3), LONG_MAX, " ", DBL_MAX, "\\n"; print pack("nNvVqw", 1..6) eq "x" ? 1 : unpack("H*", pack("nNvVqd", 1..5, 0.5)), "\\n"',
  ),
  perl(
    'use Data::Dumper; $Data::Dumper::Sortkeys = 1; print Dumper({a => [1, 2, {b => undef}], c => \\"s"}); use List::Util qw(sum max); print sum(1..100), max(3, 9, 2), "\\n"',
  ),
  perl(
    'use utf8; use Encode; binmode STDOUT, ":utf8"; my $s = decode("UTF-8", "\\xc3\\xa9t\\xc3\\xa9"); print length $s, uc $s, "\\n"; print sprintf("%vd", "1.22.333"), "\\n"',
  ),
  perl(
    'sub f { my $n = shift; $n < 2 ? $n : f($n-1) + f($n-2) } print f(18), "\\n"; my @a = sort { $b <=> $a } map { ($_ * 7919) % 10007 } 1..5000; print "@a[0..9]\\n"',
  ),
  perl('$SIG{ALRM} = sub { print "alarm\\n"; exit 4 }; alarm 1; select undef, undef, undef, 10'),
  perl(
    'opendir D, "/usr/share"; print join(" ", sort grep !/^\\./, readdir D), "\\n"; print -s "/etc/passwd", -d "/tmp" ? "d" : "-", (stat "/usr/bin/perl")[7], "\\n"; die "gone\\n"',
  ),
  perl(
    'use Storable; store [1..5], "s"; print "@{retrieve q(s)}\\n"; use Compress::Zlib; print length compress("a" x 1000), "\\n"; use Time::HiRes qw(usleep); usleep 1000; print crypt("x","ab"), "\\n"',
  ),
  'perl -V:ivsize -V:archname',
  'perl -ne "print if /e.*e/ and $. % 7 == 0" /srv/data/text',
  short('python3 -S -c pass'),
  python(
    'print(1/3, 0.1+0.2, 1e23, float("nan"), 2.5e-310, round(2.675, 2), 1e16, [x/7 for x in range(10)])',
  ),
  python(
    'print(2**1000, 3**500 % 10**50, pow(7, 10**18, 10**9+7)); import math; print(math.factorial(200), math.isqrt(10**80), math.gcd(2**200, 6**70))',
  ),
  python(
    'import re; t = open("/srv/data/text").read(); print(len(re.findall(r"\\b(\\w)\\w*\\1\\b", t)), re.sub(r"(\\w+) (\\w+)", r"\\2 \\1", t)[:200])',
  ),
  python(
    'import hashlib; d = open("/srv/data/random", "rb").read(); [print(n, hashlib.new(n, d).hexdigest()) for n in ("md5", "sha1", "sha256", "sha3_256", "blake2b")]',
  ),
  python(
    'import json; d = json.load(open("/srv/data/json")); d.sort(key=lambda r: (r["n"], r["id"])); print(json.dumps(d[:5], sort_keys=True, indent=1)); print(sum(r["n"] for r in d))',
  ),
  python(
    'import sqlite3; c = sqlite3.connect(":memory:"); c.execute("create table t(a int, b text)"); c.executemany("insert into t values(?,?)", [(i*37%101, str(i)) for i in range(2000)]); print(c.execute("select a, count(*), max(b) from t group by a order by 2 desc, 1 limit 7").fetchall())',
  ),
  python(
    'import zlib, lzma, bz2, gzip; d = open("/srv/data/text", "rb").read(); [print(m.__name__, len(m.compress(d)), m.decompress(m.compress(d)) == d) for m in (zlib, lzma, bz2, gzip)]; print(zlib.crc32(d), zlib.adler32(d))',
  ),
  python(
    'import decimal, fractions; decimal.getcontext().prec = 60; D = decimal.Decimal; print(D(2).sqrt(), D(1)/D(7), D(10).ln(), fractions.Fraction(355, 113) ** 3)',
  ),
  python(
    'import math, cmath, random, statistics; random.seed(42); r = [random.gauss(0, 1) for _ in range(1000)]; print(statistics.mean(r), statistics.stdev(r), random.sample(range(100), 5), math.gamma(5.5), cmath.exp(1j), math.fsum([0.1]*10))',
  ),
  python(
    'import struct, array, itertools, collections, datetime, textwrap; print(struct.pack("<hiqfd", 1, 2, 3, 4.5, 6.7).hex(), array.array("d", range(5)), collections.Counter("mississippi").most_common(), datetime.datetime(2024, 2, 29).isocalendar(), list(itertools.permutations("abc"))[3], textwrap.wrap("the quick brown fox", 9))',
  ),
  python(
    'import os, stat, sys; os.mkdir("d"); open("d/f", "w").write("x" * 1000); os.symlink("f", "d/l"); print(sorted(os.listdir("d")), os.stat("d/f").st_size, stat.filemode(os.lstat("d/l").st_mode), os.readlink("d/l"), [sorted(x[2]) for x in os.walk("d")]); os.rename("d/f", "d/g"); os.remove("d/g"); print(os.path.exists("d/l"), os.path.lexists("d/l"), sys.platform, sys.maxsize, os.uname().machine, sys.byteorder)',
  ),
  python(
    'import mmap, os; f = open("m", "w+b"); f.write(bytes(8192)); f.flush(); m = mmap.mmap(f.fileno(), 0); m[5000:5005] = b"hello"; m.flush(); f.seek(5000); print(f.read(5)); m.close(); import tempfile, shutil; t = tempfile.mkdtemp(dir="."); shutil.rmtree(t); print(os.path.isdir(t))',
  ),
  python(
    'import signal, os, time; signal.signal(signal.SIGUSR1, lambda s, f: print("got", s, flush=True)); os.kill(os.getpid(), signal.SIGUSR1); signal.setitimer(signal.ITIMER_REAL, 0.02); signal.signal(signal.SIGALRM, lambda s, f: print("alarm", flush=True)); time.sleep(0.1); os.kill(os.getpid(), signal.SIGKILL)',
  ),
  python(
    'import ctypes; l = ctypes.CDLL(None); print(l.abs(-5), ctypes.sizeof(ctypes.c_void_p)); F = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int)); a = (ctypes.c_int * 6)(5, 3, 9, 1, 7, 2); l.qsort(a, 6, 4, F(lambda x, y: x[0] - y[0])); print(list(a)); l.sqrt.restype = ctypes.c_double; l.sqrt.argtypes = [ctypes.c_double]; print(l.sqrt(2))',
  ),
  python(
    'import socket, select, os; a, b = socket.socketpair(); a.send(b"ping"); print(select.select([b], [], [], 1)[0] == [b], b.recv(10)); r, w = os.pipe(); os.write(w, b"x" * 100); p = select.poll(); p.register(r, select.POLLIN); print(p.poll(100)[0][1], len(os.read(r, 1000)))',
  ),
  python(
    'exec("def f(n):\\n return n if n < 2 else f(n-1) + f(n-2)\\nprint(f(19))"); print(sum(i*i for i in range(100000)), sorted((i*7919) % 10007 for i in range(5000))[:9])',
  ),
  python(
    'import threading; r = []; t = [threading.Thread(target=lambda i=i: r.append(i)) for i in range(4)]; [x.start() for x in t]; [x.join() for x in t]; print(sorted(r))',
  ),
  python('def f(): return f()\ntry: f()\nexcept RecursionError as e: print(e)'),
  python('raise SystemExit(7)'),
  python(
    'import xml.etree.ElementTree as E, csv, base64, uuid, difflib; print(E.tostring(E.fromstring("<a b=\\"1\\"><c>t</c></a>")), list(csv.reader(open("/srv/data/csv")))[:3], base64.b85encode(b"hello"), uuid.uuid5(uuid.NAMESPACE_DNS, "x"), difflib.get_close_matches("appel", ["ape", "apple"]))',
  ),
  python(
    'import unicodedata, locale, time; print(unicodedata.name("\\u00e9"), "Stra\\u00dfe".casefold(), "\\U0001f600".encode(), time.strftime("%c", time.gmtime(0)), ascii("\\u4e2d"))',
  ),
  { line: python('1/0'), stderr: true },
  'lua5.4 -e \'print(1/3, 7//2, 2^53, 1<<40, math.pi, string.format("%.14g %q", 0.1, "a\\nb"), #"text", math.maxinteger)\'',
  'lua5.4 -e \'local t = {} for i = 1, 20000 do t[i] = (i * 7919) % 10007 end table.sort(t) print(t[1], t[100], t[20000]) print(("hello world"):gsub("o", "0")) for w in ("a,b,c"):gmatch("[^,]+") do io.write(w, ";") end print(select("#", 1, 2, 3), pcall(error, "oops"))\'',
  "lua5.4 -e 'local function f(n) if n < 2 then return n end return f(n-1) + f(n-2) end print(f(20)) local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co())'",
  'sqlite3 :memory: \'with recursive c(x) as (select 1 union all select x+1 from c where x<3000) select count(*), sum(x*x), avg(x), group_concat(x%7) from c where x%13=0; select sqrt(2), printf("%.10f", 1.0/3), hex(zeroblob(2)), date(0,"unixepoch");\'',
];

const busybox = [
  'ash -c "echo $((1<<20))"',
  'awk "BEGIN{for(i=0;i<5;i++) print i*i}"',
  'sed s/root/ROOT/ /etc/passwd',
  'sort -rn /srv/data/numbers',
  'md5sum /srv/data/random',
  'sha3sum /srv/data/text',
  'bzip2 -c /srv/data/csv',
  'gunzip -c /srv/data/text.gz',
  'hexdump -C /srv/data/csv',
  'vi --help',
  'find /etc -type f -name pass*',
  'stat -c %s:%a /etc/passwd',
  'cpio --help',
  'factor 1234567890',
  'tr a-z A-Z',
  'xxd -l 64 /srv/data/random',
  'cal 2 2024',
  'ls -la /usr/share/base-passwd',
  'dc -e 5_3*p',
  'uuencode -m /srv/data/csv x',
].map((applet): Command => ({ line: `busybox ${applet}`, stdin: 'busybox reads this\n' }));

const others: Entry[] = [
  'openssl version',
  'openssl dgst -sha256 -sha512 /srv/data/random',
  'openssl dgst -blake2b512 /srv/data/random',
  'openssl dgst -sha3-256 /srv/data/random',
  'openssl dgst -md5 -hmac key /srv/data/random',
  'openssl enc -aes-256-cbc -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 0102030405060708090a0b0c0d0e0f10 -in /srv/data/text -a',
  'openssl enc -chacha20 -K 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -iv 0102030405060708090a0b0c0d0e0f10 -in /srv/data/text -a',
  'openssl enc -aes-128-ctr -pbkdf2 -S 0011223344556677 -k secret -iter 2000 -in /srv/data/csv -a',
  'openssl prime 170141183460469231731687303715884105727',
  'openssl passwd -6 -salt salt secret',
  fed(
    'openssl pkey -pubout',
    '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END PRIVATE KEY-----\n',
  ),
  'openssl asn1parse -genstr UTF8:hello',
  fed(
    '/usr/lib/gcc/arm-linux-gnueabihf/12/cc1 -quiet -O2 -o - -',
    'int f(int n) { int s = 0; for (int i = 0; i < n; i++) s += i * i % 7; return s; }\ndouble g(double x) { return x * x + 1.5; }\n',
  ),
  fed('/usr/lib/gcc/arm-linux-gnueabihf/12/cc1 -E -quiet -dM -', ''),
  fed('/usr/lib/gcc/arm-linux-gnueabihf/12/cc1 -quiet -o - -', 'int main( { return x; }\n'),
  fed('as -o /dev/null -al -', '.syntax unified\n.thumb\nadd r0, r1\nbx lr\n'),
  'iconv -f UTF-8 -t UTF-16LE /srv/data/csv',
  'getconf PAGESIZE',
  'getconf LONG_BIT',
  'getent passwd root daemon nobody',
  'locale -a',
  '/lib/ld-linux-armhf.so.3 --verify /usr/bin/perl',
  '/lib/ld-linux-armhf.so.3 /bin/echo through the loader',
  'getopt -o ab:c --long alpha,beta: -- -a -b 5 --alpha --beta=x rest',
  'mcookie --help',
  'hostname --version',
  'tput -T xterm cols',
  'infocmp -1 xterm',
  'ps --version',
  'free --help',
  'run-parts --test /usr/share/base-passwd',
];

const all: Entry[] = [...coreutils, ...text, ...shells, ...compressors, ...languages, ...busybox, ...others];

export const commands: readonly Command[] = all.map((entry) =>
  typeof entry === 'string' ? { line: entry } : entry,
);

/** The words of a command line; the first as a path. */
export function words(line: string): string[] {
  const result = Array.from(line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g), ([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double),
  );
  if (!result[0]!.includes('/')) result[0] = `/usr/bin/${result[0]}`;
  return result;
}
