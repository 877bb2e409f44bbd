// The people whom this browser's person knows: the list on the start page, whom a call expects, and what a call may ask of it.

import { compared, expected, forget, KnownError, merge, met, nameFrom, readPins, remember, rename, takeKey, timeOf, writePins } from './known.js';
import { linkName } from './link.js';
import { byId, download, make, setText, show } from './ui.js';

/** @typedef {import('./known.js').Pin} Pin */
/** @typedef {import('./trust.js').Company} Company */
/** @typedef {import('./trust.js').Standing} Standing */
/** @typedef {import('./keyring.js').Keyring} Keyring */

const SHORT_KEY = 8;
const NOTHING_KEPT = 'This browser keeps nothing for this page, so no names can be remembered.';

/** @param {unknown} error @returns {string} */
const words = (error) => (error instanceof KnownError ? error.message : NOTHING_KEPT);

/** @param {string} time @returns {string} */
const day = (time) => new Date(time).toLocaleDateString(undefined, { dateStyle: 'medium' });

export class People {
  /** As they were read last. @type {Pin[]} */ pins = [];

  /** @param {Keyring} keyring @param {() => void} changed */
  constructor(keyring, changed) {
    this.keyring = keyring;
    this.changed = changed;
  }

  /** @returns {Promise<Pin[]>} as they are now; another tab may have changed them */
  async read() {
    this.pins = await this.keyring.people();
    return this.pins;
  }

  /** @param {(pins: Pin[]) => Pin[]} change rejects with what it threw, or where nothing can be kept */
  async change(change) {
    this.pins = await this.keyring.change(change);
    this.changed();
  }

  /**
   * @param {import('./link.js').Invitation} invitation @param {boolean} isPrivate a key for this call alone
   * @param {string | null} named the key of the one whom the user expects
   * @returns {Company} for one call
   */
  company(invitation, isPrivate, named) {
    const identity = isPrivate ? this.keyring.passing() : this.keyring.own();
    return { identity, named, people: () => this.read(), link: linkName(invitation), admitted: new Set() };
  }

  /** What a call has shown is kept, where it can be. @param {Standing} standing @param {Standing | null} before @param {string} link */
  async learn({ identity, admitted, pin, compared: when }, before, link) {
    if (identity !== 'known' || !admitted || !pin) return;
    const isNew = before?.identity !== 'known' || !before.admitted;
    if (!isNew && when === before?.compared) return;
    await this.change((pins) => {
      const known = isNew ? met(pins, pin.key, link) : pins;
      return when ? compared(known, pin.key, when) : known;
    }).catch(() => {});
  }

  /** @param {string} text the name @param {Standing} standing of the one who is remembered @param {string} link */
  async remember(text, { key, compared: when }, link) {
    const name = nameFrom(text);
    const since = timeOf(new Date());
    await this.change((pins) => remember(pins, { name, key: String(key), since, compared: when, links: [link] }));
  }

  /** A new key in the place of the old one. @param {Pin} old @param {string} key */
  async take(old, key) {
    await this.change((pins) => takeKey(pins, old.key, key, timeOf(new Date())));
  }
}

/** @param {unknown} error */
function complain(error) {
  setText('people-error', words(error));
}

/** @param {People} people @param {Promise<unknown>} work */
async function attempt(people, work) {
  setText('people-error', '');
  await work.catch(complain);
  drawList(people);
}

/** A name that is being changed. @param {People} people @param {Pin} pin @returns {HTMLElement} */
function nameForm(people, pin) {
  const input = /** @type {HTMLInputElement} */ (make('input', { type: 'text', 'aria-label': `New name for ${pin.name}`, autocomplete: 'off' }));
  input.value = pin.name;
  const form = /** @type {HTMLFormElement} */ (make('form', { class: 'join-row', novalidate: '' }, input, make('button', { type: 'submit' }, 'Save')));
  form.onsubmit = (event) => {
    event.preventDefault();
    void attempt(people, Promise.resolve().then(() => nameFrom(input.value)).then((name) =>
      people.change((pins) => rename(pins, pin.key, name))));
  };
  queueMicrotask(() => input.select());
  return form;
}

/** @param {People} people @param {Pin} pin @returns {HTMLElement} */
function buildPerson(people, pin) {
  const { name, key, since, compared: when } = pin;
  const facts = `Known since ${day(since)}, ${when ? `compared on ${day(when)}` : 'never compared'}. Key ${key.slice(0, SHORT_KEY)}…`;
  const change = make('button', { type: 'button', 'data-act': 'rename', 'aria-label': `Rename ${name}` }, 'Rename');
  const drop = make('button', { type: 'button', 'data-act': 'forget', 'aria-label': `Forget ${name}` }, 'Forget');
  const item = make('li', { 'data-key': key }, make('div', {}, make('p', { class: 'person-name' }, name),
    make('p', { class: 'quiet', title: key }, facts)), make('div', { class: 'person-acts' }, change, drop));
  change.onclick = () => item.replaceChildren(nameForm(people, pin));
  drop.onclick = () => {
    if (drop.dataset.sure) return void attempt(people, people.change((pins) => forget(pins, key)));
    drop.dataset.sure = 'asked';
    drop.textContent = 'Really?';
    drop.setAttribute('aria-label', `Really forget ${name}?`);
  };
  return item;
}

/** @param {People} people */
function drawList(people) {
  byId('people-list').replaceChildren(...people.pins.map((pin) => buildPerson(people, pin)));
  show('people-empty', people.pins.length === 0);
  /** @type {HTMLButtonElement} */ (byId('people-export')).disabled = people.pins.length === 0;
}

/** @param {People} people @param {HTMLInputElement} input */
async function importFile(people, input) {
  const [file] = input.files ?? [];
  if (!file) return;
  await attempt(people, file.text().then((text) => {
    const pins = readPins(text);
    return people.change((before) => merge(before, pins));
  }));
  input.value = '';
}

/** @param {People} people */
export function setUpPeople(people) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('people-dialog'));
  const input = /** @type {HTMLInputElement} */ (byId('people-file'));
  byId('people').onclick = async () => {
    await people.read();
    setText('people-error', people.keyring.works === false ? NOTHING_KEPT : '');
    drawList(people);
    dialog.showModal();
  };
  byId('people-close').onclick = () => dialog.close();
  byId('people-export').onclick = () =>
    download('sotto-known-people.json', new Blob([writePins(people.pins)], { type: 'application/json' }));
  byId('people-import').onclick = () => input.click();
  input.onchange = () => void importFile(people, input);
}

/** Whom the next call expects. @param {People} people @param {import('./link.js').Invitation} invitation @param {string | null} named a key */
export async function drawExpected(people, invitation, named) {
  const [pins, link] = [await people.read(), await linkName(invitation)];
  const byLink = expected(pins, link, null);
  const select = /** @type {HTMLSelectElement} */ (byId('expect'));
  const anybody = make('option', { value: '' }, byLink ? `${byLink.name}, whom you met with this link` : 'Whoever has the link');
  const others = pins.filter((pin) => pin !== byLink).map((pin) => make('option', { value: pin.key }, pin.name));
  select.replaceChildren(anybody, ...others);
  select.value = others.some((option) => option.getAttribute('value') === named) ? String(named) : '';
  show('expect-row', pins.length > 0);
  show('keyring-note', people.keyring.works === false);
}
