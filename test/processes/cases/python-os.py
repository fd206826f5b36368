#!/usr/bin/python3
import ctypes, errno, fcntl, mmap, os, resource, select, signal, socket, struct, sys, threading, time
def child(f):
    pid = os.fork()
    if pid: return pid
    try: code = f() or 0
    except BaseException as e: print(repr(e)); code = 99
    sys.stdout.flush(); os._exit(code)
def tried(f, *a):
    try: return f(*a)
    except OSError as e: return errno.errorcode[e.errno]
def until(f):
    while not f(): time.sleep(0.01)
def state(pid): return open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1][0]
# One long sleep could begin after the signal whose handler is to be run has come.
def sleep_on():
    while True: time.sleep(0.05)
sys.stdout.reconfigure(line_buffering=True)

### fork-and-wait
for i in range(3):
    pid = child(lambda: i); print(os.waitpid(pid, 0) == (pid, i << 8))
print(tried(os.wait), tried(os.waitpid, os.getpid(), 0))
r, w = os.pipe(); pid = child(lambda: os.read(r, 1) and 0); print(os.waitpid(pid, os.WNOHANG)); os.write(w, b"x"); print(os.waitpid(-1, 0)[1])
pid = child(lambda: os.kill(os.getpid(), signal.SIGKILL)); p, s, u = os.wait4(pid, 0); print(s, u.ru_utime >= 0); 
pid = child(lambda: 4); r = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT); print(r.si_status, r.si_code == os.CLD_EXITED, r.si_pid == pid); print(os.waitpid(pid, 0)[1])
pid = child(lambda: os.kill(os.getpid(), signal.SIGTERM)); r = os.waitid(os.P_ALL, 0, os.WEXITED); print(r.si_status, r.si_code == os.CLD_KILLED)
pid = child(signal.pause); print(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG)); os.kill(pid, 9); os.wait()
pids = [child(lambda: 0) for i in range(30)]; print(sorted(os.wait()[0] for _ in pids) == sorted(pids))

### wait-groups
a = child(lambda: (os.setpgid(0, 0), time.sleep(100))); os.setpgid(a, a); b = child(lambda: 5)
print(os.waitpid(0, 0)[1] >> 8); print(os.waitpid(-a, os.WNOHANG)); os.killpg(a, 15); print(os.waitpid(-a, 0)[1]); print(tried(os.waitpid, -a, 0))
r, w = os.pipe(); c = child(lambda: (os.execvp("sleep", ["sleep", "100"]))); os.close(w); os.read(r, 1); print(tried(os.setpgid, c, c)); os.kill(c, 9); os.wait()
print(tried(os.setpgid, 999999, 0), tried(os.getpgid, 999999), tried(os.setsid), os.getpgrp() == os.getpid() == os.getsid(0))

### stop-and-continue
pid = child(lambda: time.sleep(100)); os.kill(pid, signal.SIGSTOP)
s = os.waitpid(pid, os.WUNTRACED)[1]; print(os.WIFSTOPPED(s), os.WSTOPSIG(s)); print(os.waitpid(pid, os.WUNTRACED | os.WNOHANG))
os.kill(pid, signal.SIGCONT); s = os.waitpid(pid, os.WCONTINUED)[1]; print(os.WIFCONTINUED(s))
os.kill(pid, signal.SIGSTOP); r = os.waitid(os.P_PID, pid, os.WSTOPPED); print(r.si_code == os.CLD_STOPPED, r.si_status); os.kill(pid, signal.SIGCONT); r = os.waitid(os.P_PID, pid, os.WCONTINUED | os.WNOWAIT); print(r.si_code == os.CLD_CONTINUED, r.si_status); r = os.waitid(os.P_PID, pid, os.WCONTINUED); print(r.si_code == os.CLD_CONTINUED)
os.kill(pid, signal.SIGSTOP); os.waitpid(pid, os.WUNTRACED); os.kill(pid, signal.SIGTERM); time.sleep(0.2); print(os.waitpid(pid, os.WNOHANG)); os.kill(pid, signal.SIGCONT); print(os.waitpid(pid, 0)[1])

### sigchld-ignored
signal.signal(signal.SIGCHLD, signal.SIG_IGN); pid = child(lambda: 3); print(tried(os.wait)); until(lambda: not os.path.exists(f"/proc/{pid}"))
signal.signal(signal.SIGCHLD, signal.SIG_DFL); pid = child(lambda: 3); time.sleep(0.2); print(os.waitpid(pid, 0)[1])

### sigchld-count
n = 0
def h(*a):
    global n
    while True:
        try: p, s = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError: return
        if p == 0: return
        n += 1
signal.signal(signal.SIGCHLD, h)
for i in range(50): child(lambda: 0)
t = time.monotonic()
while n < 50 and time.monotonic() - t < 90: time.sleep(0.05)
print(n)

### timers
got = []; signal.signal(signal.SIGALRM, lambda *a: got.append("alrm")); signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
while len(got) < 4: signal.pause()
signal.setitimer(signal.ITIMER_REAL, 0); del got[4:]; print(got); signal.alarm(1000); print(900 < signal.alarm(0) <= 1000)
signal.signal(signal.SIGVTALRM, lambda *a: got.append("vt")); signal.setitimer(signal.ITIMER_VIRTUAL, 0.05)
while "vt" not in got: pass
signal.signal(signal.SIGPROF, lambda *a: got.append("prof")); signal.setitimer(signal.ITIMER_PROF, 0.05, 0.05)
while got.count("prof") < 2: pass
signal.setitimer(signal.ITIMER_PROF, 0)
print(got[:6]); t = time.monotonic(); time.sleep(0.25); print(time.monotonic() - t >= 0.25)

### sigwait
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals()); os.kill(os.getpid(), signal.SIGUSR1); os.kill(os.getpid(), signal.SIGHUP)
print(sorted(s.name for s in signal.sigpending())); print(signal.sigwait([signal.SIGUSR1, signal.SIGUSR2])); i = signal.sigwaitinfo([signal.SIGHUP]); print(i.si_signo, i.si_pid == os.getpid(), i.si_code)
print(signal.sigtimedwait([signal.SIGUSR1], 0.1)); pid = child(lambda: (time.sleep(0.2), os.kill(os.getppid(), signal.SIGUSR2)) and 0); i = signal.sigtimedwait([signal.SIGUSR2], 20); print(i.si_signo, i.si_pid == pid)
i = signal.sigtimedwait([signal.SIGCHLD], 20); print(i.si_status, i.si_pid == pid)

### wakeup-descriptor
r, w = socket.socketpair(); w.setblocking(False); signal.set_wakeup_fd(w.fileno()); signal.signal(signal.SIGUSR1, lambda *a: None); signal.signal(signal.SIGALRM, lambda *a: None)
os.kill(os.getpid(), signal.SIGUSR1); print(r.recv(10)); signal.alarm(1); print(select.select([r], [], [], 20)[0] == [r], r.recv(10))
signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, 0.1); a, b = os.pipe(); threading.Timer(0.4, os.write, (b, b"x")).start(); print(os.read(a, 10))

### interrupted-calls
armed = False
# The timer goes on: the first signal may have come before the call.
def h(*a):
    global armed
    if armed: armed = False; signal.setitimer(signal.ITIMER_REAL, 0); raise InterruptedError
signal.signal(signal.SIGALRM, h)
a, b = os.pipe(); s, t = socket.socketpair(); l = open("l", "w"); fcntl.flock(l, fcntl.LOCK_EX)
pid = child(lambda: (g := open("l2", "w"), fcntl.lockf(g, fcntl.LOCK_EX), os.write(b, b"x"), time.sleep(100))); os.read(a, 1)
os.mkfifo("fifo"); e = select.epoll(); q = threading.Semaphore(0)
for name, f in {"read": lambda: os.read(a, 1), "recv": lambda: s.recv(1), "select": lambda: select.select([a], [], []), "poll": lambda: (lambda p: (p.register(a), p.poll()))(select.poll()), "epoll": e.poll, "flock": lambda: fcntl.flock(open("l"), fcntl.LOCK_SH), "lockf": lambda: fcntl.lockf(open("l2", "w"), fcntl.LOCK_EX), "wait": os.wait, "pause": signal.pause, "fifo": lambda: os.open("fifo", os.O_RDONLY), "sleep": lambda: time.sleep(100), "sem": q.acquire, "sigtimedwait": lambda: signal.sigtimedwait([signal.SIGUSR1], 100), "write": lambda: os.write(b, b"x" * 1000000)}.items():
    try: armed = True; signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05); print(name, f())
    except InterruptedError: print(name, "interrupted")
os.kill(pid, 9); os.wait()

### select-poll-epoll
r, w = os.pipe(); r2, w2 = os.pipe()
print(select.select([r, r2], [w], [], 0)[1] == [w]); os.write(w2, b"x"); print(select.select([r, r2], [], [])[0] == [r2]); t = time.monotonic(); print(select.select([r], [], [], 0.1), time.monotonic() - t >= 0.1)
p = select.poll(); p.register(r, select.POLLIN); p.register(r2, select.POLLIN); print([(fd == r2, e) for fd, e in p.poll()]); os.close(w); print(sorted(e for fd, e in p.poll()))
e = select.epoll(); e.register(r2, select.EPOLLIN | select.EPOLLET); print(len(e.poll(1)), len(e.poll(0))); os.write(w2, b"y"); print(len(e.poll(1))); e.modify(r2, select.EPOLLIN | select.EPOLLONESHOT); print(len(e.poll(1)), len(e.poll(0)))
e2 = select.epoll(); e2.register(e.fileno(), select.EPOLLIN); print(len(e2.poll(0))); e.modify(r2, select.EPOLLIN); print(len(e2.poll(1))); print(tried(e.register, r2, 1), tried(e.unregister, 999))
os.read(r2, 10); pid = child(lambda: (time.sleep(0.2), os.write(w2, b"z")) and 0); print(len(e.poll(20)), os.read(r2, 10)); os.waitpid(pid, 0)
s = socket.socketpair(); e.register(s[0], select.EPOLLRDHUP | select.EPOLLIN); s[1].shutdown(socket.SHUT_WR); print([ev for fd, ev in e.poll(1)]); s[1].close(); print([ev for fd, ev in e.poll(1)])

### shared-mappings
m = mmap.mmap(-1, 8192); f = open("f", "w+b"); f.truncate(8192); n = mmap.mmap(f.fileno(), 8192); q = mmap.mmap(f.fileno(), 8192, mmap.MAP_PRIVATE)
def c(): m[0:5] = b"child"; n[0:5] = b"child"; q[0:5] = b"child"; m[5000:5004] = b"page"
os.waitpid(child(c), 0); print(m[0:5], n[0:5], q[0:5], m[5000:5004]); f.seek(0); print(f.read(5)); os.pwrite(f.fileno(), b"write", 0); print(n[0:5]); n.flush()
def counter():
    for _ in range(200): fcntl.lockf(f, fcntl.LOCK_EX, 1); m[100:104] = struct.pack("i", struct.unpack("i", m[100:104])[0] + 1); fcntl.lockf(f, fcntl.LOCK_UN, 1)
pids = [child(counter) for _ in range(4)]; [os.waitpid(p, 0) for p in pids]; print(struct.unpack("i", m[100:104]))
fd = os.memfd_create("mem"); os.ftruncate(fd, 4096); x = mmap.mmap(fd, 4096); os.waitpid(child(lambda: os.pwrite(fd, b"memfd", 0) and 0), 0); print(x[:5])

### record-locks
f = open("f", "w+b"); f.write(b"x" * 100); f.flush(); fcntl.lockf(f, fcntl.LOCK_EX, 10, 0); r, w = os.pipe()
def c():
    g = open("f", "r+b"); print(tried(fcntl.lockf, g, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 5)); print(tried(fcntl.lockf, g, fcntl.LOCK_EX | fcntl.LOCK_NB, 5, 10))
    l = fcntl.fcntl(g, fcntl.F_GETLK, struct.pack("hhqqi4x" if sys.maxsize > 2**32 else "hhiii", fcntl.F_WRLCK, 0, 0, 0, 0)); print(struct.unpack("hh", l[:4])); os.write(w, b"x"); fcntl.lockf(g, fcntl.LOCK_EX, 10, 0); print("locked")
pid = child(c); os.read(r, 1); until(lambda: state(pid) == "S"); print("unlocks"); fcntl.lockf(f, fcntl.LOCK_UN, 10, 0); os.waitpid(pid, 0)
fcntl.lockf(f, fcntl.LOCK_EX, 1, 0); r2, w2 = os.pipe()
def c():
    g = open("f", "r+b"); fcntl.lockf(g, fcntl.LOCK_EX, 1, 1); os.write(w, b"x"); print("child", tried(fcntl.lockf, g, fcntl.LOCK_EX, 1, 0)); os.read(r2, 1)
pid = child(c); os.read(r, 1); until(lambda: state(pid) == "S"); print("parent", tried(fcntl.lockf, f, fcntl.LOCK_EX, 1, 1)); fcntl.lockf(f, fcntl.LOCK_UN); os.write(w2, b"x"); os.waitpid(pid, 0)
open("f").close(); pid = child(lambda: print(tried(fcntl.lockf, open("f", "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB))); os.waitpid(pid, 0)

### unix-sockets
a, b = socket.socketpair(); r, w = os.pipe()
pid = child(lambda: socket.send_fds(b, [b"fds"], [w]) and 0); msg, fds, flags, addr = socket.recv_fds(a, 100, 5); print(msg, len(fds)); os.waitpid(pid, 0); os.write(fds[0], b"through"); print(os.read(r, 100))
os.close(w); os.close(fds[0]); print(os.read(r, 1)); s = socket.socket(socket.AF_UNIX); s.bind("sock"); s.listen()
def c(): k = socket.socket(socket.AF_UNIX); k.connect("sock"); k.sendall(b"hello"); k.shutdown(socket.SHUT_WR); print(k.recv(100)); k.close()
pid = child(c); k, _ = s.accept(); cred = struct.unpack("3i", k.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)); print(cred[0] == pid, cred[1:]); print(k.recv(100), k.recv(100)); k.sendall(b"bye"); os.waitpid(pid, 0); k.close()
d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind("\0abstract"); os.waitpid(child(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"dgram", "\0abstract") and 0), 0); print(d.recv(100)); p, q = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET); p.send(b"one"); p.send(b"two"); print(q.recv(100), q.recv(2)); p.close(); print(q.recv(10)); signal.signal(signal.SIGPIPE, signal.SIG_DFL); pid = os.fork()
if pid == 0: sys.stderr = None; signal.signal(signal.SIGPIPE, signal.SIG_DFL); q.send(b"x"); os._exit(0)
print(os.waitpid(pid, 0)[1]); print(tried(q.send, b"x", socket.MSG_NOSIGNAL))

### tcp
s = socket.create_server(("127.0.0.1", 0)); port = s.getsockname()[1]
def c(i): k = socket.create_connection(("127.0.0.1", port)); k.sendall(f"client {i}".encode()); k.shutdown(socket.SHUT_WR); r = k.recv(100); k.close(); return 0 if r == f"client {i}".upper().encode() else 1
pids = [child(lambda: c(i)) for i in range(8)]
for _ in pids:
    k, a = s.accept(); d = b""
    while (x := k.recv(100)): d += x
    k.sendall(d.upper()); k.close()
print([os.waitpid(p, 0)[1] for p in pids]); big = os.urandom(300000)
def c(): k = socket.create_connection(("127.0.0.1", port)); k.sendall(big); k.close()
pid = child(c); k, a = s.accept(); d = b""
while (x := k.recv(65536)): d += x
print(d == big); os.waitpid(pid, 0); s.close(); print(tried(socket.create_connection, ("127.0.0.1", port)))

### resources
print(resource.getrlimit(resource.RLIMIT_CORE)[0], tried(resource.setrlimit, resource.RLIMIT_NOFILE, (100, 200)), resource.getrlimit(resource.RLIMIT_NOFILE))
def c():
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2)); signal.signal(signal.SIGXCPU, lambda *a: os._exit(8))
    while True: pass
print(os.waitpid(child(c), 0)[1] >> 8)
def c(): resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); f = os.open("big", os.O_WRONLY | os.O_CREAT); print(os.write(f, b"x" * 2000)); signal.signal(signal.SIGXFSZ, signal.SIG_IGN); print(tried(os.write, f, b"x")); signal.signal(signal.SIGXFSZ, signal.SIG_DFL); os.write(f, b"x")
print(os.waitpid(child(c), 0)[1])
def c(): resource.setrlimit(resource.RLIMIT_AS, (300 << 20,) * 2); print(tried(mmap.mmap, -1, 400 << 20))
print(os.waitpid(child(c), 0)[1]); t = os.times(); [x * x for x in range(300000)]; u = os.times(); print(u.user + u.system > t.user + t.system); os.waitpid(child(lambda: [x * x for x in range(300000)] and 0), 0); print(os.times().children_user > 0, resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > 0)
print(tried(resource.prlimit, 0, resource.RLIMIT_NOFILE), tried(resource.prlimit, 999999, resource.RLIMIT_NOFILE)); os.nice(5); print(os.nice(0), os.getpriority(os.PRIO_PROCESS, 0), tried(os.setpriority, os.PRIO_PROCESS, 999999, 1))

### orphans-and-reapers
libc = ctypes.CDLL(None, use_errno=True); r, w = os.pipe()
def c(): middle = os.getpid(); child(lambda: (until(lambda: os.getppid() != middle), os.write(w, f"{os.getppid() == 1}".encode())) and 0)
os.waitpid(child(c), 0); print(os.read(r, 10)); libc.prctl(36, 1, 0, 0, 0); me = os.getpid()
def c(): middle = os.getpid(); child(lambda: (until(lambda: os.getppid() != middle), os.write(w, f"{os.getppid() == me}".encode())) and 5)
os.waitpid(child(c), 0); print(os.read(r, 10)); print(os.wait()[1] >> 8)
def c():
    libc.prctl(1, signal.SIGUSR1, 0, 0, 0); signal.signal(signal.SIGUSR1, lambda *a: (os.write(w, b"parent died"), os._exit(0))); os.write(w2, b"x"); sleep_on()
r2, w2 = os.pipe()
os.waitpid(child(lambda: (child(c), os.read(r2, 1)) and 0), 0); print(os.read(r, 100)); print(os.wait()[1])

### pidfds
r, w = os.pipe(); pid = child(lambda: (os.read(r, 1), time.sleep(0.2)) and 6); fd = os.pidfd_open(pid); print(select.select([fd], [], [], 0)[0]); os.write(w, b"x"); print(len(select.select([fd], [], [], 20)[0])); r = os.waitid(os.P_PIDFD, fd, os.WEXITED); print(r.si_status); print(tried(signal.pidfd_send_signal, fd, 0))
pid = child(signal.pause); fd = os.pidfd_open(pid); signal.pidfd_send_signal(fd, signal.SIGTERM); print(os.waitpid(pid, 0)[1]); print(tried(os.pidfd_open, 999999))

### exec
r, w = os.pipe(); pid = child(lambda: (os.dup2(w, 1), os.execve("/bin/sh", ["sh", "-c", "echo $A $0", "zero"], {"A": "b"}))); os.waitpid(pid, 0); print(os.read(r, 100))
for p in ("/none", "/etc", "/etc/passwd", "/etc/passwd/x", "x" * 5000): print(tried(os.execv, p, ["x"]))
print(tried(os.execv, "/bin/true", ["x" * 200000])); print(tried(os.execvp, "nosuch", ["x"])); pid = child(lambda: os.execvpe("sh", ["sh", "-c", "exit 3"], {"PATH": "/bin"})); print(os.waitpid(pid, 0)[1] >> 8)
signal.signal(signal.SIGUSR1, lambda *a: 0); signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]); os.execvp("grep", ["grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"])

### posix-queue-files
fd = os.eventfd(3); print(os.eventfd_read(fd)); os.eventfd_write(fd, 5); os.waitpid(child(lambda: os.eventfd_write(fd, 2)), 0); print(os.eventfd_read(fd)); fd = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK); os.eventfd_write(fd, 2); print(os.eventfd_read(fd), os.eventfd_read(fd), tried(os.eventfd_read, fd))
r, w = os.pipe2(os.O_NONBLOCK); print(tried(os.read, r, 1)); n = 0
while not isinstance(k := tried(os.write, w, b"x" * 4096), str): n += k
print(n, k, fcntl.fcntl(w, 1032)); print(fcntl.fcntl(w, 1031, 4096) if tried(fcntl.fcntl, w, 1031, 4096) != "EBUSY" else "EBUSY"); a, b = os.pipe(); os.write(a and b, b"splice"); os.read(r, 65536); print(os.splice(a, w, 100), os.read(r, 65536)[-6:])
src = os.open("/etc/passwd", os.O_RDONLY); dst = os.open("copy", os.O_RDWR | os.O_CREAT); print(os.sendfile(dst, src, 0, 100), os.copy_file_range(src, dst, 50, 0, 100)); os.lseek(dst, 0, 0); print(len(os.read(dst, 1000)))
