// What a person does on the page with pictures, names and alarms, and what is seen of them.

import assert from 'node:assert/strict';

/** @param {import('./visitor.mjs').Visitor} visitor @returns {Promise<any>} the door of that name */
export async function person(visitor) {
  return (await visitor.panel()).doors.person;
}

/** Runs in the page. @param {string} id of a list */
function readPictures(id) {
  return [...document.querySelectorAll(`#${id} li`)].map((item) => [...item.children].map((part) => part.textContent));
}

/** The pictures, names and words that a page shows for comparing. */
export function pictures(visitor) {
  return visitor.until('has pictures to compare', async () => {
    const shown = await visitor.page.evaluate(() => !document.getElementById('compare').hidden);
    const seen = await visitor.page.evaluate(readPictures, 'pictures');
    return shown && seen.length === 4 && seen;
  });
}

/** @param {'same'|'different'} what */
export async function says(visitor, what) {
  await pictures(visitor);
  await visitor.press('compare');
  await visitor.press(`compare-${what}`);
}

/** @param {string} name for the other one */
export async function remembers(visitor, name) {
  await visitor.until('may remember', () => visitor.page.evaluate(() => !document.getElementById('remember').hidden));
  await visitor.look();
  await visitor.page.type('#remember-name', name);
  await visitor.press('remember-save');
  await visitor.until(`knows ${name}`, async () => (await visitor.panel()).text === `Encrypted, with ${name}`);
}

/** @param {string} name of a known person, before joining */
export async function chooses(visitor, name) {
  const key = await visitor.until(`may choose ${name}`, () => visitor.page.evaluate((wanted) =>
    [...document.querySelectorAll('#expect option')].find((option) => option.textContent === wanted)?.value, name));
  await visitor.page.select('#expect', key);
}

/** The list on the start page, which this leaves open. @param {string} home the page's address @returns {Promise<{name: string, key: string}[]>} */
export async function knows(visitor, home) {
  await visitor.open(home);
  await visitor.press('people');
  await visitor.until('has opened the list', () => visitor.page.evaluate(() => document.getElementById('people-dialog').open));
  return visitor.page.evaluate(() => [...document.querySelectorAll('#people-list li')].map((item) =>
    ({ name: item.querySelector('.person-name').textContent, key: item.dataset.key })));
}

/** Chooses a file in the list that is open. @param {string} text */
export async function importsFile(visitor, text) {
  await visitor.page.evaluate((content) => {
    const files = new DataTransfer();
    files.items.add(new File([content], 'people.json', { type: 'application/json' }));
    const input = document.getElementById('people-file');
    input.files = files.files;
    input.dispatchEvent(new Event('change'));
  }, text);
}

/** Waits for the alarm, and tells what it shows. */
export async function alarm(visitor) {
  await visitor.until('is alarmed', () => visitor.page.evaluate(() => document.getElementById('alarm-dialog').open));
  const shown = await visitor.page.evaluate(() => ({
    title: document.getElementById('alarm-title').textContent, focus: document.activeElement?.id,
    canTake: !document.getElementById('alarm-take').hidden, canCompare: !document.getElementById('alarm-pictures-row').hidden,
  }));
  const seen = shown.canCompare ? await visitor.page.evaluate(readPictures, 'alarm-pictures') : [];
  return { ...shown, pictures: seen };
}

/** Nothing of the other end is shown or heard, and nothing goes out to it. */
export async function nothingCameIn(visitor) {
  assert.equal(await visitor.page.evaluate(() => document.getElementById('remote').srcObject), null);
  await visitor.sentNoMedia();
}
