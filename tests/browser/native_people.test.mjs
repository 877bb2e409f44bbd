// A page and `sotto call`: from unknown over compared to known, and an alarm at both where another comes.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PATIENT, World } from './harness.mjs';
import { doorsOf, meet, Native } from './native.mjs';
import { alarm, nothingCameIn, person, pictures, says } from './trust.mjs';

const run = promisify(execFile);
const world = new World();
let server, browsers, runs = 0;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

/** A folder that nothing has used. */
function fresh() {
  const path = join(world.folder, `native-${++runs}`);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

async function end(visitor, native) {
  native.hangUp();
  await visitor.reaches('ended peer-hangup');
  assert.equal(await native.ends(), 0);
}

for (const name of ['Chromium', 'Firefox']) {
  test(`${name} and sotto call: unknown, compared, known; and another key is an alarm at both`, PATIENT, async () => {
    const visitor = await browsers[name].visitor(name), link = await server.link(), [state, other] = [fresh(), fresh()];
    let native = await meet(visitor, link, () => new Native(world, server, link, '--state', state, '--sas', '--remember', 'Page'), 'native');
    const { string } = await native.told('person', (e) => e.string);
    assert.deepEqual(await pictures(visitor), string.pictures.map((picture, i) => [picture, string.names[i], string.words[i]]));
    assert.equal((await person(visitor)).fields.compared, 'no');
    native.child.stdin.write('y\n');
    await says(visitor, 'same');
    await visitor.until('is told that it is compared', async () => (await visitor.panel()).text === 'Encrypted, compared by you');
    await native.told('person', (e) => e.compared && e.name === 'Page');
    // What comes after comparing keeps that it was.
    await visitor.page.type('#remember-name', 'Terminal');
    await visitor.press('remember-save');
    await visitor.until('knows it', async () => (await visitor.panel()).text === 'Encrypted, with Terminal');
    await end(visitor, native);
    assert.equal(doorsOf(await native.report('report')).person.state, 'held');

    await visitor.startOver();
    native = await meet(visitor, link, () => new Native(world, server, link, '--state', state), 'native');
    const met = await native.told('person', (e) => e.identity);
    assert.deepEqual([met.identity, met.name, met.expected], ['known', 'Page', 'Page']);
    await visitor.until('knows it again', async () => (await visitor.panel()).text === 'Encrypted, with Terminal');
    assert.equal((await person(visitor)).fields.key, JSON.parse(
      (await run(process.env.SOTTO, ['identity', 'show', '--json', '--state', state])).stdout).key);
    await end(visitor, native);

    // Another program comes over the same link: the page stops.
    await visitor.startOver();
    await visitor.join(link);
    await visitor.reaches('waiting');
    native = new Native(world, server, link, '--state', other, '--in', 'test');
    const shown = await alarm(visitor);
    assert.match(shown.title, /Terminal/);
    assert.ok(shown.canTake);
    await native.told('open');
    await nothingCameIn(visitor);
    await visitor.press('alarm-hangup');
    assert.equal(await native.ends(), 10);

    // Another browser comes over the same link: the program stops.
    const stranger = await browsers[name].visitor('a stranger');
    native = new Native(world, server, link, '--state', state, '--in', 'test');
    await native.reaches('waiting');
    await stranger.join(link);
    assert.equal((await native.told('person', (e) => e.alarm)).identity, 'changed');
    assert.equal(await native.ends(), 11);
    await stranger.reaches('failed peer-refused');
    assert.ok(!native.events.some(({ event }) => event === 'open'), 'it was never open');
    assert.equal((await native.told('totals')).sent, 0);
    for (const one of [visitor, stranger]) await one.close();
  });
}
