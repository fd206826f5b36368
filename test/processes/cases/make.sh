#!/bin/bash

### two-hundred-targets
{ echo "all: $(seq -f 't%g' 200 | tr '\n' ' ')"
  printf 't%%:\n\t@sh -c "echo $@ >$@"\n'; } >Makefile
make -j8 && cat t* | sort -V | md5sum
ls t* | wc -l
make -j8

### two-hundred-with-dependencies
{ echo 'all: t200'
  echo 't1:; @echo 1 >$@'
  for i in $(seq 2 200); do echo "t$i: t$((i / 2)); @echo \$\$(( \$\$(cat t$((i / 2))) + $i )) >\$@"; done; } >Makefile
make -s -j8 $(seq -f 't%g' 200) && cat t* | sort -n | md5sum

### recursive-jobserver
for d in a b c d; do
  mkdir $d
  { echo "all: $(seq -f 'x%g' 10 | tr '\n' ' ')"; printf 'x%%:\n\t@sleep 0.02; echo $@ >$@\n'; } >$d/Makefile
done
printf 'D = a b c d\nall: $(D)\n$(D):\n\t@+$(MAKE) -s -C $@\n.PHONY: $(D)\n' >Makefile
make -s -j4; echo $?
cat ?/x* | sort | uniq -c | wc -l
ls ?/x* | wc -l

### jobserver-flags
printf 'all:\n\t@+echo $(MAKEFLAGS) | grep -c jobserver-auth\n\t@+$(MAKE) -s sub\nsub: s1 s2 s3\ns1 s2 s3:\n\t@sleep 0.01; echo $@ done >>log\n' >Makefile
make -s -j2; sort log

### tokens-limit
# The first three wait for each other, so that three do run at once.
printf 'all: 1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8:\n\t@mkdir run.$@; >begun.$@; until [ -e begun.1 -a -e begun.2 -a -e begun.3 ]; do sleep 0.01; done; ls -d run.* 2>/dev/null | wc -l >>counts; sleep 0.1; rmdir run.$@\n.PHONY: all 1 2 3 4 5 6 7 8\n' >Makefile
make -s -j3
sort -n counts | tail -1

### failures
printf 'all: a b\na:\n\t@echo a; exit 3\nb:\n\t@echo b\n' >Makefile
make; echo $?
make -k; echo $?
make -i; echo $?
make nosuch; echo $?
make -q; echo $?
printf 'all:\n\t@kill -TERM $$$$\n' >m; make -f m; echo $?
printf 'all:\n\t@kill -SEGV $$$$\n' >m; make -f m; echo $?

### keep-going-parallel
printf 'all: 1 2 3 4 5\n1 3:\n\t@sleep 0.1; false\n2 4 5:\n\t@touch $@\n' >Makefile
make -s -k -j5 2>&1 | sort
ls

### delete-on-interrupt
printf 'out:\n\t@echo half >$@; sleep 100; echo rest >>$@\n' >Makefile
make -s 2>/dev/null & p=$!
until pgrep -x sleep >/dev/null; do sleep 0.02; done
kill -TERM $p; wait $p; echo $?
ls; pkill -x sleep; true

### output-sync
printf 'all: 1 2 3\n1 2 3:\n\t@echo $@ begins; sleep 0.$@; echo $@ ends\n.PHONY: all 1 2 3\n' >Makefile
make -s -j3 -Otarget | paste - - | sort
make -s -j3 -Oline | sort
make -s -j3 -Orecurse | paste - - | sort

### shell-functions
printf 'x := $(shell seq 3)\ny != echo from shell\n.ONESHELL:\nall:\n\t@a=1\n\techo $$a $(x) $(y)\n\t$(shell echo echo generated)\n' >Makefile
make
printf 'SHELL = /bin/bash\nall:\n\t@echo $${BASH_VERSION:+bash}\nenv: export A = exported\nenv:\n\t@sh -c "echo $$A $(.SHELLSTATUS)"\n' >Makefile
make all env
printf 'SHELL = /usr/bin/python3\n.SHELLFLAGS = -c\nall:\n\t@print(6 * 7)\n' | make -f -

### load-and-question
printf 'a: b\n\tcp b a\nb:\n\techo text >b\n' >Makefile
make -n; make --trace 2>&1 | sed 's/^[^ ]* //' ; make; touch -d '-10 seconds' a; make -s; make -t; echo $?
make -j4 -l 1000 -B

### implicit-rules-and-includes
printf 'all: hello.out\n%%.out: %%.in\n\t@tr a-z A-Z <$< >$@\n-include gen.mk\ngen.mk:\n\t@echo "V = generated" >$@\nshow:\n\t@echo $(V)\n' >Makefile
echo hello >hello.in
make -s; cat hello.out; make -s show
