#!/usr/bin/python3
import os, sys, threading, time, queue, signal
from threading import Thread

### locks
lock = threading.Lock(); n = 0
def work():
    global n
    for _ in range(2000):
        with lock: n += 1
ts = [Thread(target=work) for _ in range(10)]
[t.start() for t in ts]; [t.join() for t in ts]; print(n)
print(lock.acquire(timeout=0.1), lock.acquire(timeout=0.1), lock.acquire(blocking=False)); lock.release()
r = threading.RLock(); r.acquire(); r.acquire(); r.release(); r.release()
try: r.release()
except RuntimeError as e: print(e)

### conditions
c = threading.Condition(); items = []; got = []
def consumer():
    while True:
        with c:
            while not items: c.wait()
            x = items.pop(0)
        if x is None: return
        got.append(x)
ts = [Thread(target=consumer) for _ in range(4)]
[t.start() for t in ts]
for i in range(400):
    with c: items.append(i); c.notify()
with c: items.extend([None] * 4); c.notify_all()
[t.join() for t in ts]; print(sorted(got) == list(range(400)))
with c: print(c.wait(0.05), c.wait_for(lambda: True))

### barriers
b = threading.Barrier(8); out = []; l = threading.Lock()
def work(i):
    for phase in range(20):
        with l: out.append(phase)
        b.wait()
ts = [Thread(target=work, args=(i,)) for i in range(8)]
[t.start() for t in ts]; [t.join() for t in ts]; print(out == sorted(out), len(out))
b = threading.Barrier(2, timeout=0.1)
try: b.wait()
except threading.BrokenBarrierError: print("broken")

### queues
q = queue.Queue(5); r = queue.Queue()
def work():
    while (x := q.get()) is not None: r.put(x * x); q.task_done()
    q.task_done()
ts = [Thread(target=work) for _ in range(5)]
[t.start() for t in ts]
for i in range(500): q.put(i)
for _ in ts: q.put(None)
q.join(); [t.join() for t in ts]
print(sum(r.get() for _ in range(500)))
try: q.get(timeout=0.05)
except queue.Empty: print("empty")
s = queue.SimpleQueue(); Thread(target=lambda: s.put("x")).start(); print(s.get())

### semaphores-events-timers
s = threading.BoundedSemaphore(3); b = threading.Barrier(3); most = now = 0; l = threading.Lock()
def work():
    global now, most
    with s:
        with l: now += 1; most = max(most, now)
        b.wait()
        with l: now -= 1
ts = [Thread(target=work) for _ in range(12)]
[t.start() for t in ts]; [t.join() for t in ts]; print(most, now)
e = threading.Event(); print(e.wait(0.05)); threading.Timer(0.1, e.set).start(); print(e.wait(20))
t = threading.Timer(100, print); t.start(); t.cancel(); t.join(); print("cancelled")

### local-and-names
d = threading.local(); d.x = "main"; out = []
def work(i): d.x = i; time.sleep(0.01); out.append(d.x == i)
ts = [Thread(target=work, args=(i,)) for i in range(20)]
[t.start() for t in ts]; [t.join() for t in ts]; print(all(out), d.x, threading.active_count())
print(threading.get_native_id() == os.getpid()); t = Thread(target=lambda: print(threading.get_native_id() != os.getpid())); t.start(); t.join()

### hundred
go = threading.Event(); ts = [Thread(target=go.wait) for _ in range(100)]
[t.start() for t in ts]
print(len(os.listdir("/proc/self/task")), [l for l in open("/proc/self/status") if l.startswith("Threads")])
go.set(); [t.join() for t in ts]; print(threading.active_count())

### start-and-join
def nothing(): pass
for i in range(300): t = Thread(target=nothing); t.start(); t.join()
# join waits for what the thread does, not for its very end.
for _ in range(200):
    if len(os.listdir("/proc/self/task")) == 1: break
    time.sleep(0.2)
print(len(os.listdir("/proc/self/task")))

### signals-and-threads
out = []
signal.signal(signal.SIGUSR1, lambda *a: out.append(threading.current_thread() is threading.main_thread()))
t = Thread(target=lambda: os.kill(os.getpid(), signal.SIGUSR1)); t.start(); t.join()
time.sleep(0.1); print(out)
t = Thread(target=lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)); t.start(); t.join(); time.sleep(0.1); print(out)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
res = []
t = Thread(target=lambda: res.append(signal.sigwait([signal.SIGUSR2]))); t.start(); time.sleep(0.2)
os.kill(os.getpid(), signal.SIGUSR2); t.join(); print(res)
t = Thread(target=lambda: res.append(signal.sigtimedwait([signal.SIGUSR2], 0.1))); t.start(); t.join(); print(res)

### fork-in-thread
def work():
    pid = os.fork()
    if pid == 0:
        os._exit(threading.active_count() + len(os.listdir("/proc/self/task")))
    print(os.waitpid(pid, 0)[1] >> 8)
t = Thread(target=work); t.start(); t.join()

### exec-in-thread
Thread(target=lambda: (time.sleep(0.1), os.execvp("sh", ["sh", "-c", f"[ $$ = {os.getpid()} ] && echo same pid; ls /proc/$$/task | wc -l"]))).start()
time.sleep(100)

### exit-with-daemons
t = Thread(target=time.sleep, args=(100,), daemon=True); t.start()
def spin():
    while True: pass
Thread(target=spin, daemon=True).start()
print("leaving"); sys.exit(3)

### exit-group-in-thread
Thread(target=lambda: os._exit(7)).start(); time.sleep(100)

### exception-in-thread
def work(): raise ValueError("in a thread")
threading.excepthook = lambda a: print(a.exc_type.__name__, a.exc_value)
t = Thread(target=work); t.start(); t.join(); print(t.is_alive())

### futures
from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor, as_completed, wait, FIRST_COMPLETED
def square(x): return x * x
with ThreadPoolExecutor(8) as e:
    print(sum(e.map(square, range(200))))
    late = threading.Event(); f = [e.submit(late.wait), e.submit(time.sleep, 0.05)]
    done, rest = wait(f, return_when=FIRST_COMPLETED); print(f[1] in done, f[0] in rest); late.set()
    print(e.submit(lambda: 1 / 0).exception())
with ProcessPoolExecutor(3) as e:
    print(list(e.map(square, range(20), chunksize=5)))
    print(sorted(f.result() for f in as_completed([e.submit(square, i) for i in range(10)])))
    try: e.submit(os._exit, 3).result()
    except Exception as x: print(type(x).__name__)

### switch-interval
sys.setswitchinterval(0.001); count = [0, 0]; stop = False
def spin(i):
    while not stop: count[i] += 1
ts = [Thread(target=spin, args=(i,)) for i in range(2)]
[t.start() for t in ts]
while min(count) == 0: time.sleep(0.1)
stop = True; [t.join() for t in ts]; print(min(count) > 0)
