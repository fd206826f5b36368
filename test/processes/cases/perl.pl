#!/usr/bin/perl
use strict; use warnings; use POSIX (); use Errno; $| = 1;
sub child(&) { my $f = shift; my $pid = fork; return $pid if $pid; my $r = $f->() || 0; POSIX::_exit($r) }
sub until_state { my ($pid, $state) = @_; for (;;) { open my $f, "<", "/proc/$pid/stat"; return if <$f> =~ /\) $state/; select undef, undef, undef, 0.01 } }

### fork-and-wait
for my $i (0 .. 4) { my $pid = child { $i }; waitpid $pid, 0; print $? >> 8, "\n" }
my $pid = child { kill 9, $$ }; wait; print $?, "\n";
print wait, " ", 0 + $!, "\n";
$pid = child { sleep 100 }; print waitpid($pid, POSIX::WNOHANG()), "\n"; kill TERM => $pid; print waitpid($pid, 0) == $pid, " $?\n";
my %p = map { my $i = $_; (child { $i } => $i) } 1 .. 40; my $n = 0; while ((my $p = wait) > 0) { $n++ if $p{$p} == $? >> 8 } print "$n\n";

### alarm
$SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; sleep 100; }; print $@; eval { alarm 1; 1 while 1; }; print $@;
eval { alarm 100; my $x = <STDIN>; print defined $x ? "line\n" : "end of file\n"; alarm 0 };
pipe my $r, my $w; eval { alarm 1; my $x = <$r>; }; print $@; alarm 1000; print alarm(0) > 8, "\n";
use Time::HiRes (); eval { Time::HiRes::ualarm(200_000); sleep 100 }; print $@; my $t = Time::HiRes::time(); Time::HiRes::usleep(200_000); print Time::HiRes::time() - $t >= 0.2, "\n"; print Time::HiRes::sleep(0.1) >= 0.1, "\n"; my $c = 0; $SIG{ALRM} = sub { $c++ }; Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0.05, 0.05); select undef, undef, undef, 10 while $c < 3; Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0); print $c >= 3, "\n";

### pipe-open
open my $f, "-|", "echo", "from echo" or die; print <$f>; close $f; print "$?\n"; open $f, "-|", "exit 3;"; close $f; print $? >> 8, "\n";
open $f, "|-", "tr a-z A-Z" or die; print $f "to tr\n"; close $f; my $pid = open $f, "-|"; if ($pid == 0) { print "forked open\n"; exit 2 } print <$f>; close $f; print $? >> 8, "\n";
print open($f, "-|", "/none") ? "opened\n" : 0 + $! . "\n"; { local $SIG{PIPE} = sub { print "pipe\n" }; until_state(open($f, "|-", "true"), "Z"); print $f "x" x 100_000; close $f; }
open $f, "seq 10000 |"; my $n = () = <$f>; print "$n\n"; close $f; open $f, "yes |"; $_ = <$f>; print; close $f; print $? & 127, "\n";

### backticks-and-system
print `echo out; exit 4`, $? >> 8, "\n"; my @l = `seq 3`; print scalar(@l), "\n"; print system("true"), system("false"), system("exit 7;") >> 8, "\n"; print system("/none"), " ", 0 + $!, "\n"; print system({ "/bin/sh" } "name", "-c", 'echo $0'), "\n"; print system("kill -9 \$\$"), "\n"; $SIG{CHLD} = "IGNORE"; print system("exit 3;"), "\n";

### signals
my @got; $SIG{$_} = sub { push @got, $_[0] } for qw(USR1 USR2 HUP); kill $_ => $$ for qw(USR1 USR2 HUP); print "@got\n"; my $pid = child { $SIG{USR1} = sub { POSIX::_exit(5) }; kill USR1 => getppid; select undef, undef, undef, 0.1 while 1 }; select undef, undef, undef, 0.05 while @got < 4; kill USR1 => $pid; waitpid $pid, 0; print $? >> 8, "\n"; print kill(0, $$), kill(0, 999999), " ", 0 + $!, "\n"; { local $SIG{INT} = "IGNORE"; kill INT => $$; print "ignored\n" } pipe my $r, my $w; $pid = child { POSIX::setpgid(0, 0); child { sleep 100 }; syswrite $w, "x"; sleep 100 }; sysread $r, my $x, 1; print kill(TERM => -$pid), "\n"; waitpid $pid, 0; print "$?\n";
my $set = POSIX::SigSet->new(POSIX::SIGUSR1()); POSIX::sigprocmask(POSIX::SIG_BLOCK(), $set); kill USR1 => $$; my $p = POSIX::SigSet->new; POSIX::sigpending($p); print $p->ismember(POSIX::SIGUSR1()), " ", scalar(@got), "\n"; POSIX::sigsuspend(POSIX::SigSet->new); print scalar(@got), "\n"; POSIX::sigaction(POSIX::SIGALRM(), POSIX::SigAction->new(sub { print "alrm\n" }, POSIX::SigSet->new, POSIX::SA_RESETHAND())); kill ALRM => $$; $pid = child { kill ALRM => $$; sleep 5 }; waitpid $pid, 0; print "$?\n"; my $ended = 0; $SIG{CHLD} = sub { while (waitpid(-1, POSIX::WNOHANG()) > 0) { print "chld\n"; $ended++ } }; child { 0 }; select undef, undef, undef, 0.05 until $ended;

### open3
use IPC::Open3; use IPC::Open2; use Symbol 'gensym'; my $pid = open3(my $in, my $out, my $err = gensym, "sh", "-c", "cat; echo err >&2; exit 3"); print $in "text\n"; close $in; print <$out>, <$err>; waitpid $pid, 0; print $? >> 8, "\n"; $pid = open2($out, $in, "bc"); for (1 .. 5) { print $in "$_ * $_\n"; print scalar <$out> } close $in; waitpid $pid, 0; print "$?\n"; eval { open3($in, $out, undef, "/none") }; print $@ =~ /No such file/ ? "none\n" : $@;

### sockets
use Socket; use IO::Socket::INET; use IO::Socket::UNIX; use IO::Select; socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0; my $pid = child { syswrite $b, "from child"; shutdown $b, 1; sysread $b, my $x, 100; print "child got $x\n"; 0 }; close $b; sysread $a, my $x, 100; print "$x\n"; syswrite $a, "reply"; waitpid $pid, 0; my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die; my $port = $s->sockport; $pid = child { my $c = IO::Socket::INET->new("127.0.0.1:$port"); print $c "line $_\n" for 1 .. 3; $c->shutdown(1); print <$c>; 0 }; my $c = $s->accept; my @l = <$c>; print $c map { uc } @l; close $c; waitpid $pid, 0; my $u = IO::Socket::UNIX->new(Listen => 1, Local => "sock"); $pid = child { my $c = IO::Socket::UNIX->new("sock"); print $c "unix\n"; 0 }; $c = $u->accept; print <$c>; waitpid $pid, 0; my $sel = IO::Select->new($u); print scalar($sel->can_read(0.1)) ? "ready\n" : "not ready\n"; socket my $d, AF_INET, SOCK_DGRAM, 0; bind $d, sockaddr_in(0, INADDR_LOOPBACK); my $to = getsockname $d; socket my $e, AF_INET, SOCK_DGRAM, 0; send $e, "datagram", 0, $to; recv $d, $x, 100, 0; print "$x\n";

### sysv-ipc
use IPC::SysV qw(IPC_PRIVATE IPC_CREAT IPC_RMID S_IRUSR S_IWUSR); use IPC::Semaphore; use IPC::Msg; use IPC::SharedMem; my $m = IPC::Msg->new(IPC_PRIVATE, S_IRUSR | S_IWUSR); child { $m->snd(2, "second"); $m->snd(1, "first"); 0 }; wait; my $x; print $m->rcv($x, 100, 1), " $x\n"; print $m->rcv($x, 100), " $x\n"; my $pid = child { $m->rcv(my $y, 100, 7); print "got $y\n"; 0 }; select undef, undef, undef, 0.2; $m->snd(7, "woken"); waitpid $pid, 0; $m->remove; my $s = IPC::Semaphore->new(IPC_PRIVATE, 2, S_IRUSR | S_IWUSR); $s->setall(0, 3); print join(",", $s->getall), "\n"; $pid = child { $s->op(0, -1, 0); print "semaphore\n"; 0 }; select undef, undef, undef, 0.02 until $s->getncnt(0); print $s->getncnt(0), "\n"; $s->op(0, 1, 0); waitpid $pid, 0; $s->remove; my $h = IPC::SharedMem->new(IPC_PRIVATE, 100, S_IRUSR | S_IWUSR); $h->attach; child { $h->attach; $h->write("shared", 0, 6); 0 }; wait; print $h->read(0, 6), "\n"; $h->remove;

### exec-and-descriptors
pipe my $r, my $w; my $pid = child { close $r; open STDOUT, ">&", $w; exec "echo", "exec to a pipe"; }; close $w; print <$r>; waitpid $pid, 0; { no warnings; print exec("/none") ? "" : 0 + $!, "\n"; } open my $save, ">&", \*STDOUT; open STDOUT, ">", "file"; print "to file\n"; system "echo from system"; open STDOUT, ">&", $save; open my $f, "<", "file"; print <$f>; local $0 = "renamed"; print `ps -o comm= -p $$`; use Fcntl; open my $k, "<", "file"; fcntl $k, F_SETFD, 0; print system("[ -e /proc/self/fd/" . fileno($k) . " ]") >> 8, "\n"; END { print "end block $?\n" } exit 6;

### flock-and-locks
use Fcntl qw(:flock :DEFAULT); open my $l, ">", "lock"; flock $l, LOCK_EX; pipe my $r, my $w; my $pid = child { close $l; open my $m, ">", "lock"; print flock($m, LOCK_EX | LOCK_NB) ? "got\n" : "busy\n"; syswrite $w, "x"; flock $m, LOCK_EX; print "after\n"; 0 }; sysread $r, my $b, 1; until_state($pid, "S"); print "unlock\n"; close $l; waitpid $pid, 0; open my $n, "+>", "n"; syswrite $n, "0     "; my @p = map { child { for (1 .. 50) { open my $o, "+<", "n"; flock $o, LOCK_EX; sysread $o, my $x, 6; sysseek $o, 0, 0; syswrite $o, sprintf "%-6d", $x + 1; close $o } 0 } } 1 .. 5; waitpid $_, 0 for @p; sysseek $n, 0, 0; sysread $n, my $x, 6; print "$x\n";

### many
my $n = 0; for (1 .. 400) { my $pid = child { 1 }; waitpid $pid, 0; $n += $? >> 8 } print "$n\n"; my @p = map { child { select undef, undef, undef, 0.3; 2 } } 1 .. 150; $n = 0; for (@p) { waitpid $_, 0; $n += $? >> 8 } print "$n\n"; sub deep { my $d = shift; return 0 unless $d; my $pid = child { deep($d - 1) + 1 }; waitpid $pid, 0; $? >> 8 } print deep(40), "\n";

### terminal
use POSIX ":termios_h"; open my $m, "+<", "/dev/ptmx" or die $!; my $zero = pack "i", 0; ioctl $m, 0x40045431, $zero or die $!; my $buf = pack "i", 0; ioctl $m, 0x80045430, $buf or die $!; my $name = "/dev/pts/" . unpack "i", $buf; my $pid = child { close STDIN; POSIX::setsid(); open STDIN, "+<", $name or die $!; print -t STDIN ? "terminal\n" : "none\n"; my $t = POSIX::Termios->new; $t->getattr(0); print $t->getlflag & ECHO ? "echo\n" : "no echo\n"; my $x = <STDIN>; print "read $x"; open my $tty, "+<", "/dev/tty" or die $!; print $tty "to tty\n"; $SIG{INT} = sub { print "int\n"; POSIX::_exit(4) }; print $tty "ready\n"; select undef, undef, undef, 0.1 while 1 }; syswrite $m, "line\n"; my $got = ""; until ($got =~ /ready/) { sysread $m, $got, 100, length $got } $got =~ s/\r/\\r/g; print $got; syswrite $m, "\3"; waitpid $pid, 0; print $? >> 8, "\n";
