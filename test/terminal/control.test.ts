/**
 * Signals from the keyboard, job control inside the guest and of armrun as a job of the host's shell, and the settings of the
 * terminal.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import flags from '../../src/v8-flags.json' with { type: 'json' };
import { compile } from '../vfs/compile.ts';
import { becomesIdle } from './host-process.ts';
import { Screen } from './screen.ts';

const bin = fileURLToPath(new URL('../../src/bin.cjs', import.meta.url));

/** A program that never asks the kernel for anything. */
const spin = () => compile('spin', 'int main(void) { for (volatile int i = 0;; i++); }', 'arm');

describe('keys', { timeout: 600_000 }, () => {
  test('Ctrl-C ends what runs in the foreground, at once', async () => {
    using screen = new Screen();
    screen.line("guest /bin/bash -c 'echo one; echo two; sleep 600; echo three'");
    await screen.shows(/^one\ntwo$/m);
    screen.press('C-c');
    await screen.command('echo status=$?', 'status=130');
    screen.line(`armrun ${spin()}`);
    screen.press('C-c');
    await screen.command('echo status=$?', 'status=130');
    await screen.clear();

    await screen.guestShell();
    await screen.command("bash -c 'echo go; sleep 600'", 'go');
    screen.press('C-c');
    await screen.shows(/^\^C\nguest\$$/m);
    await screen.command('echo a$?', 'a130');
    await screen.command('echo loops; while :; do :; done', 'loops');
    screen.press('C-c');
    await screen.shows(/^loops\n\^C\nguest\$$/m);
    await screen.command('awk \'BEGIN { print "spins"; fflush(); while (1); }\'', 'spins');
    screen.press('C-c');
    await screen.command('echo b$?', 'b130');
    await screen.command('echo waits; cat', 'waits');
    screen.press('C-\\');
    await screen.shows(/Quit/);
    await screen.command('echo c$?', 'c131');
    await screen.clear();
    await screen.command('echo go; cat', 'go');
    screen.line('line');
    await screen.shows(/^line\nline$/m);
    screen.press('C-d');
    await screen.prompt();
    screen.press('C-d');
    await screen.shows(/^guest\$\s+exit\nhost\$$/m);
  });

  test('jobs of the guest', async () => {
    using screen = new Screen();
    await screen.guestShell();
    await screen.command('(echo sleeps; exec sleep 600)', 'sleeps');
    screen.press('C-z');
    await screen.shows(/^\[1\]\+ +Stopped +.*sleep 600 \)\nguest\$$/m);
    await screen.command('echo go; cat', 'go');
    screen.line('first');
    await screen.shows(/^first\nfirst$/m);
    screen.press('C-z');
    await screen.shows(/^\[2\]\+ +Stopped +cat\nguest\$$/m);
    await screen.command('bg %1', /^\[1\]- .*sleep 600 \) &$/m);
    await screen.command('jobs', /^\[1\]- +Running +.*sleep 600 \) &\n\[2\]\+ +Stopped +cat$/m);
    // In the background it may not read.
    await screen.command('bg %2', /^\[2\]\+ cat &$/m);
    await screen.command('jobs -s', /^guest\$ jobs -s\n\[2\]\+ +Stopped +cat$/m);
    await screen.command('fg', 'cat');
    screen.line('second');
    await screen.shows(/^second\nsecond$/m);
    screen.press('C-d');
    await screen.prompt();
    await screen.clear();
    // Nor write, if the terminal is set so.
    await screen.command(
      'stty tostop; echo not yet & until [[ $(jobs -s) == *not* ]]; do sleep 0.1; done; jobs -s',
      /^\[2\]\+ +Stopped +echo not yet$/m,
    );
    await screen.command('stty -tostop; fg', /^not yet\nguest\$$/m);
    screen.line('fg %1');
    await screen.shows(/^\( .*sleep 600 \)$/m);
    screen.press('C-c');
    await screen.command('jobs; echo none', /\$ jobs; echo none\nnone$/m);
  });

  test('a change of the window size', async () => {
    using screen = new Screen();
    await screen.guestShell();
    await screen.command('shopt -s checkwinsize; trap "stty size" WINCH', /WINCH$/m);
    await screen.command('stty size', '24 80');
    screen.resize(90, 30);
    // A signal that comes just before bash reads a key waits for one.
    screen.press('Enter');
    await screen.shows(/30 90$/m);
    await screen.command('/bin/true; echo $LINES,$COLUMNS', '30,90');
    screen.line(
      `perl -e '$| = 1; $SIG{WINCH} = sub { print \`stty size\` }; print "ready\\n"; sleep 9 while 1'`,
    );
    await screen.shows('ready');
    screen.resize(70, 20);
    await screen.shows('20 70');
  });
});

describe('armrun as a job', { timeout: 600_000 }, () => {
  test('stops when its guest has stopped, and goes on with it', async () => {
    using screen = new Screen();
    for (const program of ['/bin/cat', "/bin/bash -c 'cat; echo end'"]) {
      screen.line(`guest ${program}`);
      screen.line('one');
      await screen.shows(/^one\none$/m);
      screen.press('C-z');
      await screen.shows(/^\[1\]\+ +Stopped /m);
      await screen.prompt();
      // The shell has its terminal back.
      await screen.command('stty -a | grep -o " icanon.* echo "', /^ icanon iexten echo$/m);
      await screen.command('bg; sleep 0.3; jobs', /^\[1\]\+ +Stopped /m);
      screen.line('fg');
      screen.line('two');
      await screen.shows(/^two\ntwo$/m);
      screen.press('C-d');
      await screen.clear();
    }
    // One that does not read the terminal goes on in the background.
    await screen.command(
      'guest /bin/bash -c \'trap "echo continued" CONT; echo loops; while :; do sleep 0.1; done\'',
      'loops',
    );
    screen.press('C-z');
    await screen.shows(/^\[1\]\+ +Stopped /m);
    await screen.command('bg', /continued$/m);
    screen.press('Enter');
    await screen.command('kill %1; wait; echo gone', /Terminated.*\n(.*\n)*gone$/m);
  });

  test('stops and ends together with the pipeline and the script it is in', async () => {
    using screen = new Screen();
    screen.line('guest /bin/cat | sed -u s/^/got:/');
    screen.line('x');
    await screen.shows('got:x');
    screen.press('C-z');
    await screen.shows(/^\[1\]\+ +Stopped /m);
    screen.line('fg');
    screen.line('y');
    await screen.shows('got:y');
    screen.press('C-c');
    await screen.command('echo status=$?', 'status=130');
    await screen.clear();
    screen.line(`(trap 'echo script ends; exit 9' INT; guest /bin/cat; echo no)`);
    screen.line('z');
    await screen.shows(/^z\nz$/m);
    screen.press('C-c');
    await screen.shows(/script ends/);
    await screen.command('echo status=$?', 'status=9');
    // As vim does it: it asks for the whole group to be stopped.
    screen.line(`bash -c '${screen.guest} /usr/bin/vim.tiny -u NONE new; true'`);
    await screen.shows(/"new" \[New( File)?\]/);
    screen.press('C-z');
    await screen.shows(/^\[1\]\+ +Stopped /m);
    await screen.command('fg', /^~\n~\n/m);
    screen.type(':q\r');
    await screen.prompt();
  });

  test('has no job control where nobody would continue it', async () => {
    using screen = new Screen();
    // A session of its own on a terminal of its own, as of a container.
    screen.line(`script -q -c 'exec ${screen.guest} /bin/cat' log`);
    screen.line('one');
    await screen.shows(/^one\none$/m);
    screen.press('C-z');
    screen.line('two');
    await screen.shows(/two\ntwo$/m);
    screen.press('C-c');
    await screen.prompt();
  });

  test('a terminal that hangs up', async () => {
    using screen = new Screen();
    const script = 'trap "echo hung up >&2; exit" HUP; echo ready; while :; do read x; done';
    screen.line(`sh -c 'echo $$ > pid; exec ${screen.guest} /bin/bash -c "$0"' '${script}' 2> log`);
    await screen.shows('ready');
    const pid = Number(screen.file('pid'));
    screen.hangUp();
    await expect.poll(() => screen.file('log'), { timeout: 120_000 }).toBe('hung up\n');
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 120_000 }).toBe(false);
  });
});

test('an idle shell uses no CPU', { timeout: 600_000 }, async () => {
  using screen = new Screen();
  await screen.guestShell();
  expect(await becomesIdle(screen.job)).toBe(true);
});

describe('settings', { timeout: 600_000 }, () => {
  test('are seen both ways', async () => {
    using screen = new Screen();
    // The host's shell edits its lines with settings of its own, and gives programs these.
    screen.line('stty -ixon erase ^G intr ^T');
    await screen.prompt();
    screen.line('guest /bin/stty -a');
    await screen.shows(/^intr = \^T; .* erase = \^G;(.*\n)*.* -ixon /m);
    await screen.clear();
    await screen.command(
      'guest /bin/stty tostop eof ^F ixon; stty -a',
      /eof = \^F;(.*\n)*.* ixon (.*\n)*.* tostop /,
    );
    await screen.clear();
    await screen.command('guest /bin/stty sane; stty -a', /intr = \^C; .* erase = \^\?;.* eof = \^D;/);
  });

  test('are seen both ways where the host has no stty, as in an image', async () => {
    using screen = new Screen();
    // What the PATH leads to is a program for ARM.
    await screen.command('stty erase ^G; PATH=${ROOT}/usr/bin; hash -r', 'host$');
    await screen.command('guest /bin/stty -a', /^intr = \^C; .* erase = \^G;/m);
    await screen.clear();
    await screen.command('guest /bin/stty tostop; /usr/bin/stty -a', /erase = \^G;(.*\n)*.* tostop /);
  });

  test('are the usual ones where there is neither node:ffi nor a stty', async () => {
    using screen = new Screen();
    const node = `${process.execPath} --no-experimental-ffi ${flags.join(' ')} ${bin} --root $ROOT`;
    await screen.command('stty erase ^G; PATH=${ROOT}/usr/bin; hash -r', 'host$');
    await screen.command(`${node} /bin/stty -a`, /^intr = \^C; .* erase = \^\?;/m);
    await screen.clear();
    await screen.command(`${node} /bin/stty tostop; /usr/bin/stty -a`, /erase = \^G;(.*\n)*.* -tostop /);
  });

  test('what is typed ahead is for who reads next', async () => {
    using screen = new Screen();
    screen.line(
      "guest /bin/bash -c 'stty -echo; echo go; read line; echo got $line; sleep 3; stty echo'; read next; echo next $next",
    );
    await screen.shows(/^go$/m);
    screen.type('first\rahead\r');
    await screen.shows(/^got first$/m);
    await screen.shows(/^next ahead$/m);
  });

  test('are as they were after any end', async () => {
    using screen = new Screen();
    const raw = (then: string) => `guest /bin/bash -c 'stty raw -echo; echo raw; read -n1; ${then}'`;
    const settings = / icanon iexten echo echoe (.*\n)*status=(\d+)$/m;
    for (const [end, status] of [
      ['kill -SEGV $$', 139],
      ['ulimit -c 0; kill -ABRT $$', 134],
    ] as const) {
      screen.line(`${raw(end)}; s=$?; stty -a; echo status=$s`);
      await screen.shows(/raw$/m);
      screen.type('x');
      expect((await screen.shows(settings))[2]).toBe(String(status));
      await screen.clear();
    }
    for (const [signal, status] of [
      ['TERM', 143],
      ['HUP', 129],
    ] as const) {
      // What is killed is armrun, from outside. (The log of the one before must be gone when the loop begins.)
      screen.line(
        `: > log; (until grep -q raw log; do sleep 0.1; done; pkill -${signal} -f 'bash -c stty ra[w]') 2>&- &`,
      );
      screen.line(`${raw('')} | tee log; s=\${PIPESTATUS[0]}; stty -a; echo status=$s`);
      expect((await screen.shows(settings))[2]).toBe(String(status));
      await screen.clear();
    }
  });
});
