// tools/packages on a machine where another apt is at work: it waits for that one instead of giving up.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

test('tools/packages tries a locked update again, and lets the installation wait for its lock', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-packages-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = (name, text) => writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  // Nothing of what a purpose needs is on this path, so all of it is missing.
  for (const name of ['sh', 'mktemp', 'grep', 'cat', 'rm', 'id', 'uname', 'env'])
    symlinkSync(execFileSync('sh', ['-c', `command -v ${name}`]).toString().trim(), join(folder, name));
  script('sudo', 'exec "$@"');
  script('sleep', ':');
  script('apt-get', `echo "$@" >>${folder}/calls
[ "$2" = update ] && [ "$(grep -c update ${folder}/calls)" -lt 3 ] || exit 0
echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)"
exit 100`);
  execFileSync('tools/packages', ['build'], { env: { PATH: folder }, stdio: 'pipe' });
  const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n');
  assert.equal(calls.filter((call) => call === '-q update').length, 3);
  assert.equal(calls.length, 4);
  assert.match(calls[3], /^-q -y -o DPkg::Lock::Timeout=\d{3} .* install .*\bmeson\b/);
});
