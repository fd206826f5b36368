#!/usr/bin/python3
import os, select, signal, subprocess, sys, time
sys.stdout.reconfigure(line_buffering=True)
from subprocess import PIPE, DEVNULL, STDOUT, Popen, run

### run
print(run(["echo", "a b"], capture_output=True, text=True))
print(run("echo $((6*7)); exit 3", shell=True, capture_output=True).returncode)
print(run(["cat"], input="text", capture_output=True, text=True).stdout)
try: run(["false"], check=True)
except subprocess.CalledProcessError as e: print(e)
try: run(["/none"])
except OSError as e: print(e.errno, e.filename)
try: run(["/etc/passwd"])
except OSError as e: print(e.errno, e.filename)
try: run(["true"], cwd="/none")
except OSError as e: print(e.errno, e.filename)
print(run(["sh", "-c", "kill -9 $$"]).returncode)
print(subprocess.getstatusoutput("echo out; echo err >&2; exit 2"))
print(subprocess.check_output(["printf", "%s", "x"]))

### communicate
p = Popen(["sh", "-c", "cat; echo err >&2"], stdin=PIPE, stdout=PIPE, stderr=PIPE)
out, err = p.communicate(b"x" * 1000000)
print(len(out), err, p.returncode)
p = Popen(["true"], stdin=PIPE, stdout=PIPE)
print(p.communicate(b"y" * 1000000), p.returncode)
p = Popen(["cat"], stdin=PIPE, stdout=PIPE, text=True, bufsize=1)
for i in range(50):
    p.stdin.write(f"{i}\n"); p.stdin.flush()
    assert p.stdout.readline() == f"{i}\n"
p.stdin.close(); print(p.wait(), p.stdout.read() == "")

### timeout
t = time.monotonic()
try: run(["sleep", "100"], timeout=0.3)
except subprocess.TimeoutExpired as e: print(e.cmd, e.output)
print(0.3 <= time.monotonic() - t < 50)
p = Popen(["sh", "-c", "echo first; exec sleep 100"], stdout=PIPE)
select.select([p.stdout], [], [])
try: p.communicate(timeout=1)
except subprocess.TimeoutExpired as e: print(e.output in (b"first\n", None))
p.kill(); print(p.communicate(), p.returncode)
p = Popen(["sleep", "100"])
try: p.wait(0.1)
except subprocess.TimeoutExpired: print("timeout")
print(p.poll()); p.terminate(); print(p.wait())

### pipeline
a = Popen(["seq", "100000"], stdout=PIPE)
b = Popen(["grep", "7"], stdin=a.stdout, stdout=PIPE)
c = Popen(["wc", "-l"], stdin=b.stdout, stdout=PIPE)
a.stdout.close(); b.stdout.close()
print(c.communicate()[0], a.wait(), b.wait())
a = Popen(["yes"], stdout=PIPE)
b = Popen(["head", "-1"], stdin=a.stdout, stdout=PIPE)
a.stdout.close()
print(b.communicate()[0], a.wait())

### preexec-and-session
print(run(["sh", "-c", "ps -o pid=,sid= -p $$ | (read a b; [ $a = $b ] && echo leader)"], start_new_session=True, capture_output=True).stdout)
sys.stdout.flush()
def before():
    os.nice(3); os.umask(0o77); os.chdir("/")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
print(run(["sh", "-c", "nice; umask; pwd; kill -USR1 $$; echo alive"], preexec_fn=before, capture_output=True, text=True).stdout)
def bad(): raise ValueError("no")
try: run(["true"], preexec_fn=bad)
except subprocess.SubprocessError as e: print(e)
print(run(["id", "-u"], user=5, group=6, extra_groups=[7], capture_output=True).stdout, run(["id", "-G"], user=5, group=6, extra_groups=[7], capture_output=True).stdout)
print(run(["sh", "-c", "umask"], umask=0o27, capture_output=True).stdout)
p = Popen(["sh", "-c", "ps -o pid=,pgid= -p $$ | (read a b; [ $a = $b ] && echo group)"], process_group=0) if sys.version_info >= (3, 11) else None
print(p.wait())

### descriptors
r, w = os.pipe()
p = Popen(["sh", "-c", f"echo through >&{w}; ls /proc/self/fd | wc -l"], pass_fds=[w], stdout=PIPE)
os.close(w)
print(os.read(r, 100), p.communicate()[0])
os.set_inheritable(r, True)
print(run(["sh", "-c", "ls /proc/self/fd | wc -l"], stdout=PIPE).stdout, run(["sh", "-c", "ls /proc/self/fd | wc -l"], close_fds=False, stdout=PIPE).stdout)
print(run(["sh", "-c", "echo e >&2; echo o"], stdout=PIPE, stderr=STDOUT).stdout)
print(run(["cat"], stdin=DEVNULL, stdout=PIPE).stdout)
with open("f", "w+") as f:
    run(["echo", "to a file"], stdout=f); f.seek(0); print(f.read())

### signals
p = Popen([sys.executable, "-c", "import os,signal,time\nsignal.signal(signal.SIGTERM, lambda *a: (os.write(1, b'term'), os._exit(4)))\nos.write(1, b'ready\\n')\nwhile True: time.sleep(0.05)"], stdout=PIPE, text=True)
print(p.stdout.readline()); p.send_signal(signal.SIGTERM); print(p.communicate(), p.returncode)
p = Popen(["sleep", "100"]); p.send_signal(signal.SIGSTOP)
print(os.WIFSTOPPED(os.waitpid(p.pid, os.WUNTRACED)[1])); p.send_signal(signal.SIGCONT); print(os.WIFCONTINUED(os.waitpid(p.pid, os.WCONTINUED)[1]))
p.kill(); print(p.wait())
print(run([sys.executable, "-c", "import os; os.abort()"], stderr=DEVNULL).returncode)
print(run([sys.executable, "-c", "raise KeyboardInterrupt"], stderr=DEVNULL).returncode)
print(run([sys.executable, "-c", "import sys; sys.exit('message')"], capture_output=True))

### many
ps = [Popen(["sh", "-c", f"exit {i % 50}"]) for i in range(60)]
print(sum(p.wait() for p in ps))
for i in range(60): run(["true"], check=True)
print(len(os.listdir("/proc/self/fd")))

### posix-spawn
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "echo $A; exit 3"], {"A": "value"})
print(os.waitpid(pid, 0)[1] >> 8)
r, w = os.pipe()
pid = os.posix_spawnp("echo", ["echo", "to a pipe"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1), (os.POSIX_SPAWN_CLOSE, r)])
os.close(w); print(os.read(r, 100), os.waitpid(pid, 0)[1])
pid = os.posix_spawn("/bin/cat", ["cat"], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/etc/hostname", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, "copy", os.O_WRONLY | os.O_CREAT, 0o600)])
print(os.waitpid(pid, 0)[1], open("copy").read() == open("/etc/hostname").read())
try: os.posix_spawn("/none", ["x"], {})
except OSError as e: print(e)
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "kill -USR1 $$; kill -USR2 $$; echo no"], os.environ, setsigdef=[signal.SIGUSR2], setpgroup=0, setsigmask=[])
print(os.waitpid(pid, 0)[1])
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "kill -TERM $$; echo blocked"], os.environ, setsigmask=[signal.SIGTERM])
print(os.waitpid(pid, 0)[1])

### system-and-popen
print(os.system("exit 5") >> 8, os.system("kill -15 $$ 2>/dev/null"))
f = os.popen("echo out; exit 3"); print(f.read(), f.close())
print(os.spawnlp(os.P_WAIT, "sh", "sh", "-c", "exit 6"), os.spawnlp(os.P_WAIT, "sh", "sh", "-c", "kill -9 $$"))

### pty
import pty
pid, fd = pty.fork()
if pid == 0:
    print(os.isatty(0), os.ttyname(0).startswith("/dev/pts/"), os.getsid(0) == os.getpid(), os.tcgetpgrp(0) == os.getpid())
    x = input("? "); print("got", x); sys.stdout.flush(); os._exit(3)
out = b""
while not out.endswith(b"? "): out += os.read(fd, 1000)
os.write(fd, b"line\n")
while True:
    try: d = os.read(fd, 1000)
    except OSError as e: print(e.errno); break
    if not d: break
    out += d
print(out, os.waitpid(pid, 0)[1] >> 8)

### pty-job-control
import pty
pid, fd = pty.fork()
if pid == 0: os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
got = b""
def expect(text):
    global got
    while text not in got: got += os.read(fd, 4096)
    got = got[got.index(text) + len(text):]
# Keys are for what has the terminal; before it is executed it may still ignore them as the shell does.
def in_front(name):
    while (group := os.tcgetpgrp(fd)) == pid or open(f"/proc/{group}/comm").read() != name + "\n": time.sleep(0.01)
os.write(fd, b"PS1='ready'':'; echo begin\n"); expect(b"begin\r\nready:")
os.write(fd, b"sleep 1000\n"); expect(b"sleep 1000\r\n"); in_front("sleep"); os.write(fd, b"\x1a"); expect(b"Stopped"); expect(b"ready:"); print("stopped")
os.write(fd, b"bg\n"); expect(b"sleep 1000 &"); expect(b"ready:"); print("background")
os.write(fd, b"fg\n"); expect(b"\nsleep 1000\r\n"); in_front("sleep"); os.write(fd, b"\x03"); expect(b"ready:"); print("interrupted")
os.write(fd, b"echo status=$?\n"); expect(b"status=130"); print(130)
os.write(fd, b"trap 'echo h''up; exit' HUP; kill -HUP $$\n"); expect(b"hup\r\n"); print("hup"); print(os.waitpid(pid, 0)[1])

### pty-hangup
import pty
pid, fd = pty.fork()
if pid == 0:
    signal.signal(signal.SIGHUP, lambda *a: (open("hup", "w").write("hup"), os._exit(5)))
    print("ready", flush=True)
    while True: time.sleep(0.05)
print(os.read(fd, 100)); os.close(fd); print(os.waitpid(pid, 0)[1] >> 8, open("hup").read())
