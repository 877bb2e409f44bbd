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
  // And the other way round: nothing is promised that is not done.
  const errors = protocol.slice(protocol.indexOf('**Errors.**'), protocol.indexOf('Other close codes'));
  for (const [, code] of errors.matchAll(/^\| `([a-z-]+)` \|/gm)) assert.ok(codes.some(([c]) => c === code), `${code} is in no source`);

  // Close codes that stand in the sources as numbers; 1007 and 1009 are the WebSocket parser's own.
  const numbers = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, number]) => Number(number)))].sort();
  const used = new Set([1007, 1009, ...numbers(read('src/server/session.c'), /send_bye\([^;]*?, (\d{4}),/g),
    ...numbers(read('src/net/ws.h'), /SO_WS_[A-Z_]+ = (\d{4})/g)]);
  // Ordinary ends, and the two that never go over the wire (RFC 6455 §7.4.1).
  for (const code of [1000, 1001, 1005, 1006, ...codes.map(([, close]) => close)]) used.delete(code);
  const [, told] = /^Other close codes: ([^\n]*)/m.exec(protocol);
  assert.deepEqual(numbers(told.replaceAll(/RFC \d+/g, ''), /\b(\d{4})\b/g), [...used].sort());

  const [, answers] = /^HTTP answers before the upgrade: ([^\n]*)/m.exec(protocol);
  const refusals = numbers(read('src/server/gate.c'), /^ {4}\{([45]\d\d), "/gm);
  assert.deepEqual(numbers(answers, /\b([45]\d\d)\b/g), refusals);
});

test('documents link to what is there', () => {
  for (const doc of ['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'docs/protocol.md', 'docs/benchmarks.md', 'docs/proof/README.md']) {
    for (const [, target] of read(doc).matchAll(/\]\(([^)#]+)\)/g))
      if (!/^https?:/.test(target)) assert.ok(existsSync(join(dirname(doc), target)), `${doc} links to ${target}`);
    for (const [, path] of read(doc).matchAll(/`((?:src|tests|tools|web|fuzz|docs|bench)\/[\w./-]+)`/g))
      assert.ok(existsSync(path), `${doc} names ${path}`);
  }
});

test('every sentence that a page, a panel or a report can show names its check in docs/report.md, and each check a test', () => {
  const document = read('docs/report.md');
  const section = document.slice(document.indexOf('## 4.'));
  const mutants = JSON.parse(read('tests/mutants/mutants.json'));
  const rows = [...section.matchAll(/^\| `([a-z0-9-]+)`( on the page)? \| .+? \| `([^`]+)` \| `([^`]+)` \|$/gm)];
  assert.equal(rows.length, mutants.length);
  const checks = new Set(rows.map(([, name]) => name));
  for (const { check, file, test: program, page, server } of mutants) {
    const [name, where] = check.split(', ');
    const row = rows.find((one) => one[1] === name && Boolean(one[2]) === (where === 'page') && one[3] === file);
    assert.ok(row, `${check} is not in the table of checks`);
    const wanted = page ? `tests/page/${page}` : server ? `tests/server/${server}` : `/${program}.c`;
    assert.ok(row[4].endsWith(wanted) && existsSync(row[4]), `${check}: ${row[4]}`);
  }
  const codes = [...read('src/trust/words.c').matchAll(/^ {4}\{"([a-z-]+)",/gm), ...read('web/errors.js').matchAll(/^ {2}'([a-z-]+)': \[/gm)]
    .map(([, code]) => code);
  assert.ok(codes.length > 150);
  const reasons = section.slice(section.indexOf('### Reasons'), section.indexOf('### Checks'));
  for (const code of codes) assert.ok(reasons.includes(`\`${code}\``), `${code} has no row among the reasons`);
  // The whole sentence, or what of it is no name.
  const texts = [...read('src/trust/person.c').matchAll(/snprintf\(line, SO_REPORT_TEXT, "(Encrypted[^"]*)"/g),
    ...read('src/trust/report.c').matchAll(/first = (?:.*\? )?"([^"]+)"/g), ...read('web/report.js').matchAll(/plain\('[a-z]+', '([^']+)'/g),
    ...read('web/report.js').matchAll(/\[[`'](Encrypted[^`']*)[`'],/g)].map(([, text]) => text.replace(/%s|\$\{[^}]+\}/g, 'NAME'));
  assert.ok(texts.length >= 14, texts.join('; '));
  for (const text of texts) assert.ok(section.includes(`"${text}"`), `"${text}" is not in docs/report.md`);
  // What is named as a check is one, and none is there that nothing rests on.
  const parts = section.slice(0, section.indexOf('### Checks'));
  const said = new Set([...parts.matchAll(/`([a-z0-9]+(?:-[a-z0-9]+)*)`/g)].map(([, name]) => name));
  const rest = section.slice(section.indexOf('What `sotto report check` says'));
  for (const name of checks) assert.ok(said.has(name) || rest.includes(`\`${name}\``) || name === 'origin', `nothing rests on ${name}`);
});

test('every test that SECURITY.md names is there', () => {
  const text = read('SECURITY.md');
  const rows = text.slice(text.indexOf('| attacker |'), text.indexOf('## What the seal proves')).split('\n').filter((line) => /^\| [^-]/.test(line));
  assert.ok(rows.length > 15, `${rows.length} rows`);
  for (const row of rows) assert.equal(row.split(' | ').length, 5, row);
  const named = [...text.matchAll(/`((?:tests|fuzz|docs)\/[\w./-]+)`/g)].map(([, path]) => path);
  assert.ok(named.length > 30);
  for (const path of named) assert.ok(existsSync(path), path);
});
