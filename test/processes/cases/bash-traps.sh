#!/bin/bash

### exit
trap 'echo "bye $?"' EXIT
echo hello
exit 5

### exit-in-subshell
trap 'echo outer' EXIT
(trap 'echo inner $BASH_SUBSHELL' EXIT; exit 1)
echo $?
( : )
x=$(trap 'echo substitution' EXIT; echo in)
echo "$x"

### exit-changes-status
trap 'exit 9' EXIT
exit 1

### exit-by-signal
exec 2>/dev/null
bash -c 'trap "echo cleaned" EXIT; kill -TERM $$; sleep 5' 2>/dev/null
echo $?
bash -c 'trap "echo cleaned" EXIT; kill -KILL $$; sleep 5' 2>/dev/null
echo $?
bash -c 'trap "echo term; exit 3" TERM; trap "echo cleaned" EXIT; kill -TERM $$; sleep 5'
echo $?

### err
trap 'echo "err $? at $LINENO"' ERR
false
true
(exit 4)
false || true
if false; then :; fi
! true
f() { false; }
f
set -o errtrace
f
false | true
set -o pipefail
false | true

### errexit
bash -c 'set -e; trap "echo leaving \$?" EXIT; true; (exit 6); echo not here'
echo $?
bash -c 'set -e; x=$(false); echo not here'
echo $?
bash -c 'set -e; f() { false; echo in f; }; f || echo failed; echo here'
echo $?

### debug
trap 'echo "+ $BASH_COMMAND"' DEBUG
x=1
echo $x
for i in 1 2; do :; done
trap - DEBUG
echo off

### return
f() { trap 'echo returning' RETURN; echo in f; return 3; }
f
echo $?
set -T
trap 'echo any return' RETURN
g() { :; }
g
. /dev/null

### chld
set -m
trap 'n=$((n + 1))' CHLD
n=0
for i in 1 2 3 4 5; do (exit $i) & wait $!; done
trap - CHLD
echo $n

### chld-status
trap 'echo child' CHLD
/bin/true
(exit 3)
echo $?

### int-self
trap 'echo int' INT
kill -INT $$
echo after
(kill -INT $BASHPID; echo subshell survives not) 2>/dev/null
echo $?

### int-group
# Not before the shell above waits for its child: else it takes the signal for itself.
bash -c 'trap "echo got; exit 4" INT; setsid -w bash -c "kill -INT 0; sleep 0.1" 2>/dev/null
until read -r _ _ s _ </proc/$PPID/stat; [[ $s == S ]]; do sleep 0.01; done; kill -INT 0; sleep 5'
echo $?

### term-while-child-runs
trap 'echo term' TERM
mkfifo begun sent
(read -r <begun; kill -TERM $$; echo >sent) &
bash -c 'echo >begun; read -r <sent'
echo after
wait

### term-while-waiting
trap 'echo term' TERM
# The shell sleeps nowhere but in wait.
(until read -r _ _ s _ </proc/$$/stat; [[ $s == S ]]; do sleep 0.01; done; kill -TERM $$) &
sleep 100 &
p=$!
wait $p
echo $?
kill $p
wait $p 2>/dev/null
echo $?

### many-signals
n=0
trap 'n=$((n + 1))' USR1
for i in $(seq 200); do kill -USR1 $$; done
echo $n

### nested-handlers
trap 'echo a1; kill -USR2 $$; echo a2' USR1
trap 'echo b' USR2
kill -USR1 $$
echo end

### list
trap 'echo x' INT
trap '' QUIT
trap "echo 'quoted'" EXIT
trap -p
trap - INT QUIT EXIT
trap -p

### reset-in-subshell
trap 'echo handler' USR1
(trap -p; kill -USR1 $BASHPID; echo no) 2>/dev/null
echo $?

### signals-to-child-shell
mkfifo out
bash -c 'trap "echo usr1" USR1; trap "echo usr2; exit 7" USR2; echo ready; while :; do sleep 0.05; done' >out &
p=$!
exec 3<out
read -r x <&3; echo $x
kill -USR1 $p; read -r x <&3; echo $x
kill -USR2 $p; read -r x <&3; echo $x
wait $p
echo $?

### read-interrupted
trap 'echo alarm' ALRM
(until read -r _ _ s _ </proc/$$/stat; [[ $s == S ]]; do sleep 0.01; done; kill -ALRM $$; sleep 0.2; echo line) | { trap 'echo piped' ALRM; read -r x; echo "$x"; }
mkfifo f
read -r -t 0.1 x <>f
echo $?

### sigpipe
yes | head -1
echo ${PIPESTATUS[@]}
(trap '' PIPE; yes 2>/dev/null) | head -1
echo ${PIPESTATUS[@]}
(trap 'echo pipe >&2' PIPE; while echo y; do :; done 2>/dev/null) 2>&1 | head -1

### rt-signals
trap 'echo rtmin' RTMIN
trap 'echo rtmax' RTMAX
trap 'echo 40' 40
kill -RTMIN $$; kill -RTMAX $$; kill -40 $$
kill -l 34; kill -l 64

### exec-resets-traps
trap 'echo lost' USR1
trap '' USR2
exec bash -c 'kill -USR2 $$; echo ignored stays; kill -USR1 $$; echo no'
