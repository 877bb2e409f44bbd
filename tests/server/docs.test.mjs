// What the documents say is what the programs do: options, close codes, commands, links between files.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { command } from './harness.mjs';

const read = (path) => readFileSync(path, 'utf8');
const plain = (text) => text.replaceAll('\\-', '-');

test('the man page of serve has every option of --help, with the same words', async () => {
  const { out } = await command(['serve', '--help']);
  const man = plain(read('man/sotto-serve.1'));
  const options = [...out.matchAll(/^ {2}--([a-z-]+)(?: (?:[A-Z]\S*))? +(.+)$/gm)].filter(([, name]) => name !== 'help');
  assert.ok(options.length > 25, `${options.length} options`);
  for (const [, name, words] of options) {
    assert.ok(man.includes(`--${name}`), `--${name} is not in man/sotto-serve.1`);
    assert.ok(man.includes(words.trim()), `man/sotto-serve.1 says something else of --${name}: ${words}`);
  }
});

test('every subcommand has a man page, and its options are in it', async () => {
  const { out } = await command(['--help']);
  for (const [, name] of out.matchAll(/^ {2}sotto (\w+)/gm)) {
    const man = plain(read(`man/sotto-${name}.1`));
    for (const [, option] of (await command([name, '--help'])).out.matchAll(/(?:^|[\s[])--([a-z-]+)/g))
      if (!['help', 'version'].includes(option)) assert.ok(man.includes(`--${option}`), `--${option} in sotto-${name}.1`);
  }
});

test('docs/protocol.md has every error code and close code of the code, and no other', () => {
  const source = read('src/signal/message.c'), protocol = read('docs/protocol.md');
  const codes = [...source.matchAll(/\[SO_FAULT_\w+\] =\s*\{"([a-z-]+)",\s*(\d+)/g)].map(([, code, close]) => [code, Number(close)]);
  assert.ok(codes.length >= 12);
  const rows = [...protocol.matchAll(/^\| `([a-z-]+)` \| (\d*) ?\| /gm)].map(([, code, close]) => [code, Number(close)]);
  for (const [code, close] of codes) {
    const row = rows.find(([c]) => c === code);
    assert.ok(row, `${code} is not in the table of errors`);
    assert.equal(row[1], close, code);
  }
});

test('documents link to what is there', () => {
  for (const doc of ['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'docs/protocol.md', 'docs/benchmarks.md']) {
    for (const [, target] of read(doc).matchAll(/\]\(([^)#]+)\)/g))
      if (!/^https?:/.test(target)) assert.ok(existsSync(join(dirname(doc), target)), `${doc} links to ${target}`);
    for (const [, path] of read(doc).matchAll(/`((?:src|tests|tools|web|fuzz|docs|bench)\/[\w./-]+)`/g))
      assert.ok(existsSync(path), `${doc} names ${path}`);
  }
});
