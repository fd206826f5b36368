/** Programs that live on a terminal, seen on a screen of tmux. */
import { describe, expect, test } from 'vitest';
import { Screen } from './screen.ts';

describe('programs on a terminal', { timeout: 600_000 }, () => {
  test('bash edits its command line', async () => {
    using screen = new Screen();
    await screen.guestShell();
    screen.type('echo one thre');
    screen.press('C-w');
    screen.type('three');
    screen.press('Left', 'Left', 'Left', 'Left', 'Left');
    screen.type('two ');
    screen.press('C-a', 'Right', 'Right', 'Right', 'Right');
    screen.type(' -n');
    screen.press('C-e', 'BSpace');
    screen.type('e; echo .');
    await screen.shows('guest$ echo -n one two three; echo .');
    screen.press('Enter');
    await screen.shows('one two three.');
    screen.press('Up', 'Home', 'DC');
    screen.type('# ');
    await screen.shows('guest$ # cho -n one two three; echo .');
    screen.press('C-c');
    await screen.command('echo /etc/pass\tx', '/etc/passwd x');
    // The line is longer than the screen is wide.
    screen.type(`echo ${'abcdefghi '.repeat(9)}`);
    await screen.shows(/abcdefgh\ni abcdefghi abcdefghi$/);
    screen.press('C-u');
    screen.type('exit 3');
    screen.press('Enter');
    await screen.command('echo status=$?', 'status=3');
  });

  test('vim edits and saves a file, and stops and goes on', async () => {
    using screen = new Screen();
    await screen.guestShell();
    await screen.command("vim.tiny -u NONE -c 'set nocp showmode ruler' file", /"file" \[New File\]/);
    screen.type('ihello\rworld');
    await screen.shows(/-- INSERT --/);
    screen.press('Escape');
    screen.type('ggyyP:s/hello/goodbye/\r');
    await screen.shows(/^goodbye\nhello\nworld\n~/);
    screen.press('C-z');
    await screen.shows(/Stopped +vim/);
    await screen.command('fg', /^goodbye\nhello\nworld\n~/);
    screen.type(':set columns? lines?\r');
    await screen.shows(/columns=80\s+lines=24/);
    screen.press('Enter');
    screen.resize(60, 20);
    await screen.shows(/^goodbye\nhello\nworld\n(~\n){16}/);
    screen.type(':set columns? lines?\r');
    await screen.shows(/columns=60\s+lines=20/);
    screen.press('Enter');
    screen.type(':wq\r');
    await screen.command('cat file', /^goodbye\nhello\nworld\nguest\$/m);
  });

  test('less pages and searches, from a file and at the end of a pipeline', async () => {
    using screen = new Screen();
    await screen.guestShell();
    await screen.command('seq 1000 > numbers; less numbers', /^1\n2\n(.*\n)*23\nnumbers$/);
    screen.press('Space');
    await screen.shows(/^24\n(.*\n)*46\n:$/);
    screen.line('/777');
    await screen.shows(/^777\n/);
    screen.press('G');
    await screen.shows(/\n1000\n\(END\)$/);
    screen.press('q');
    await screen.clear();
    await screen.command('seq 500 | tac | less', /^500\n499\n/);
    screen.line('?123');
    screen.line('/42');
    await screen.shows(/^442\n/);
    screen.press('q');
    await screen.clear();
    // It ends by itself what still writes.
    await screen.command('yes | less', /^y\ny\n/);
    screen.press('q');
    await screen.command('echo "${PIPESTATUS[@]}"', '141 0');
  });

  test('nano', async () => {
    using screen = new Screen();
    await screen.guestShell();
    await screen.command('nano file', /GNU nano/);
    screen.type('some text');
    screen.press('C-o');
    await screen.shows(/File Name to Write: file/);
    screen.press('Enter');
    await screen.shows(/Wrote 1 line/);
    screen.press('C-x');
    await screen.command('cat file', /^some text\nguest\$/m);
  });

  test('top and ps', async () => {
    using screen = new Screen({ columns: 100 });
    await screen.guestShell();
    await screen.command('sleep 1234 & top -d 0.5', /^Tasks: +4 total.*(.*\n)*.* init(.*\n)*.* top$/m);
    await screen.shows(/ sleep$/m);
    screen.press('q');
    await screen.clear();
    await screen.command(
      'tty; ps -o tty,stat,args',
      /^\/dev\/pts\/0\nTT +STAT COMMAND\npts\/0 +Ss +\S*bash.*\npts\/0 +S +sleep 1234\npts\/0 +R\+ +ps/m,
    );
  });

  test('script, python pty and tmux: terminals in the terminal', async () => {
    using screen = new Screen();
    await screen.guestShell();
    screen.line('script -q -c \'tty; stty size; read -p name: x; echo "<$x>"\' log');
    await screen.shows(/^\/dev\/pts\/1\n24 80\nname:$/m);
    screen.type('Bop');
    screen.press('BSpace');
    screen.line('b');
    await screen.shows('<Bob>');
    await screen.command('grep -c "<Bob>" log', '1');
    await screen.clear();
    await screen.command(
      `python3 -c 'import pty; print(pty.spawn(["bash", "-c", "tty; sleep 600"]))'`,
      '/dev/pts/1',
    );
    screen.press('C-c');
    await screen.shows(/^\^C2$/m);
    await screen.clear();
    screen.line('tmux -f /dev/null new-session bash --norc');
    await screen.shows(/^guest\$\n(.*\n)*\[0\] 0:bash\*/);
    screen.line('echo $TMUX_PANE; tty');
    await screen.shows(/^%0\n\/dev\/pts\/1/m);
    screen.press('C-b', '"');
    await screen.shows(/─{80}\nguest\$/);
    screen.line('stty size');
    await screen.shows(/^11 80/m);
    screen.press('C-b', 'd');
    await screen.shows(/\[detached \(from session 0\)\]/);
    await screen.command('tmux kill-server; echo gone', 'gone');
  });

  test('passwords are not shown', async () => {
    using screen = new Screen();
    await screen.guestShell();
    screen.line('read -s -p "secret: " x; echo "<$x>"');
    await screen.shows(/^secret:$/m);
    screen.line('abc');
    await screen.shows(/^secret: <abc>\nguest\$$/m);
    screen.line(`python3 -c 'import getpass; print("<" + getpass.getpass() + ">")' < /dev/null`);
    await screen.shows(/^Password:$/m);
    screen.line('xyz');
    await screen.shows(/^Password:\n<xyz>\nguest\$$/m);
    await screen.command('stty -a', / echo /);
    expect(screen.text).not.toMatch(/^abc|^xyz/m);
  });
});
