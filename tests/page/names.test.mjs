// web/names.js and web/chat.js: what strangers may call a file or write in a line, and what is made of it.

import './browser.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLine, writeLine } from '../../web/chat.js';
import { caution, isName, offeredName, safeName } from '../../web/names.js';

test('a name is shown and saved as what it is', () => {
  for (const [name, safe] of [
    ['report.pdf', 'report.pdf'], ['Büro – Grüße 2.txt', 'Büro – Grüße 2.txt'], ['日本語.txt', '日本語.txt'],
    ['photo\u202Egpj.exe', 'photo_gpj.exe'], ['a\u200Bb\u2066c\uFEFF.txt', 'a_b_c_.txt'], ['soft\u00ADhyphen', 'soft_hyphen'],
    ['invoice.pdf                                   .exe', 'invoice.pdf .exe'], ['tab\u00A0\u3000x', 'tab x'],
    ['.bashrc', '_bashrc'], ['..hidden', '_hidden'], ['dots...', 'dots'], ['trail. . ', 'trail'], ['   ', 'file'], ['...', '_'],
    ['a:b*c?d"e<f>g|h', 'a_b_c_d_e_f_g_h'], ['../../x', '__.._x'], ['..\\..\\x', '__.._x'], ['CON', '_CON'], ['nul.txt', '_nul.txt'],
    ['console.log', 'console.log'], ['line\u2028two', 'line_two'], ['\ud800x', '_x'], ['hangul\u3164filler', 'hangul_filler'],
  ]) assert.equal(safeName(name), safe, JSON.stringify(name));
  const long = safeName(`${'ü'.repeat(126)}.pdf`);
  assert.ok(new TextEncoder().encode(long).length <= 240 && long.endsWith('ü.pdf'));
});

test('what a name may do to its reader is said, each time that it is asked', () => {
  for (let i = 0; i < 3; i++) {
    assert.equal(caution('report.pdf'), '');
    assert.equal(caution('archive.tar.gz'), '');
    assert.match(caution('photo.jpg.exe'), /ends twice, in \.jpg and in \.exe.*can run as a program/);
    assert.match(caution('setup.EXE'), /A \.exe file can run/);
    assert.match(caution('photo.jpg.txt'), /ends twice/);
    assert.match(caution('photo\u202Egpj.exe'), /can run as a program.*Characters that hide/);
    assert.match(caution('plain\u200B.txt'), /^Characters that hide/);
    assert.match(caution('invoice.pdf          .exe'), /can run as a program/);
  }
});

test('this end offers only names that the protocol has', () => {
  for (const [name, offered] of [['a.txt', 'a.txt'], ['a\\b/c\n.txt', 'a_b_c_.txt'], ['', 'file'], ['..', 'file'], ['.', 'file']]) {
    assert.equal(offeredName(name), offered);
  }
  for (const name of ['ü'.repeat(300), `${'x'.repeat(300)}.jpeg`, `a.${'y'.repeat(300)}`, '\ud800']) assert.ok(isName(offeredName(name)), name);
  assert.ok(offeredName(`${'x'.repeat(300)}.jpeg`).endsWith('x.jpeg'));
});

test('a line of the other end is text in one line, or nothing', () => {
  assert.equal(readLine('hello'), 'hello');
  assert.equal(readLine('<b>&amp;</b>'), '<b>&amp;</b>');
  assert.equal(readLine('one\r\ntwo\u2028three\u0007'), 'one two three');
  assert.equal(readLine('x'.repeat(16384)), 'x'.repeat(16384));
  for (const bad of ['', 'x'.repeat(16385), 'ü'.repeat(8193), '\n\n', ' \t', new Uint8Array([104, 105])]) assert.equal(readLine(bad), null);
});

test('a line of this end is checked before it goes', () => {
  assert.deepEqual(writeLine('  hello \n you '), { line: 'hello   you' });
  assert.deepEqual(writeLine(' \n '), { reason: 'empty' });
  assert.deepEqual(writeLine('ü'.repeat(8192)), { line: 'ü'.repeat(8192) });
  assert.deepEqual(writeLine('ü'.repeat(8193)), { reason: 'too-long' });
});
