#!/bin/bash
# Waits until N processes sleep as `sleep`: what is to be one has been executed then. And until none is left.
sleepers() { until [[ $(ps -C sleep -o stat= | grep -c S) == $1 ]]; do sleep 0.01; done; }

### ps
sleep 100 & p=$!
sleepers 1
sh -c 'exec -a x sleep 1' 2>/dev/null
ps -o comm=,args= -p $p
ps -o stat= -p $p
ps -o ppid= -p $p | grep -c "^ *$$\$"
ps --ppid $$ -o comm= | grep -c sleep
ps -C sleep -o args=
ps -o user=,uid=,gid=,nlwp=,nice=,tty= -p $p
ps -o pid= -p 99999; echo $?
ps -p $$ -o pid=,sid=,pgid= | (read a b c; [ $a = $b ] && [ $b = $c ] && echo leader)
kill $p
wait $p 2>/dev/null
true

### ps-zombie
python3 - <<'P'
import os, subprocess, time
pid = os.fork()
if pid == 0: os._exit(3)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
print(subprocess.run(["ps", "-o", "stat=,comm=,args=", "-p", str(pid)], capture_output=True, text=True).stdout.strip())
print(open(f"/proc/{pid}/cmdline").read() == "", os.listdir(f"/proc/{pid}/task") == [str(pid)])
try: print(os.readlink(f"/proc/{pid}/exe"))
except OSError as e: print(e.strerror)
print([l.split()[1:] for l in open(f"/proc/{pid}/status") if l.startswith("State")])
try: os.listdir(f"/proc/{pid}/fd"); print("listed")
except OSError as e: print(e.strerror)
os.kill(pid, 9); os.kill(pid, 0)
print(os.waitpid(pid, 0)[1])
try: os.kill(pid, 0)
except OSError as e: print(e.strerror)
print(os.path.exists(f"/proc/{pid}"))
P

### pgrep
sleep 100 & sleep 101 & b=$!
cat <(sleep 102) >/dev/null &
sleepers 3
pgrep -x sleep | wc -l
pgrep -f 'sleep 10[12]' | wc -l
pgrep -P $$ -c sleep
pgrep -l -x sleep | cut -d' ' -f2
pgrep -af 'sleep 101' | cut -d' ' -f2-
pgrep nosuch; echo $?
pgrep -s 0 -c sleep
pgrep -u root -x sleep -n | wc -l
exec 2>/dev/null
pkill -f 'sleep 101'; echo $?
wait $b
pgrep -x sleep -c
pkill -STOP -x sleep; until [[ $(ps -C sleep -o stat= | grep -c T) == 2 ]]; do sleep 0.01; done; ps -C sleep -o stat= | sort | uniq -c
pkill -KILL -x sleep
wait 2>/dev/null
sleepers 0
pgrep -x sleep; echo $?

### killall
exec 2>/dev/null
sleep 100 & sleep 100 &
sleepers 2
killall sleep; echo $?
wait 2>/dev/null
killall sleep 2>&1; echo $?
sleep 100 & sleepers 1; killall -q -s KILL -w sleep; echo $?
wait 2>/dev/null; echo $?

### pstree
exec 2>/dev/null
bash -c 'sleep 100 & (sleep 100 & sleep 100; :) & exec sleep 100' & 
sleepers 4
exec 2>/dev/null
pstree -A $! | cat
pstree -A -a $! | cat
pkill -x sleep; wait 2>/dev/null; sleepers 0

### lsof
exec 7<>file
echo text >&7
sleep 100 7>&7 & p=$!
sleepers 1
lsof -p $p -a -d 0,7,cwd -F ftn 2>/dev/null | grep -v '^p' | sed "s|$PWD|.|"
lsof -t file 2>/dev/null 7>&- >list; wc -l <list
lsof -a -p $p -d txt -F n 2>/dev/null | grep -v ^p
kill $p
wait $p 2>/dev/null
true

### top
sleep 100 &
sleepers 1
top -b -n 1 -p $! | tail -1 | awk '{print $2, $8, $12}'
top -b -n 1 | head -2 | tail -1 | sed 's/[0-9][0-9]*/N/g; s/  */ /g'
kill $!
wait $! 2>/dev/null
true

### fuser-and-w
exec 7>file
fuser file 2>/dev/null 7>&- >list; wc -w <list
uptime | grep -c 'load average'
free | head -1 | tr -s ' '
vmstat | head -2 | tail -1 | wc -w
