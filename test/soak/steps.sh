# What the guest does, round after round, for $1 seconds: every step has a deadline and an output it must have.
# Each round ends with a line 'round N processes zombies', each failed step with a line 'failed ...'.
cd /dev/shm
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
# A step that hangs is a wake-up that was lost.
deadline=300
step() {
  local name=$1 expected=$2 got status
  shift 2
  got=$(timeout -k 5 $deadline "$@" 2>&1 </dev/null)
  status=$?
  [ "$status $got" = "0 $expected" ] || echo "failed $name: status $status, output: $got"
}

shell() {
  step loops 500500 bash -c 's=0; for ((i = 1; i <= 1000; i++)); do ((s += i)); done; echo $s'
  step subshells 10 bash -c 'f() { [ $1 = 0 ] && echo 0 || echo $(($(f $(($1 - 1))) + 1)); }; f 10'
  step pipeline 2000 bash -c 'seq 2000 | cat | tac | sort -n | sed s/^/x/ | tr -d x | awk "{ print }" | cat | tee f.$$ | wc -l; rm f.$$'
  step here 'a b' bash -c 'read x < <(echo a); read y <<< b; echo $x $y'
  step coproc hello bash -c 'coproc cat; echo hello >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x; kill $COPROC_PID'
  step fifo '1 2 3' bash -c 'mkfifo p.$$; seq 3 > p.$$ & echo $(cat p.$$); wait; rm p.$$'
}

processes() {
  step sequential 60 bash -c 'n=0; for i in {1..60}; do /bin/true && ((n++)); done; echo $n'
  step concurrent '40 40' bash -c 'p=(); for i in {1..40}; do (exit 1) & p+=($!); /bin/sleep 0.0$((i % 7)) & p+=($!); done; n=0; for q in ${p[@]}; do wait $q || ((n++)); done; echo $n $((${#p[@]} - n))'
  step xargs '1 2 3 4 5 6 7 8' bash -c 'seq 8 | xargs -n1 -P4 sh -c "sleep 0.0\$0; echo \$0" | sort | xargs'
  step orphans done bash -c '(sleep 0.02 & sleep 0.03 & ) ; (setsid sh -c "sleep 0.01; exit 3" &); sleep 0.05; echo done'
  step flock 20 bash -c 'echo 0 > n.$$; for i in {1..20}; do flock n.$$ sh -c "read n < n.$$; echo \$((n + 1)) > n.$$" & done; wait; cat n.$$; rm n.$$'
}

signals() {
  step traps 'usr1 30' bash -c 'n=0; trap "((n++))" USR1; for i in {1..30}; do k=$n; kill -USR1 $$; while [ $n = $k ]; do :; done; done; echo usr1 $n'
  step stopped 'stopped ended' bash -c 'exec 2>/dev/null; set -m; sh -c "kill -STOP \$\$; exit 7" & p=$!; until jobs | grep Stopped; do sleep 0.01; done > /dev/null; kill -CONT $p; while wait $p; s=$?; [ $s -gt 128 ]; do sleep 0.01; done; [ $s = 7 ] && echo stopped ended'
  step killed '143 137' bash -c 'exec 2>/dev/null; sleep 100 & a=$!; perl -e "1 while 1" & b=$!; sleep 0.02; kill $a; kill -9 $b; wait $a; x=$?; wait $b; echo $x $?'
  step alarm 'alarm child 5' perl -e 'use strict; $| = 1; my $got = 0; $SIG{ALRM} = sub { $got = 1 }; alarm 1; my $r = select(undef, undef, undef, 30); print $got ? "alarm " : "no alarm "; my $p = fork // die; if ($p == 0) { exit 5 } waitpid $p, 0; print "child ", $? >> 8, "\n"'
  step preempted 124 bash -c 'for i in 1 2 3; do timeout 0.1 awk "BEGIN { while (1); }" & done; timeout 0.1 sh -c "while :; do :; done"; s=$?; wait; echo $s'
}

terminals() {
  step script 'typed text.' bash -c 'script -qec "stty -echo; read x; echo \$x." /dev/null < <(sleep 0.05; echo typed text; sleep 0.3) | tr -d "\r"'
  step pty "b'one\\r\\n' 0" python3 -c '
import os, pty
pid, fd = pty.fork()
if pid == 0:
    os.execvp("echo", ["echo", "one"])
data = b""
while True:
    try:
        piece = os.read(fd, 100)
    except OSError:
        break
    if not piece:
        break
    data += piece
print(data, os.waitpid(pid, 0)[1])'
}

memory() {
  step mmap '1225 4096' python3 -c '
import mmap, os
m = mmap.mmap(-1, 1 << 20)
for i in range(50):
    if os.fork() == 0:
        m[i] = i
        os._exit(0)
for i in range(50):
    os.wait()
f = open("map.%d" % os.getpid(), "w+b"); f.truncate(4096); g = mmap.mmap(f.fileno(), 4096); g[:] = b"x" * 4096
os.unlink(f.name)
print(sum(m[:50]), f.read().count(b"x"))'
  step sysv 'shared 8' perl -MIPC::SysV=IPC_PRIVATE,IPC_RMID,S_IRUSR,S_IWUSR -e 'my $m = shmget(IPC_PRIVATE, 4096, S_IRUSR | S_IWUSR) // die; my $s = semget(IPC_PRIVATE, 1, S_IRUSR | S_IWUSR) // die; for my $i (1 .. 8) { if (fork == 0) { semop($s, pack("s!3", 0, 1, 0)); shmwrite($m, "shared", 0, 6) if $i == 8; exit } } semop($s, pack("s!3", 0, -8, 0)); my $n = 0; $n++ while wait > 0; shmread($m, my $x, 0, 6); print "$x $n\n"; shmctl($m, IPC_RMID, 0); semctl($s, 0, IPC_RMID, 0)'
}

threads() {
  step threads '4950 20' python3 -c '
import queue, threading
q, total, lock = queue.Queue(3), [0], threading.Lock()
def work():
    while (i := q.get()) is not None:
        with lock:
            total[0] += i
ts = [threading.Thread(target=work) for _ in range(20)]
for t in ts: t.start()
for i in range(100): q.put(i)
for t in ts: q.put(None)
for t in ts: t.join()
print(total[0], len(ts))'
  step pool '[0, 1, 4, 9, 16, 25, 36, 49] 8' python3 -c '
import multiprocessing as mp
from multiprocessing import shared_memory
def square(i):
    return i * i
def add(v, name):
    s = shared_memory.SharedMemory(name)
    with v.get_lock():
        v.value += 1
        s.buf[0] += 1
    s.close()
if __name__ == "__main__":
    with mp.get_context("fork").Pool(3) as p:
        r = p.map(square, range(8))
        p.close(); p.join()
    v, s = mp.Value("i", 0), shared_memory.SharedMemory(create=True, size=16)
    ps = [mp.Process(target=add, args=(v, s.name)) for _ in range(4)]
    for p in ps: p.start()
    for p in ps: p.join()
    print(r, v.value + s.buf[0])
    s.close(); s.unlink()'
  step sockets '[0, 1, 2, 3, 4, 5, 6, 7]' python3 -c '
import asyncio
async def serve(r, w):
    w.write(await r.readline()); await w.drain(); w.close()
async def ask(port, i):
    r, w = await asyncio.open_connection("127.0.0.1", port)
    w.write(b"%d\n" % i)
    line = await r.readline()
    w.close(); await w.wait_closed()
    return int(line)
async def main():
    s = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = s.sockets[0].getsockname()[1]
    print(await asyncio.gather(*[ask(port, i) for i in range(8)]))
    s.close(); await s.wait_closed()
asyncio.run(main())'
}

round=0
over() { [ $SECONDS -ge "$limit" ]; }
limit=$1
until over && [ $round -gt 0 ]; do
  for part in shell processes signals terminals memory threads; do
    $part
    over && break
  done
  round=$((round + 1))
  # Orphans of the round may still be on their way.
  for _ in $(seq 100); do
    sleep 0.3
    ps -e -o stat= | grep -q ^Z || break
  done
  echo "round $round $(ps -e -o pid= | wc -l) $(ps -e -o stat= | grep -c ^Z)"
done
