#!/bin/bash

### exec-a
(exec -a other bash -c 'echo $0')
(exec -a other bash -c 'echo $0; tr "\0" " " </proc/$$/cmdline; echo; cat /proc/$$/comm; :')
(exec -l sh -c 'echo $0')
(exec -c env; :)
exec -a '' bash -c 'echo "<$0>"; :' 

### exec-fails
(exec /none; echo not here)
echo $?
(exec /etc; echo not here)
echo $?
(exec /etc/passwd; echo not here)
echo $?
shopt -s execfail
exec /none
echo still here $?

### not-found
nosuchcommand
echo $?
./nosuch; echo $?
/etc/passwd; echo $?
/; echo $?
touch empty; chmod +x empty; ./empty; echo $?
touch plain; ./plain; echo $?
"" ; echo $?

### script-argument
printf '#!/bin/echo -one two  \n' >s
chmod +x s
./s a b
printf '#!   /bin/echo\n' >s; ./s x
printf '#!/bin/echo\t-n\t\n' >s; ./s x; echo
printf '#!/bin/sh' >s; ./s; echo $?
printf '#!/bin/cat\nnot a command\n' >s; ./s
printf '#!/usr/bin/env -S bash -e\necho env; false; echo no\n' >s; ./s; echo $?

### nested-scripts
printf '#!/bin/echo 0\n' >s0
for i in 1 2 3 4 5 6 7; do printf '#!%s %s\n' "$PWD/s$((i - 1))" $i >s$i; done
chmod +x s?
for i in 0 1 2 3 4 5 6 7; do ./s$i arg 2>&1 | sed "s|$PWD|.|g"; done
printf '#!%s\n' "$PWD/loop" >loop; chmod +x loop
perl -e 'exec "./loop"; print 0+$!, " $!\n"'
perl -e 'exec "./s6"; print 0+$!, " $!\n"'

### bad-interpreter
printf '#!/none\n' >a; printf '#!\n' >b; printf '#!   \n' >c; printf '#!/etc/passwd\n' >d; printf '#!/tmp\n' >e
printf '#!relative\n' >f; printf '#!/bin/sh\r\necho x\n' >g
chmod +x ?
for i in a b c d e f g; do perl -e '{exec $ARGV[0]} print 0+$!, " $!\n"' ./$i; done
./a; echo $?
./d; echo $?

### long-shebang
p=$(printf '%0250d' 0)
printf '#!/bin/echo %s end\n' $p >s; chmod +x s
./s | wc -c
printf '#!/%s\n' $p$p >s
perl -e '{exec "./s"} print 0+$!, " $!\n"'

### no-shebang
echo 'echo "run by $0: $* ${BASH_VERSION:+bash}"' >s
chmod +x s
./s a b
sh -c './s c'
env ./s d
perl -e 'exec "./s", "e"; print "$!\n"'
perl -e 'system "./s", "f"; print $? >> 8, " $!\n"'
python3 -c 'import os
try: os.execv("./s", ["s"])
except OSError as e: print(e)'
find s -exec ./s g \;
echo x | xargs ./s
printf '\0\0\0' >bin; chmod +x bin; ./bin; echo $?
printf '\x7fELF garbage' >elf; chmod +x elf; ./elf 2>&1; echo $?

### argv0-of-script
printf '#!/bin/sh\necho $0; cat /proc/$$/comm; tr "\\0" " " </proc/$$/cmdline; echo; readlink /proc/$$/exe\n' >script
chmod +x script
./script 1
PATH=.:$PATH script 2
$PWD/script 3
ln -s script link; ./link 4
perl -e 'exec {"./script"} "zero", "one"'

### proc-self-exe
readlink /proc/self/exe
(exec -a x readlink /proc/self/exe)
cp /bin/readlink mine; ./mine /proc/self/exe; 
ln mine hard; ./hard /proc/self/exe
ln -s mine soft; ./soft /proc/self/exe
bash -c 'rm mine hard; cp /bin/sleep tmp; ./tmp 100 & until [[ $(readlink /proc/$!/exe) == */tmp ]]; do sleep 0.01; done
rm tmp; readlink /proc/$!/exe; kill $!; wait $! 2>/dev/null'

### comm
cp /bin/cat a-name-of-more-than-fifteen-characters
./a-name-of-more-than-fifteen-characters /proc/self/comm
bash -c 'echo new >/proc/$$/comm; cat /proc/$$/comm; :'
perl -e '$0 = "renamed by perl"; open F, "/proc/self/comm"; print <F>; open F, "/proc/self/cmdline"; $x = <F>; $x =~ s/\0+$//; print "$x\n"'

### text-busy
cp /bin/sleep prog
./prog 100 &
until [[ $(readlink /proc/$!/exe) == */prog ]]; do sleep 0.01; done
echo x >prog
echo x >>prog; echo $?
perl -e 'open(F, "+<", "prog") or print 0+$!, " $!\n"; truncate("prog", 1) or print 0+$!, " $!\n"'
kill $!; wait $! 2>/dev/null
: >prog; echo $?
cp /bin/true prog
exec 3>>prog
./prog; echo $?
exec 3>&-
./prog; echo $?
printf '#!/bin/sh\necho script\n' >script; chmod +x script
exec 3>>script
./script; echo $?

### too-big
x=$(head -c 3000000 /dev/zero | tr '\0' x)
/bin/echo "$x" >/dev/null; echo $?
/bin/echo "${x:0:131071}" | wc -c
/bin/echo "${x:0:131072}" 2>&1 >/dev/null | wc -l
e="$x" /bin/true; echo $?
a=(); for i in $(seq 60); do a+=("${x:0:100000}"); done
/bin/echo "${a[@]}" >/dev/null; echo $?
/bin/echo "${a[@]:0:15}" | wc -c

### permission
cp /bin/true t; chmod 644 t
./t; echo $?
perl -e '{exec "./t"} print 0+$!, " $!\n"'
mkdir d; perl -e '{exec "./d"} print 0+$!, " $!\n"; {exec "./t/x"} print 0+$!, " $!\n"; {exec "x" x 300} print 0+$!, " $!\n"; {exec {""} "x"} print 0+$!, " $!\n"; symlink "l", "l"; {exec "./l"} print 0+$!, " $!\n"'

### empty-environment
env -i /usr/bin/env; echo $?
env -i A=1 B='two words' /usr/bin/env
env -i sh -c 'echo $PATH | grep -c bin; export -p'
env -u HOME sh -c 'echo ${HOME-unset}'
env -i bash -c 'echo $PATH; env' | grep -v '^_=' | sort
env -C / pwd
env --ignore-signal=USR1 sh -c 'kill -USR1 $$; echo alive'
env -0 -i A=1 B=2 | tr '\0' ','
env - /none; echo $?
env /etc; echo $?

### empty-argv
perl -e '{exec {"/bin/true"} ()} print "none\n"' ; echo $?
python3 -c 'import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
pid = os.fork()
if pid == 0:
    libc.execve(b"/bin/true", (ctypes.c_char_p * 1)(None), (ctypes.c_char_p * 1)(None))
    os._exit(99)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))'

### setuid-and-credentials
cp /usr/bin/id myid; chown 1:1 myid; chmod 6755 myid
./myid
setpriv --reuid 5 --regid 5 --clear-groups ./myid
setpriv --reuid 5 --regid 5 --clear-groups --no-new-privs ./myid
setpriv --reuid 5 --regid 5 --clear-groups sh -c 'kill -0 $PPID; echo $?; cat /proc/self/status | grep -E "^(Uid|Gid|Groups|NoNewPrivs)"'

### shebang-close-on-exec
printf '#!/bin/cat\nthrough a descriptor\n' >s; chmod +x s
python3 -c 'import os
fd = os.open("s", os.O_RDONLY); os.set_inheritable(fd, True)
pid = os.fork()
if pid == 0: os.execve(fd, ["s"], {})
os.wait()
fd = os.open("s", os.O_RDONLY)
try: os.execve(fd, ["s"], {})
except OSError as e: print(e.strerror)
fd = os.open("/bin/echo", os.O_RDONLY)
os.execve(fd, ["echo", "fexecve"], {})'

### descriptors-over-exec
exec 3</dev/null 5</dev/null
ls /proc/self/fd | tr '\n' ' '
perl -e '$^F = 10; open A, "/dev/null"; $^F = 2; open B, "/dev/null"; exec "ls /proc/self/fd | tr \"\\n\" \" \""'

### exec-from-pipe
echo 'echo from stdin; exec cat' | cat - <(echo rest) | bash
echo 'read x; echo "got $x"
the line
echo more' | bash
