// `sotto call` on a terminal: the panel, its keys, and the terminal afterwards. tests/unit/test_panel.c has what it looks
// like.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { Call, linkOf } from './call.mjs';
import { Server, SOTTO, within } from './harness.mjs';

/** A command on a terminal of 80 x 24. */
class Terminal {
  output = '';
  errors = '';
  #waiters = [];

  constructor(t, args, env = {}) {
    this.child = spawn('python3', ['tests/server/on_terminal.py', '80', '24', ...args],
      { env: { ...process.env, TERM: 'xterm-256color', NO_COLOR: '', ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout.setEncoding('utf8').on('data', (d) => {
      this.output += d;
      this.#waiters = this.#waiters.filter((w) => !w());
    });
    this.child.stderr.on('data', (d) => { this.errors += d; });
    this.ended = new Promise((done) => this.child.on('close', done));
    t.after(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  static call(t, server, link, args = [], env = {}) {
    return new Terminal(t, [SOTTO, 'call', '--loopback', '--ca', server.listening.ca, ...args, link], env);
  }

  /** Until it shows this, after what was shown when it was asked for. */
  shows(wanted, from = 0) {
    const there = () => wanted.test(this.output.slice(from));
    if (there()) return Promise.resolve();
    return within(new Promise((done) => this.#waiters.push(() => there() && (done(), true))),
      `${wanted} on the terminal; it shows ${JSON.stringify(this.output.slice(-4000))}`);
  }

  async press(keys, wanted) {
    const from = this.output.length;
    this.child.stdin.write(keys);
    if (wanted) await this.shows(wanted, from);
  }

  code() {
    return within(this.ended, `the command to end; the terminal shows ${JSON.stringify(this.output.slice(-4000))}`);
  }

  /** What must be so however it ended. */
  isLeftAsItWas() {
    assert.match(this.errors, /the terminal is as before/);
    assert.ok(this.output.lastIndexOf('\x1b[?25h') > this.output.lastIndexOf('\x1b[?25l'), 'the cursor is shown');
    assert.ok(!this.output.includes('\x1b[?1049h'), 'what was printed before is not hidden');
  }
}

/** A call on a terminal, open, with an echo at the other end. */
async function openCall(t, args = [], env = {}) {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const terminal = Terminal.call(t, server, link, ['--in', 'test', ...args], env);
  await terminal.shows(/Waiting for the other end/);
  const other = new Call(t, server, link, '--echo');
  await other.event('open');
  await terminal.shows(/In call {3}00:00:/);
  return { server, link, terminal, other };
}

test('the panel shows the call; m and v mute, the other end is told; h hangs up', async (t) => {
  const { link, terminal, other } = await openCall(t);
  await terminal.shows(/✓ Fingerprints {2}holds .*theirs, as it came sealed and as seen: equal/);
  await terminal.shows(/from host to host/);
  await terminal.shows(/Sound {4}opus sent [1-9]\d* kbit\/s +heard [1-9]\d* kbit\/s/);
  await other.event('other', (e) => e.audio && e.video);
  await terminal.press('m', /Sound {4}opus sent MUTED/);
  await other.event('other', (e) => !e.audio && e.video);
  await terminal.press('v', /Picture {2}VP8 {2}sent MUTED/);
  await other.event('other', (e) => !e.audio && !e.video);
  const told = other.events.length;
  await terminal.press('mv', /m mute sound {3}v mute picture/);
  await other.event('other', (e) => other.events.indexOf(e) >= told && e.audio && e.video);
  await terminal.press('?', /Media is encrypted from this end to the other/);
  // An arrow, and what means nothing, do nothing; where no shell could continue it, Ctrl-Z does nothing either.
  await terminal.press('\x1b[Ax\x1a\x1bOB\x1b[1;5D?', /what this proves/);
  await terminal.press('h');
  assert.equal(await terminal.code(), 0);
  assert.equal(await other.code(), 0);
  terminal.isLeftAsItWas();
  const summary = terminal.output.slice(terminal.output.lastIndexOf('\x1b[?25h'));
  assert.match(summary, /Fingerprints: holds[\s\S]*The call is over\r\n {2}It was encrypted end to end and verified to its end\./);
  assert.match(summary, /Packets of sound sent [1-9]/);
  for (const secret of ['127.0.0.1', link.split('#')[1]]) assert.ok(!terminal.output.includes(secret), `the panel tells ${secret}`);
});

test('Ctrl-C, q and SIGTERM end the call and give the terminal back', async (t) => {
  for (const key of ['\x03', 'q', null]) {
    const { terminal } = await openCall(t);
    if (key) await terminal.press(key);
    else process.kill(Number(terminal.errors.split('\n')[0]), 'SIGTERM');
    assert.equal(await terminal.code(), 0);
    terminal.isLeftAsItWas();
  }
});

test('a fault gives the terminal back, and its sentence stays', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  await server.stop('SIGKILL');
  const terminal = Terminal.call(t, server, link);
  assert.equal(await terminal.code(), 3);
  terminal.isLeftAsItWas();
  assert.match(terminal.output.slice(terminal.output.lastIndexOf('\x1b[?25h')), /sotto call: The server cannot be reached/);
});

test('keys come from the terminal where the link came from a pipe', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const terminal = new Terminal(t, ['sh', '-c', 'echo "$LINK" | "$@" -', 'sh', SOTTO, 'call', '--loopback', '--ca', server.listening.ca,
    '--in', 'test'], { LINK: link });
  await terminal.shows(/Waiting for the other end/);
  await terminal.press('m', /unmute sound/);
  await terminal.press('h');
  assert.equal(await terminal.code(), 6);
  terminal.isLeftAsItWas();
});

test('Ctrl-Z gives the terminal to the shell, and fg takes it back, keys and all', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const terminal = new Terminal(t, ['bash', '--norc', '--noprofile', '-i'],
    { LINK: link, CA: server.listening.ca, HISTFILE: '', SOTTO });
  await terminal.shows(/bash\S*[#$] /);
  await terminal.press('"$SOTTO" call --loopback --ca "$CA" --in test "$LINK"\n', /Waiting for the other end/);
  await terminal.press('\x1a', /Stopped[\s\S]*bash\S*[#$] /);
  await terminal.press('echo it is $((6 * 7))\n', /it is 42[\s\S]*bash\S*[#$] /);
  // Back to the background first: a shell brings a job that runs to the foreground without a signal.
  await terminal.press('bg\n', /bash\S*[#$] /);
  await terminal.press('echo it is $((6 * 8))\n', /it is 48[\s\S]*bash\S*[#$] /);
  await terminal.press('fg\n', /Waiting for the other end/);
  await terminal.press('m', /unmute sound/);
  await terminal.press('h', /bash\S*[#$] /);
  await terminal.press('echo code $?\n', /code 6/);
  await terminal.press('exit\n');
  await terminal.code();
  terminal.isLeftAsItWas();
});

test('NO_COLOR takes the colours, and nothing else', async (t) => {
  const { terminal } = await openCall(t, ['--duration', '1'], { NO_COLOR: '1' });
  assert.equal(await terminal.code(), 0);
  assert.match(terminal.output, /\x1b\[\?25l/);
  assert.doesNotMatch(terminal.output, /\x1b\[[\d;]*m/);
});

test('without a terminal that can be drawn on, lines are printed as ever', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const call = [SOTTO, 'call', '--loopback', '--ca', server.listening.ca, '--wait', '1', link];
  for (const [args, env] of [[call, { TERM: 'dumb' }], [['sh', '-c', '"$@" | cat', 'sh', ...call], {}]]) {
    const terminal = new Terminal(t, args, env);
    await terminal.code();
    assert.match(terminal.errors, /the terminal is as before/);
    assert.ok(!terminal.output.includes('\x1b'), JSON.stringify(terminal.output));
    assert.match(terminal.output, /^Waiting for the other end\. Hang up with Ctrl-C\.\r\n/);
    assert.match(terminal.output, /Nobody came/);
  }
});
