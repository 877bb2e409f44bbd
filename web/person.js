// The person at the other end, as the page shows it: pictures to compare, an alarm that stands in the way, a name to remember.

import { KnownError } from './known.js';
import { PICTURES, WORDS } from './sas_list.js';
import { byId, make, setText, show } from './ui.js';

/** @typedef {import('./trust.js').Standing} Standing */

/**
 * @typedef {object} PersonActs
 * @property {(same: boolean) => void} compare
 * @property {(goOn: boolean) => void} decide of an alarm
 * @property {() => Promise<void>} take the new key in place of the old one
 * @property {(name: string) => Promise<void>} remember
 */

const NOTHING_KEPT = 'This browser keeps nothing for this page, so nothing was changed.';

/** @type {Standing | null} */ let current = null;
/** The person was asked to compare. */
let asked = false;

/** @param {string} id */
const dialog = (id) => /** @type {HTMLDialogElement} */ (byId(id));

/** @param {string} id @param {Uint8Array | null} string */
function drawPictures(id, string) {
  const text = string ? [...string].join() : '';
  const list = byId(id);
  if (list.dataset.string === text) return;
  list.dataset.string = text;
  list.replaceChildren(...[...string ?? []].map((byte) => {
    const [picture, name] = PICTURES[byte];
    return make('li', {}, make('span', { class: 'picture', 'aria-hidden': 'true' }, picture),
      make('span', { class: 'picture-name' }, name), make('span', { class: 'word' }, WORDS[byte]));
  }));
}

/** @param {Standing} standing @returns {[string, string]} */
function sayAlarm({ identity, awaited, pin }) {
  const name = awaited?.name ?? '';
  if (identity === 'silent') return [`Nobody said to be ${name}`, `The other end has not introduced itself. You expect ${name}, who has a key.`];
  if (identity === 'other') return [`This is ${pin?.name}, not ${name}`, `The other end has the key that you know as ${pin?.name}. You expect ${name}.`];
  return [`This is not the key of ${name}`, `The other end has a key that you have never seen. It is not the one that you know as ${name}.`];
}

/** @param {Standing} standing */
function drawAlarm(standing) {
  const { alarm, awaited, identity, string } = standing;
  const box = dialog('alarm-dialog');
  if (!alarm || !awaited) {
    if (box.open) box.close();
    return;
  }
  const [title, text] = sayAlarm(standing);
  setText('alarm-title', title);
  setText('alarm-text', text);
  setText('alarm-device', `${awaited.name} has another device or browser, cleared its data, or makes a private call.`);
  setText('alarm-ask', `Nothing of sound or picture goes out or comes in before you decide. Ask ${awaited.name} over another way, such as the phone.`);
  show('alarm-pictures-row', string !== null);
  drawPictures('alarm-pictures', string);
  setText('alarm-take', `Take it as the new key of ${awaited.name}`);
  show('alarm-take', identity === 'changed');
  if (!box.open) {
    setText('alarm-error', '');
    dialog('compare-dialog').close();
    box.showModal();
    byId('alarm-hangup').focus();
  }
}

/** @param {Standing} standing */
function drawCompare({ string, compared, pin, wanted, alarm }) {
  drawPictures('pictures', string);
  show('compare-first', wanted);
  show('compare-here', !wanted);
  // Asked once by itself; who puts it off finds it by its button.
  const ask = wanted && string !== null && !alarm;
  if (ask && !asked && !dialog('compare-dialog').open) dialog('compare-dialog').showModal();
  asked = ask;
  setText('compare-title', compared ? 'You said: the same' : 'Do you both see the same?');
  show('compare-answers', !compared);
  show('compare-done', compared !== null);
  byId('compare').classList.toggle('wanted', !compared && !pin?.compared);
}

/** @param {Standing | null} standing null: nobody is there @param {boolean} canRemember */
export function drawPerson(standing, canRemember) {
  current = standing;
  show('compare', standing?.string != null && (standing.admitted || standing.wanted));
  show('remember', canRemember && standing?.identity === 'unknown' && standing.admitted);
  if (!standing) {
    for (const id of ['compare-dialog', 'alarm-dialog']) dialog(id).close();
    asked = false;
    return;
  }
  drawCompare(standing);
  drawAlarm(standing);
}

/** @param {PersonActs} acts */
export function setUpPerson(acts) {
  const [box, alarm] = [dialog('compare-dialog'), dialog('alarm-dialog')];
  byId('compare').onclick = () => box.showModal();
  byId('compare-same').onclick = () => {
    acts.compare(true);
    box.close();
  };
  byId('compare-different').onclick = () => {
    box.close();
    acts.compare(false);
  };
  for (const id of ['compare-later', 'compare-done']) byId(id).onclick = () => box.close();

  byId('alarm-hangup').onclick = () => acts.decide(false);
  byId('alarm-go-on').onclick = () => acts.decide(true);
  byId('alarm-take').onclick = () => void acts.take().catch(() => setText('alarm-error', NOTHING_KEPT));
  alarm.oncancel = (event) => event.preventDefault();
  // Browsers let a person out of any dialog in the end. Who did not decide has not let anybody in.
  alarm.onclose = () => {
    if (current?.alarm) acts.decide(false);
  };

  const name = /** @type {HTMLInputElement} */ (byId('remember-name'));
  byId('remember').onsubmit = (event) => {
    event.preventDefault();
    setText('remember-error', '');
    acts.remember(name.value).then(() => { name.value = ''; }, (error) =>
      setText('remember-error', error instanceof KnownError ? error.message : NOTHING_KEPT));
  };
}
