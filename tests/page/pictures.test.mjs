// docs/sas.txt: every picture is one by itself, in every browser. tests/unit/test_sas.c has the rest about the list.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

test('each picture of the list is shown as a picture by default, and takes no skin tone', () => {
  const rows = readFileSync(new URL('../../docs/sas.txt', import.meta.url), 'utf8').trimEnd().split('\n').map((line) => line.split('\t'));
  assert.equal(rows.length, 256);
  for (const [number, picture, name] of rows) {
    assert.match(picture, /^\p{Emoji_Presentation}$/u, `${number} ${name}`);
    assert.doesNotMatch(picture, /\p{Emoji_Modifier_Base}|\p{Emoji_Modifier}|\p{Regional_Indicator}/u, `${number} ${name}`);
  }
});
