#!/usr/bin/python3
import multiprocessing as mp, os, sys, time
def square(x): return x * x
def pid_of(x): return os.getpid()

### pool
if __name__ == "__main__":
    with mp.Pool(4) as p:
        print(p.map(square, range(20)), sum(p.imap_unordered(square, range(100))), p.apply(square, (9,)))
        r = p.apply_async(square, (7,)); print(r.get(20))
        print(p.starmap(pow, [(2, 3), (3, 2)]))
        try: p.apply(int, ("x",))
        except ValueError as e: print(e)
    with mp.Pool(2, maxtasksperchild=1) as p: print(len(set(p.map(pid_of, range(4), chunksize=1))))
    print(mp.active_children())

### value-and-array
def add(v, a, n):
    for _ in range(n):
        with v.get_lock(): v.value += 1
        with a: a[0] += 2
if __name__ == "__main__":
    v = mp.Value("i", 0); a = mp.Array("d", 3)
    ps = [mp.Process(target=add, args=(v, a, 300)) for _ in range(5)]
    [p.start() for p in ps]; [p.join() for p in ps]; print(v.value, list(a), [p.exitcode for p in ps])
    r = mp.RawArray("b", 10); p = mp.Process(target=r.__setitem__, args=(3, 7)); p.start(); p.join(); print(list(r))

### queue
def producer(q, i):
    for j in range(50): q.put((i, j))
    q.put(None)
if __name__ == "__main__":
    q = mp.Queue(); ps = [mp.Process(target=producer, args=(q, i)) for i in range(4)]
    [p.start() for p in ps]; got = []; ends = 0
    while ends < 4:
        x = q.get()
        if x is None: ends += 1
        else: got.append(x)
    [p.join() for p in ps]; print(sorted(got) == [(i, j) for i in range(4) for j in range(50)])
    q.put("x" * 200000); print(len(q.get())); s = mp.SimpleQueue(); mp.Process(target=s.put, args=("simple",)).start(); print(s.get())
    j = mp.JoinableQueue(); j.put(1); print(j.get()); j.task_done(); j.join()

### pipe
def echo(other, c):
    other.close()
    while True:
        try: c.send(c.recv())
        except EOFError: return
if __name__ == "__main__":
    a, b = mp.Pipe(); p = mp.Process(target=echo, args=(a, b)); p.start(); b.close()
    for x in [1, "two", {"three": [3]}, b"x" * 100000]: a.send(x); print(a.recv() == x)
    print(a.poll(0.1)); a.close(); p.join(); print(p.exitcode)

### manager
def work(d, l, lock, i):
    with lock: d[i] = i * i; l.append(i)
if __name__ == "__main__":
    with mp.Manager() as m:
        d, l, lock, n = m.dict(), m.list(), m.Lock(), m.Namespace(); n.x = 5
        ps = [mp.Process(target=work, args=(d, l, lock, i)) for i in range(4)]
        [p.start() for p in ps]; [p.join() for p in ps]; print(sorted(d.items()), sorted(l), n.x)
        q = m.Queue(); q.put(3); print(q.get(), m.Value("i", 4).value)

### shared-memory
from multiprocessing import shared_memory
def change(name):
    s = shared_memory.SharedMemory(name); s.buf[0:5] = b"child"; s.close()
if __name__ == "__main__":
    s = shared_memory.SharedMemory(create=True, size=1000)
    p = mp.Process(target=change, args=(s.name,)); p.start(); p.join(); print(bytes(s.buf[:5]), s.size >= 1000)
    print(os.path.exists("/dev/shm/" + s.name.lstrip("/"))); s.close(); s.unlink()
    l = shared_memory.ShareableList([1, "two", 3.0]); print(list(l)); l.shm.close(); l.shm.unlink(); print(os.listdir("/dev/shm"))

### synchronization
def work(b, s, e, c, v):
    b.wait()
    with s: time.sleep(0.02)
    e.wait()
    with c: v.value += 1; c.notify()
if __name__ == "__main__":
    b, s, e, c, v = mp.Barrier(5), mp.Semaphore(2), mp.Event(), mp.Condition(), mp.Value("i", 0)
    ps = [mp.Process(target=work, args=(b, s, e, c, v)) for _ in range(4)]; [p.start() for p in ps]
    b.wait(); e.set()
    with c: print(c.wait_for(lambda: v.value == 4, 20))
    [p.join() for p in ps]; print([p.exitcode for p in ps])
    r = mp.RLock(); print(r.acquire(), r.acquire(timeout=0.1)); r.release(); r.release(); l = mp.Lock(); l.acquire(); print(l.acquire(timeout=0.1))

### spawn
def work(q, x): q.put((x, mp.current_process().name, mp.get_start_method()))
if __name__ == "__main__":
    mp.set_start_method("spawn"); q = mp.Queue(); p = mp.Process(target=work, args=(q, 5), name="spawned"); p.start(); print(q.get()); p.join(); print(p.exitcode)
    with mp.Pool(2) as pool: print(pool.map(abs, [-1, -2, -3]))

### forkserver
def work(q, x): q.put((x, mp.get_start_method(), os.getppid() != int(os.environ["PARENT"])))
if __name__ == "__main__":
    os.environ["PARENT"] = str(os.getpid())
    mp.set_start_method("forkserver"); q = mp.Queue(); p = mp.Process(target=work, args=(q, 5)); p.start(); print(q.get()); p.join(); print(p.exitcode)
    v = mp.Value("i", 1); print(v.value)

### process-life
def fail(): raise SystemExit(3)
def raises(): sys.stderr = open("/dev/null", "w"); raise ValueError
if __name__ == "__main__":
    for f in (fail, raises): p = mp.Process(target=f); p.start(); p.join(); print(p.exitcode)
    p = mp.Process(target=time.sleep, args=(100,)); p.start(); print(p.is_alive()); p.terminate(); p.join(); print(p.exitcode)
    p = mp.Process(target=time.sleep, args=(100,)); p.start(); p.kill(); p.join(); print(p.exitcode)
    p = mp.Process(target=time.sleep, args=(100,), daemon=True); p.start(); p.join(0.1); print(p.exitcode, len(mp.active_children()))
    from multiprocessing.connection import wait; q = mp.Process(target=time.sleep, args=(0.1,)); q.start(); print(wait([q.sentinel], 20) == [q.sentinel])

### listener
from multiprocessing.connection import Client, Listener
def client(address): c = Client(address, authkey=b"key"); c.send("hello"); print(c.recv(), flush=True); c.close()
if __name__ == "__main__":
    for family, address in (("AF_UNIX", None), ("AF_INET", ("127.0.0.1", 0))):
        with Listener(address, family, authkey=b"key") as l:
            p = mp.Process(target=client, args=(l.address,)); p.start(); c = l.accept(); print(c.recv()); c.send("reply " + family); p.join(); c.close()
