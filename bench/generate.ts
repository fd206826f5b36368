/** Sources that the benchmarks of first runs compile and configure: written by rules, the same text every time. */

/** A program that draws in two of the biggest headers of the C++ library. */
export const HELLO_CPP = `#include <iostream>
#include <map>
#include <string>

int main() {
  std::map<std::string, int> counts;
  for (const char *word : {"one", "two", "two", "three", "three", "three"}) counts[word]++;
  for (const auto &[word, count] : counts) std::cout << word << ' ' << count << '\\n';
}
`;

/** Without an import: what is built with it is the runtime alone, of half a minute under qemu-arm. */
export const HELLO_GO = `package main

func main() { println("hello") }
`;

/** Numbers that look random (a linear congruential generator of 32 bits, its upper half). */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 16) % below;
  };
}

/**
 * C of as many functions, some fourteen lines each: loops, switches, structures, floating point, calls among each other; what a
 * compiler meets, so that no pass of it has it easy.
 */
export function largeC(functions: number): string {
  const random = generator(functions);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const integers = ['a', 'b', 'n', 'p->x', 'p->y', 'sum'];
  const expression = (depth: number): string =>
    depth === 0
      ? pick([...integers, String(random(1000) + 1)])
      : `(${expression(depth - 1)} ${pick(['+', '-', '*', '^', '&', '|'])} ${expression(depth - 1)})`;
  const condition = () => `${pick(integers)} ${pick(['<', '>', '==', '!='])} ${expression(1)}`;
  const called = (i: number) => (i === 0 ? 'a' : `f${random(i)}(p, ${expression(1)}, b & 7)`);
  const statements: ((i: number) => string[])[] = [
    () => [`if (${condition()})`, `  sum += ${expression(2)};`, 'else', `  p->x ^= ${expression(1)};`],
    () => [
      'for (int i = 0; i < (n & 31); i++) {',
      `  table[(i + a) & 63] += ${expression(2)};`,
      '  sum += table[i & 63] >> 3;',
      '}',
    ],
    (i) => [
      `switch (${expression(1)} & 7) {`,
      ...[0, 1, 2, 5].map((c) => `  case ${c}: sum += ${c % 2 ? called(i) : expression(2)}; break;`),
      `  default: p->y = ${expression(1)};`,
      '}',
    ],
    () => [
      `p->d = p->d * ${random(90) + 1}.5 + (double)${expression(1)};`,
      `if (p->d > 1e9) p->d /= ${random(9) + 2}.0;`,
    ],
    (i) => [`if ((b & ${1 << random(6)}) && sum > ${random(500)}) sum -= ${called(i)};`],
    () => ['while (b > 0 && (sum & 1) == 0) {', '  sum = (sum >> 1) + p->y;', '  b--;', '}'],
    () => [`for (const char *s = names[${random(4)}]; *s; s++)`, `  sum = sum * ${random(60) * 2 + 3} + *s;`],
  ];
  const out = [
    '/* Generated. */',
    'struct point { int x, y; double d; };',
    'static int table[64];',
    'static const char *const names[] = { "alpha", "beta", "gamma", "delta" };',
  ];
  for (let i = 0; i < functions; i++) {
    out.push('', `int f${i}(struct point *p, int a, int b) {`, '  int n = a + b, sum = 0;');
    for (let s = 0; s < 3; s++) out.push(...pick(statements)(i).map((line) => `  ${line}`));
    out.push('  return sum + n;', '}');
  }
  return `${out.join('\n')}\n`;
}

const HEADERS = ['stdlib', 'unistd', 'sys/mman', 'windows'];
const FUNCTIONS = ['memmove', 'strlcpy', 'clock_gettime', 'kqueue'];
const TYPES = ['long', 'void *', 'off_t'];

/**
 * A ./configure as autoconf writes them (tests of compiler, headers, functions and sizes; a cache of answers; config.status by
 * sed), smaller: seventeen runs of the compiler, and the shell's and the small tools' work about them.
 */
export function configureScript(): string {
  const identifier = (name: string) => name.replaceAll(/[^a-z_]/g, (c) => (c === '*' ? 'p' : '_'));
  return `#!/bin/sh
# Generated.
as_echo='printf %s\\n'
exec 5>config.log
$as_echo "This file was made by configure" >&5
srcdir=\`dirname "$0"\`
for ac_prog in sed grep make gcc ld; do
  printf '%s' "checking for $ac_prog... "
  found=
  save_IFS=$IFS; IFS=:
  for dir in $PATH; do
    IFS=$save_IFS
    if test -x "$dir/$ac_prog"; then found=$dir/$ac_prog; break; fi
  done
  IFS=$save_IFS
  case $found in
    ?*) $as_echo "$found" ;;
    *) $as_echo no; exit 1 ;;
  esac
done
define() {
  $as_echo "#define $1 $2" >>confdefs.h
  $as_echo "s,^#undef $1\\$,#define $1 $2," >>conf.sed
}
upper() { $as_echo "$1" | sed 's/[^a-zA-Z0-9_]/_/g;y/abcdefghijklmnopqrstuvwxyz/ABCDEFGHIJKLMNOPQRSTUVWXYZ/'; }
try() { # compiles (or links) conftest.c
  cat confdefs.h - >conftest.c
  gcc "$@" conftest.c >&5 2>conftest.err
  status=$?
  grep -v '^ *+' conftest.err >&5
  test $status = 0 || sed 's/^/| /' conftest.c >&5
  rm -f conftest.c conftest.err conftest.o conftest
  return $status
}
checking() { printf '%s' "checking $1... "; $as_echo "configure: checking $1" >&5; }
: >confdefs.h
: >conf.sed
checking 'whether the compiler works'
$as_echo 'int main(void) { return 0; }' | try -o conftest || { $as_echo no; exit 77; }
$as_echo yes
checking 'for inline'
$as_echo 'static inline int f(void) { return 0; } int g(void) { return f(); }' | try -c -o conftest.o && result=yes || result=no
$as_echo $result
${HEADERS.map(
  (header) => `checking 'for ${header}.h'
$as_echo '#include <${header}.h>' | try -c -o conftest.o && result=yes || result=no
$as_echo $result
case $result in yes) define HAVE_\`upper ${header}.h\` 1 ;; esac
`,
).join('')}${FUNCTIONS.map(
  (name) => `checking 'for ${name}'
$as_echo 'char ${name}(void); int main(void) { return ${name}(); }' | try -fno-builtin -o conftest && result=yes || result=no
$as_echo $result
case $result in yes) define HAVE_\`upper ${name}\` 1 ;; esac
`,
).join('')}${TYPES.map(
  (type) => `checking 'size of ${type}'
for size in 8 4; do
  $as_echo "#include <sys/types.h>
int x[sizeof (${type}) == $size ? 1 : -1];" | try -c -o conftest.o && break
done
$as_echo $size
define SIZEOF_\`upper '${identifier(type)}'\` $size
`,
).join('')}sed -f conf.sed "$srcdir/config.h.in" >config.h
for file in Makefile; do
  sed "s,@srcdir@,$srcdir,g;s,@CC@,gcc,g" "$srcdir/$file.in" >$file
done
rm -f confdefs.h conf.sed
$as_echo 'configure: config.h is made'
`;
}

export function configureInput(): { 'config.h.in': string; 'Makefile.in': string } {
  const upper = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, '_');
  const names = [
    ...HEADERS.map((header) => `HAVE_${upper(`${header}.h`)}`),
    ...FUNCTIONS.map((name) => `HAVE_${upper(name)}`),
    ...TYPES.map((type) => `SIZEOF_${upper(type.replace('*', 'p'))}`),
  ];
  return {
    'config.h.in': names.map((name) => `#undef ${name}\n`).join(''),
    'Makefile.in': 'CC = @CC@\nsrcdir = @srcdir@\nall:\n\t$(CC) -c $(srcdir)/main.c\n',
  };
}
