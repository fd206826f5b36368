#!/bin/bash
# Messages about jobs that died carry process ids: those cases close standard error.

### jobs-list
exec 2>/dev/null
set -m
sleep 100 & sleep 101 & sleep 102 &
jobs
jobs %2
jobs -r | wc -l
kill %1 %2 %3
wait
jobs

### kill-percent
exec 2>/dev/null
set -m
sleep 100 &
kill %1
wait %1
echo $?
sleep 100 &
kill -INT %sleep
wait $!
echo $?
sleep 100 &
kill -KILL %%
wait
echo $?

### stop-and-bg
exec 2>/dev/null
set -m
(kill -STOP $BASHPID; echo went on; exit 7) &
while [[ $(jobs) != *Stopped* ]]; do sleep 0.01; done
jobs | sed 's/(.*//'
bg %1 | sed 's/(.*//'
wait %1
echo $?

### stop-and-fg
exec 2>/dev/null
set -m
(kill -TSTP $BASHPID; echo in front; exit 3) &
while [[ $(jobs) != *Stopped* ]]; do sleep 0.01; done
fg %1 >/dev/null
echo $?
jobs

### fg-stops-again
exec 2>/dev/null
set -m
(kill -STOP $BASHPID; kill -STOP $BASHPID; exit 5) &
while [[ $(jobs) != *Stopped* ]]; do sleep 0.01; done
fg %1 >/dev/null
echo "first $?"
fg %1 >/dev/null
echo "second $?"

### wait-n
mkfifo a b
(read -r <b; exit 3) & (read -r <a; exit 2) & (exit 1) &
wait -n; echo $?
echo >a; wait -n; echo $?
echo >b; wait -n; echo $?
wait -n; echo $?

### wait-n-pid
mkfifo f
(read -r <f; exit 4) & a=$!
(exit 6) & b=$!
wait -n -p who $a $b; echo $? $([[ $who == "$b" ]] && echo second)
echo >f
wait -n -p who $a; echo $? $([[ $who == "$a" ]] && echo first)

### wait-many
for i in 1 2 3 4 5 6 7 8; do (exit $i) & p[i]=$!; done
for i in 8 7 6 5 4 3 2 1; do wait ${p[i]}; echo -n "$? "; done
echo
wait 999999; echo $?
wait ${p[1]}; echo $?

### wait-interrupted
trap 'echo usr1' USR1
mkfifo f
# The shell sleeps nowhere but in wait.
(until read -r _ _ s _ </proc/$$/stat; [[ $s == S ]]; do sleep 0.01; done; kill -USR1 $$) &
cat f &
wait $!
echo $?
: >f
wait
echo $?

### disown
set -m
sleep 100 & a=$!
sleep 100 & b=$!
jobs | wc -l
disown %1
jobs | wc -l
disown -a
jobs | wc -l
wait
kill $a $b

### process-groups
exec 2>/dev/null
set -m
sleep 100 | sleep 100 &
a=$(ps -o pgid= -p $!) b=$(ps -o pgid= -p $$)
[[ $a != "$b" ]] && echo own group
ps -A -o pgid= | grep -c "^ *$((a))$"
kill -TERM -- -$((a))
wait 2>/dev/null
ps -A -o pgid= | grep -c "^ *$((a))$"

### no-monitor-group
sleep 0.1 | sleep 100 &
[[ $(ps -o pgid= -p $!) == $(ps -o pgid= -p $$) ]] && echo same group
kill $!
wait

### monitor-statuses
set -m
false | true & wait $!; echo $?
true | false & wait $!; echo $?
(exit 200) & wait %1; echo $?
bash -c 'kill -SEGV $$' & wait %1 2>/dev/null; echo $?

### kill-list
kill -l 1 2 9 15 17 19 64
kill -l TERM SIGKILL RTMIN
kill -l 137
kill -0 $$; echo $?
kill -0 999999 2>/dev/null; echo $?

### kill-by-name
exec 2>/dev/null
for s in HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT XCPU XFSZ VTALRM PROF IO PWR SYS RTMIN RTMAX-1; do
  bash -c "ulimit -c 0; kill -$s \$\$; exit 0"
  echo -n "$s=$? "
done
echo
for s in CHLD CONT URG WINCH; do bash -c "kill -$s \$\$; exit 9"; echo -n "$s=$? "; done
echo

### ignored-is-inherited
exec 2>/dev/null
trap '' USR1
bash -c 'kill -USR1 $$; echo survived; trap "echo no" USR1; kill -USR1 $$; echo still'
(trap - USR1; kill -USR1 $BASHPID; echo not ignored in a subshell is not seen) 2>/dev/null
trap - USR1
bash -c 'kill -USR1 $$; echo not here' 2>/dev/null
echo $?

### background-ignores-int
mkfifo begun go
(echo >begun; read -r <go; echo ended) &
read -r <begun
kill -INT $!
echo >go
wait $!
echo $?

### suspend-and-cont
sleep 100 &
p=$!
while [[ $(ps -o stat=,comm= -p $p) != S*sleep ]]; do sleep 0.01; done
kill -STOP $p
while [[ $(ps -o stat= -p $p) != T* ]]; do sleep 0.01; done
ps -o stat=,comm= -p $p
kill -CONT $p
while [[ $(ps -o stat= -p $p) != S* ]]; do sleep 0.01; done
ps -o stat=,comm= -p $p
kill $p
wait $p 2>/dev/null
echo $?

### stopped-takes-kill
sleep 100 &
kill -STOP $!; kill -KILL $!
wait $! 2>/dev/null; echo $?
sleep 100 &
kill -STOP $!; kill -TERM $!; kill -CONT $!
wait $! 2>/dev/null; echo $?

### signal-group-of-pipeline
set -m
(trap 'echo left; exit' TERM; sleep 100 & wait) 2>/dev/null | (trap 'sleep 0.1; echo right; exit' TERM; cat; sleep 100 & wait) 2>/dev/null &
g=$(ps -o pgid= -p $! | tr -d ' ')
# Each side has set its trap when it has begun its program.
while [[ $(pgrep -c -x -g $g cat) != 1 || $(pgrep -c -x -g $g sleep) != 1 ]]; do sleep 0.01; done
kill -TERM -- -$g
wait 2>/dev/null
echo $?

### many-sequential
n=0
for ((i = 0; i < 1000; i++)); do (exit $((i % 7))) || n=$((n + $?)); done
echo $n

### many-sequential-programs
n=0
for ((i = 0; i < 300; i++)); do /bin/true && n=$((n + 1)); done
echo $n

### many-concurrent
for ((i = 0; i < 200; i++)); do (read -r x; exit $((x + i % 100))) < <(echo 1) & p[i]=$!; done
n=0
for ((i = 0; i < 200; i++)); do wait ${p[i]}; n=$((n + $?)); done
echo $n

### many-sleepers
for ((i = 0; i < 200; i++)); do sleep 0.5 & done
wait
echo $?

### deep-subshells
f() { if (($1 > 0)); then (f $(($1 - 1)); exit $(($? + 1))); else echo bottom; fi; }
f 60
echo $?

### deep-substitutions
f() { if (($1 > 0)); then echo "<$(f $(($1 - 1)))>"; else echo x; fi; }
f 40

### process-tree
tree() { if (($1 > 0)); then tree $(($1 - 1)) & tree $(($1 - 1)) & wait; else echo leaf; fi; }
tree 6 | sort | uniq -c

### background-of-background
mkfifo f
( (sleep 0.1; echo grandchild; echo >f) & )
read -r <f
echo parent

### last-pid-and-bashpid
[[ $BASHPID == $$ ]] && echo same
( [[ $BASHPID != $$ ]] && echo other; [[ $(sh -c 'echo $PPID') == $BASHPID ]] && echo parent )
: & a=$!; : & b=$!
[[ $a != $b ]] && echo two
wait

### nested-jobs
set -m
bash -c 'set -m; sleep 100 & kill -STOP %1; while [[ $(jobs) != *Stopped* ]]; do sleep 0.01; done; jobs | sed "s/ .*sleep/ sleep/"; kill -KILL %1; wait' 2>/dev/null &
wait %1
echo $?

### time-keyword
TIMEFORMAT='%R %U %S'
{ time sleep 0.1; } 2>&1 | grep -cE '^(0\.[1-9]|[1-9][0-9]*\.)[0-9]* [0-9]+\.[0-9]* [0-9]+\.[0-9]*$'
TIMEFORMAT=
time (exit 3)
echo $?
times | wc -l

### hup-on-disown
sleep 100 & 
p=$!
kill -HUP $p; wait $p 2>/dev/null; echo $?
nohup sleep 100 >/dev/null 2>&1 &
while [[ $(ps -o comm= -p $!) != sleep ]]; do sleep 0.01; done
# Of two signals that wait the lower one would be the first.
kill -HUP $!; kill -TERM $!; wait $! 2>/dev/null; echo $?
