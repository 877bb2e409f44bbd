// `sotto bench`: what it says is of calls that took place, its JSON has the names that its manual has, and wrong words
// are refused. How fast this machine is, is not looked at.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { command } from './harness.mjs';

test('calls take place, and every figure is there under its documented name', async () => {
  const { code, out, err } = await command(['bench', '--calls', '10', '--seconds', '1', '--json']);
  assert.equal(code, 0, err);
  assert.equal(err, '', 'no progress where nobody sees it');
  const said = JSON.parse(out);
  assert.equal(said.bench, 1);
  assert.equal(said.calls, 10);
  assert.equal(said.frames_echoed, said.frames_sent);
  assert.ok(said.frames_sent >= 10 * 40, `${said.frames_sent} frames in a second`);
  const man = readFileSync('man/sotto-bench.1', 'utf8').replaceAll('\\-', '-');
  for (const [name, value] of Object.entries(said)) {
    assert.ok(man.includes(name.replace(/_(160|1200)_ns$/, '_20_ns')), `${name} is not in man/sotto-bench.1`);
    assert.ok(typeof value === 'string' || value > 0, `${name} is ${value}`);
  }
});

test('the table says it in words', async () => {
  const { code, out } = await command(['bench', '--calls', '2', '--seconds', '1']);
  assert.equal(code, 0);
  for (const words of ['calls of sound, echoed', 'calls set up', 'handshakes of DTLS', 'memory of a call', '1200 bytes'])
    assert.ok(out.includes(words), words);
});

test('wrong words are refused, with the right ones', async () => {
  for (const [args, words] of [[['--calls', '0'], /1 to 5000/], [['--calls', '5001'], /1 to 5000/], [['--calls', '1x'], /1 to 5000/],
    [['--seconds', '61'], /1 to 60/], [['--seconds', '-1'], /1 to 60/], [['faster'], /options alone/]]) {
    const { code, err } = await command(['bench', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, words);
  }
});
