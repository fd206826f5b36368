#!/bin/sh

### traps
trap 'echo exit $?' EXIT
trap 'echo usr1' USR1
trap 'echo term' TERM
kill -USR1 $$
(kill -TERM $$)
echo here
(trap - EXIT; exit 4)
exit $?

### wait-statuses
(exit 3) & a=$!
(exit 4) & b=$!
wait $b; echo $?
wait $a; echo $?
sleep 100 & kill $!; wait $!; echo $?
wait; echo $?
wait 12345678; echo $?

### background-pids
exec 2>/dev/null
sleep 100 & a=$!
sleep 101 & b=$!
until [ "$(ps -o comm= -p $a,$b | grep -c sleep)" = 2 ]; do sleep 0.01; done
[ $a != $b ] && ps -o args= -p $a,$b
kill $a $b
wait $a; echo $?
wait $b; echo $?

### pipelines
seq 100 | (read -r a; read -r b; echo $a $b; cat | tail -1)
false | true; echo $?
true | false; echo $?
echo a | { cat; echo b; } | cat -n

### functions-and-subshells
f() ( cd /; pwd; exit 3 )
f; echo $?
pwd | sed 's/.*\///'
x=$(f); echo "$x $?"
g() { [ "$1" = 0 ] || { echo "$1 $(g $(($1 - 1)))"; }; }
g 30

### here-documents
cat <<A | tr a-z A-Z
text $((6 * 7)) $(echo sub)
A
while read -r l; do echo "<$l>"; done <<A
1
2
A
(cat; cat <&3) <<A 3<<B
a
A
b
B

### signal-interrupts-wait
trap 'echo got' USR1
mkfifo f
# The shell sleeps nowhere but in wait.
(until read -r _ _ s _ </proc/$$/stat; [ "$s" = S ]; do sleep 0.01; done; kill -USR1 $$) &
cat f &
wait $!
echo $?
: >f
wait
echo $?

### signal-interrupts-read
trap 'echo got' USR1
(until read -r _ _ s _ </proc/$$/stat; [ "$s" = S ]; do sleep 0.01; done; kill -USR1 $$; sleep 0.3; echo line) | { read -r x; echo $? $x; }

### exec
(exec echo replaced; echo no)
(exec nosuch; echo no); echo $?
exec 3>f; echo x >&3; exec 3>&-; cat f
exec 4<f; read -r y <&4; echo $y

### errexit
(set -e; false; echo no); echo $?
(set -e; false || true; echo yes); echo $?
(set -e; ! true; echo yes); echo $?
(set -e; x=$(false); echo no); echo $?

### background-stdin
cat & 
wait
echo text | { cat & wait; }
echo text | (cat <&0 & wait)

### many
i=0
while [ $i -lt 300 ]; do (exit $((i % 3))) || n=$((n + $?)); i=$((i + 1)); done
echo $n
i=0
while [ $i -lt 100 ]; do sleep 0.2 & i=$((i + 1)); done
wait
echo done

### kill-zero
exec 2>/dev/null
setsid sh -c 'trap "wait; echo parent; exit 2" TERM; (trap "echo child; exit" TERM; : >ready; while :; do sleep 0.01; done) & while [ ! -e ready ]; do sleep 0.01; done; kill 0; sleep 1; echo no'
echo $?

### sigpipe-in-loop
(while echo line; do :; done; echo "after $?" >&2) 2>err | head -2
cat err | wc -c

### umask-and-cwd-are-own
umask 022
(umask 077; umask; cd /; pwd)
umask
sh -c 'umask 0; echo $(umask)'; umask
( : >a; umask 077; : >b ); ls -l a b | cut -c1-10

### ulimit
ulimit -n 50; ulimit -n
(ulimit -n 20; ulimit -n; ulimit -Hn)
sh -c 'ulimit -n'
ulimit -f 1; head -c 100000 /dev/zero >big; echo $?; wc -c <big
(ulimit -t 1; while :; do :; done); echo $?
