#!/bin/bash

### xargs-parallel
seq 40 | xargs -P 8 -n 1 sh -c 'echo $0' | sort -n | md5sum
seq 10 | xargs -P 4 -I{} sh -c 'exit $(({} == 5 ? 3 : 0))'; echo $?
seq 10 | xargs -n 1 sh -c '[ $0 = 3 ] && exit 255; echo $0' 2>&1; echo $?
echo a b | xargs nosuch 2>/dev/null; echo $?
echo x | xargs sh -c 'kill -9 $$' 2>&1 | sed 's/^xargs: //'; echo ${PIPESTATUS[1]}
printf 'a b\0c\0' | xargs -0 -n1 echo
: | xargs echo none; : | xargs -r echo none
yes 1 | head -3000 | xargs -s 2000 echo | wc -l

### find-exec
mkdir -p d/{a,b}/{x,y}; touch d/{a,b}/{x,y}/{1,2,3}
find d -type f -exec echo {} \; | sort | head -3
find d -type f -exec echo {} + | tr ' ' '\n' | sort | md5sum
find d -name 1 -execdir pwd \; | sed 's/.*dir\///' | sort
find d -type f -exec false {} \; -print | wc -l
find d -type f -exec sh -c 'exit 3' {} + ; echo $?
find d -type f -print0 | xargs -0 -P 3 rm; find d -type f | wc -l
find d -depth -type d -exec rmdir {} \;; ls

### nohup
nohup echo out 2>/dev/null; ls
nohup nosuch >/dev/null 2>&1; echo $?
nohup sh -c 'kill -HUP $$; echo alive' 2>/dev/null; cat nohup.out 2>/dev/null

### timeout
exec 2>/dev/null
# What is to happen first has happened when the time is up: the program itself tells timeout that it is, once that waits.
ELAPSES='until read -r _ _ s _ </proc/$PPID/stat; [ "$s" = S ]; do sleep 0.01; done; kill -ALRM $PPID'
timeout 0.2 sleep 100; echo $?
timeout -s KILL 0.2 sleep 100; echo $?
timeout 100 sh -c 'exit 7'; echo $?
timeout -k 0.2 100 sh -c 'trap "" TERM; '"$ELAPSES"'; while :; do sleep 0.05; done'; echo $?
timeout --preserve-status 0.2 sleep 100; echo $?
timeout -s INT 100 sh -c 'trap "echo int; exit 5" INT; '"$ELAPSES"'; while :; do sleep 0.02; done'; echo $?
timeout 100 nosuch; echo $?
timeout 100 /etc; echo $?
timeout 100 sh -c 'kill -9 $$'; echo $?
timeout 0 echo never limits
echo in | timeout 100 cat
timeout --foreground 100 sh -c 'sleep 100 & until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.01; done; '"$ELAPSES"'; wait'; echo $?; pkill -x sleep; true

### setsid
setsid -w sh -c 'ps -o pid=,pgid=,sid= -p $$ | (read a b c; [ $a = $b ] && [ $b = $c ] && echo leader)'
setsid -w sh -c 'exit 4'; echo $?
setsid sh -c 'setsid -f sh -c "echo forked >f"'; until [ -s f ]; do sleep 0.01; done; cat f

### flock
exec 9>lock
flock -n 9 && echo got
flock -n lock echo no; echo $?
(flock -n 9 && echo same description)
flock -n -E 77 lock true; echo $?
flock -u 9
flock -n lock echo free
mkfifo got end
exec 3<>got 4<>end
(flock -s 8; echo >&3; read -r <&4) 8<lock & (flock -s 8; echo >&3; read -r <&4) 8<lock &
read -r <&3; read -r <&3
flock -s -n lock echo shared
flock -n lock echo no; echo $?
flock lock echo waited & until [[ $(ps -o stat=,comm= -p $!) == S*flock ]]; do sleep 0.01; done
echo >&4; echo >&4
wait
flock -w 0.1 lock echo quick

### flock-counter
echo 0 >n
for i in $(seq 20); do (for j in 1 2 3; do flock 9; read -r x <n; echo $((x + 1)) >n; flock -u 9; done) 9>>l & done
wait
cat n

### nice
nice; nice -n 5 nice; nice -n 5 nice -n 20 nice
nice -n 3 sh -c 'ps -o ni= -p $$' | tr -d ' '
ionice -c 3 -p $$; ionice -p $$
ionice -c 2 -n 3 ionice
chrt -o -p 0 $$; chrt -p $$ | sed 's/[0-9]*.s/PID/'
taskset -p $$ | grep -c mask

### ulimit
ulimit -n 30; ulimit -n; ulimit -Sn 20; ulimit -Hn
python3 -c 'import os
n = 0
try:
    while True: os.dup(0); n += 1
except OSError as e: print(n, e.strerror)'
bash -c 'ulimit -v 200000; ulimit -v; python3 -c "bytearray(300000000)" 2>&1 | tail -1'
prlimit --nofile --noheadings -o SOFT,HARD | tr -s ' '
prlimit --nofile=10:15 bash -c 'ulimit -n; ulimit -Hn'
ulimit -s 1024; ulimit -s
ulimit -c; ulimit -e; ulimit -r

### ulimit-cpu
exec 2>/dev/null
(ulimit -t 1; while :; do :; done) 2>/dev/null; echo $?
(ulimit -St 1; trap 'echo xcpu; exit 9' XCPU; while :; do :; done); echo $?

### ulimit-file-size
exec 2>/dev/null
(ulimit -f 2; yes >f); echo $?; wc -c <f
(ulimit -f 2; trap '' XFSZ; yes >f 2>err); echo $?; sed 's/.*: //' err; wc -c <f

### ulimit-processes
setpriv --reuid 1234 --clear-groups bash -c 'ulimit -u 10; for i in $(seq 20); do sleep 100 & done' 2>&1 | grep -m 1 -o 'fork: retry'
while pkill -KILL -u 1234; do sleep 0.01; done; true

### time-program
bash -c 'time -p sleep 0.1' 2>&1 | cut -d' ' -f1
bash -c 'time -p sleep 0.3' 2>&1 | grep -cE 'real (0\.[3-9]|[1-9])'

### tee-and-stdbuf
seq 3 | tee a b >(cat >c) >/dev/null; until [[ $(cat c) == *3 ]]; do sleep 0.01; done 2>/dev/null; cat a b c | tr '\n' ' '; echo
(echo one; sleep 0.3; echo two) | stdbuf -oL grep -n . | while read -r l; do echo "got $l"; done
yes | tee /dev/null | head -1; echo ${PIPESTATUS[@]}

### split-filter-and-sort-parallel
seq 1000 | split -l 300 --filter='sort -r | head -1 >$FILE'; cat x*
seq 20000 | sort --parallel=4 -S 100k -r | md5sum
seq 100 | sort -R | sort -n --compress-program=gzip -S 1k | md5sum
tar cf - /etc/passwd 2>/dev/null | tar tf -
tar czf t.gz -C /etc passwd group && tar tzf t.gz
tar cf t.tar --use-compress-program='gzip -1' -C /etc passwd && gunzip -c t.tar | tar t

### busybox-and-parts
watch --version | head -1 | cut -d' ' -f1
busybox sh -c 'sleep 100 & kill $!; wait $!; echo $?; echo a | busybox sed s/a/b/' 2>/dev/null
busybox timeout 0.2 busybox sleep 100; echo $?
run-parts --list /etc/none; echo $?
mkdir p; printf '#!/bin/sh\necho part $0\n' >p/a; cp p/a p/b; chmod +x p/*; run-parts p

### awk-and-sed-children
awk 'BEGIN { while (("seq 5" | getline x) > 0) s += x; print s; close("seq 5"); print system("exit 3"); print "c\nb\na" | "sort"; close("sort"); print "end" }'
gawk 'BEGIN { c = "sort"; print "b\na" |& c; close(c, "to"); while ((c |& getline l) > 0) print l; print close(c) }'
echo 'echo from sed' | sed e
sed -n '1e date >/dev/null; echo executed' /etc/passwd
gawk 'BEGIN { r = system("kill -9 $$"); print r }'
awk 'BEGIN { "pwd" | getline p; n = split(p, a, "/"); print a[n] }'

### less-and-others
seq 5 | less | tail -1
seq 200 | more | tail -1
lua5.4 -e 'local f = io.popen("echo from lua; exit 3"); print(f:read("a")); print(f:close()); print(os.execute("kill -15 $$"))'
sqlite3 :memory: '.shell echo from sqlite' 'select 1;' '.system exit 3'
bc <<<'2^64'
jq -n '1+1'
