#!/usr/bin/python3
import asyncio, os, signal, socket, sys, threading, time

### subprocess
async def main():
    p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
    print(await p.communicate(b"through cat"), p.returncode)
    p = await asyncio.create_subprocess_shell("echo out; echo err >&2; exit 3", stdout=-1, stderr=-1)
    print(await p.communicate(), p.returncode)
    async def one(i):
        p = await asyncio.create_subprocess_exec("sh", "-c", f"sleep 0.0{i % 5}; echo {i}", stdout=-1)
        return int((await p.communicate())[0])
    print(sum(await asyncio.gather(*(one(i) for i in range(30)))))
    p = await asyncio.create_subprocess_exec("sleep", "100")
    try: await asyncio.wait_for(p.wait(), 0.2)
    except asyncio.TimeoutError: print("timeout")
    p.kill(); print(await p.wait())
    p = await asyncio.create_subprocess_exec("seq", "5", stdout=-1)
    async for line in p.stdout: print(line)
    print(await p.wait())
asyncio.run(main())

### streams-tcp
async def serve(r, w):
    while (d := await r.readline()): w.write(d.upper()); await w.drain()
    w.close()
async def client(port, i):
    r, w = await asyncio.open_connection("127.0.0.1", port)
    w.write(f"hello {i}\n".encode()); d = await r.readline(); w.write_eof(); print(await r.read()) if i == 0 else await r.read(); w.close(); return d
async def main():
    s = await asyncio.start_server(serve, "127.0.0.1", 0); port = s.sockets[0].getsockname()[1]
    print(await asyncio.gather(*(client(port, i) for i in range(10)))); s.close(); await s.wait_closed()
    try: await asyncio.open_connection("127.0.0.1", port)
    except OSError as e: print(e.errno)
asyncio.run(main())

### streams-unix
async def serve(r, w): w.write(await r.readexactly(100000)); await w.drain(); w.close()
async def main():
    s = await asyncio.start_unix_server(serve, "sock"); r, w = await asyncio.open_unix_connection("sock")
    w.write(b"x" * 100000); print(len(await r.read(-1))); s.close()
asyncio.run(main())

### signals
async def main():
    loop = asyncio.get_running_loop(); got = asyncio.Queue()
    for s in (signal.SIGUSR1, signal.SIGTERM): loop.add_signal_handler(s, got.put_nowait, s.name)
    os.kill(os.getpid(), signal.SIGUSR1); print(await got.get())
    loop.call_later(0.1, os.kill, os.getpid(), signal.SIGTERM); print(await got.get())
    loop.remove_signal_handler(signal.SIGTERM); os.kill(os.getpid(), signal.SIGTERM); await asyncio.sleep(100)
asyncio.run(main())

### keyboard-interrupt
async def main():
    try: os.kill(os.getpid(), signal.SIGINT); await asyncio.sleep(100)
    finally: print("cleaned")
try: asyncio.run(main())
except KeyboardInterrupt: print("interrupted")

### timers-and-order
async def main():
    out = []; loop = asyncio.get_running_loop()
    start = loop.time()
    for d in (0.3, 0.1, 0.2): loop.call_at(start + d, out.append, d)
    loop.call_soon(out.append, "soon"); await asyncio.sleep(0.6); print(out)
    async def late(): await asyncio.sleep(100)
    t = asyncio.create_task(late()); await asyncio.sleep(0); t.cancel()
    try: await t
    except asyncio.CancelledError: print("cancelled")
    async with asyncio.timeout(5): print("in time")
asyncio.run(main())

### threads-and-executors
async def main():
    print(await asyncio.to_thread(lambda: threading.current_thread() is threading.main_thread()))
    loop = asyncio.get_running_loop(); f = loop.create_future()
    threading.Timer(0.1, lambda: loop.call_soon_threadsafe(f.set_result, "from a thread")).start(); print(await f)
    print(sum(await asyncio.gather(*(loop.run_in_executor(None, abs, -i) for i in range(50)))))
asyncio.run(main())

### pipes
async def main():
    loop = asyncio.get_running_loop(); r, w = os.pipe()
    reader = asyncio.StreamReader(); await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(r, "rb"))
    loop.call_later(0.1, os.write, w, b"piped\n"); print(await reader.readline()); os.close(w); print(await reader.read())
    a, b = socket.socketpair(); a.setblocking(False); b.setblocking(False)
    async def ping():
        for i in range(100): await loop.sock_sendall(a, b"p"); assert await loop.sock_recv(a, 1) == b"q"
    async def pong():
        for i in range(100): await loop.sock_recv(b, 1); await loop.sock_sendall(b, b"q")
    await asyncio.gather(ping(), pong()); print("ponged")
asyncio.run(main())

### datagrams
async def main():
    loop = asyncio.get_running_loop(); got = loop.create_future()
    class P(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr): got.set_result(data)
    t, _ = await loop.create_datagram_endpoint(P, local_addr=("127.0.0.1", 0))
    c, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=t.get_extra_info("sockname")); c.sendto(b"datagram"); print(await got); c.close(); t.close()
asyncio.run(main())
