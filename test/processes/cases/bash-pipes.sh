#!/bin/bash

### ten-stages
seq 1000 | cat | cat | tac | cat | sort -n | cat | head -500 | cat | tail -1
echo ${PIPESTATUS[@]}

### twenty-stages
p='cat'
for i in $(seq 20); do p="$p | tr a-y b-z"; done
echo abc | eval "$p"

### pipestatus
(exit 1) | (exit 2) | (exit 3)
echo ${PIPESTATUS[@]}
true | false | true
echo $? ${PIPESTATUS[@]}
! false | true
echo ${PIPESTATUS[@]}

### pipefail
set -o pipefail
(exit 1) | (exit 2) | true
echo $?
yes | head -1 >/dev/null
echo $?
true | true; echo $?

### lastpipe
shopt -s lastpipe
echo value | read -r x
echo "$x"

### megabytes
head -c 20000000 /dev/zero | tr '\0' x | md5sum
head -c 3000000 /dev/zero | cat | cat | wc -c

### pipe-both
{ echo out; echo err >&2; } |& sort

### here-document
cat <<A <<'B' 3<<-C
first
A
second $HOME $(echo no)
B
	third $((1 + 2))
	C
cat <<A
$(cat <<B
nested $(echo deep)
B
)
A
cat <<<"string $((2 * 3))"

### here-document-large
x=$(head -c 200000 /dev/zero | tr '\0' x)
cat <<A | wc -c
$x
A
wc -c <<<"$x"

### process-substitution
cat <(echo one) <(echo two)
diff <(seq 5) <(seq 2 6)
echo $?
tee >(tr a-z A-Z >up) >(wc -c >count) <<<hello >/dev/null
until [[ -s up && -s count ]]; do sleep 0.01; done
cat up count
paste <(seq 3) <(seq 4 6) <(seq 7 9)
echo <(:) | sed 's/[0-9]*$/N/'

### process-substitution-many
cat $(for i in $(seq 20); do echo "<(echo $i)"; done | tr '\n' ' ' | sed 's/.*/\/dev\/null/')
f() { cat "$@"; }
f <(echo 1) <(echo 2) <(f <(echo 3) <(echo 4)) <(echo 5)

### coproc
coproc cat
echo hello >&${COPROC[1]}
read -r x <&${COPROC[0]}
echo "$x"
exec {COPROC[1]}>&-
wait $COPROC_PID
echo $?

### coproc-named
coproc CALC { while read -r x; do echo $((x)); done; }
for e in 1+2 3*4 2**10; do
  echo "$e" >&${CALC[1]}
  read -r r <&${CALC[0]}
  echo "$e = $r"
done
p=$CALC_PID
eval "exec ${CALC[1]}>&-"
wait $p
echo $?

### coproc-bc
coproc bc
p=$COPROC_PID
for i in 1 2 3; do echo "$i ^ 40" >&${COPROC[1]}; read -r x <&${COPROC[0]}; echo $x; done
kill $p
wait $p 2>/dev/null
echo $?

### exec-redirections
exec 5>&1
exec 3>out 4<>both
echo three >&3
echo four >&4
exec 3>&- 
echo x >&3
exec 4<&-
cat out both
exec {fd}<out
cat <&$fd
exec {fd}<&-
exec >all 2>&1
echo to all
ls /none
exec >/dev/null
cat all >&5

### duplicates
exec 5>&1
{ { echo out; echo err >&2; } 2>&1 >&5 | sed 's/^/piped: /'; } 5>&1
exec 5>&-
(exec 1>&-; echo x; echo $? >&2)
echo y 1>&9
exec 6<<<text
read -u 6 x; echo $x

### append-and-clobber
echo a >f; echo b >>f; cat f
set -C
echo c >f; echo $?
echo d >|f; cat f
: <>g; ls
echo one two >&h; cat h
&>k ls h /none; wc -l <k

### fifo
mkfifo p
(echo one; sleep 0.1; echo two) >p &
cat <p
wait
mkfifo q
# What is written before the first reader has gone would be its own.
(cat p; echo next; echo >q; cat p) &
echo a >p
read -r <q
echo b >p
wait
timeout 0.2 cat p; echo $?
rm p

### fifo-two-way
mkfifo in out
(while read -r l; do echo "<$l>"; done <in >out) &
exec 3>in 4<out
echo a >&3; read -r x <&4; echo "$x"
echo b >&3; read -r x <&4; echo "$x"
exec 3>&-
read -r x <&4; echo $?
wait

### fifo-many-writers
mkfifo p
sort -V <p | wc -l & reader=$!
# Without a writer in between it would be the end.
exec 3>p
for i in $(seq 20); do (for j in 1 2 3; do echo "$i.$j"; done >p) & w[i]=$!; done
wait ${w[@]}
exec 3>&-
wait $reader

### read-shares-offset
seq 5 >f
{ read -r a; read -r b; cat; } <f | tr '\n' ' '
{ head -1; cat; } <f
(read -r a; echo $a; (read -r b; echo $b); read -r c; echo $c) <f
seq 5 | { read -r a; echo $a; cat | tail -1; }

### mapfile
mapfile -t a < <(seq 100)
echo ${#a[@]} ${a[99]}
mapfile -t -n 3 b < <(yes)
echo ${b[@]}

### while-read-loop
n=0
while read -r a b; do n=$((n + b)); done < <(for i in $(seq 50); do echo x $i; done)
echo $n
seq 3 | while read -r x; do echo "[$(echo $x | sed 's/^/-/')]"; done

### select-and-stdin
echo 2 | { PS3='? '; select x in a b c; do echo "$x $REPLY"; break; done; } 2>&1

### epipe
# The only reader goes.
mkfifo p
exec 3<>p 4>p 3>&-
(echo late; echo $? >&2) >&4
echo $?
trap '' PIPE
(echo late 2>/dev/null; echo $? >&2) >&4

### full
echo x >/dev/full
echo $?
cat /dev/zero 2>/dev/null >/dev/full; echo $?

### bidirectional-loop
mkfifo loop
n=0
exec 3<>loop
echo 1 >&3
while ((n < 100)); do read -r n <&3; echo $((n + 1)) >&3; done
echo $n

### sort-under-pipe-pressure
for i in 1 2 3 4; do for ((j = i; j <= 2000; j += 4)); do echo $j; done & done | sort -n | md5sum
seq 2000 | md5sum

### xargs-in-pipe
seq 100 | xargs -n 7 | xargs -n 1 -P 8 | sort -n | md5sum
seq 30 | xargs -P 10 -I{} sh -c 'sleep 0.0$(({} % 5)); echo {}' | sort -n | tr '\n' ' '
