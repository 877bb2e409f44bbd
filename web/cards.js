// One file in the panel of messages: what it is, how far it is, and what a person can do about it.

import { sentence } from './errors.js';
import { Receiving } from './files.js';
import { caution, safeName } from './names.js';
import { download, make } from './ui.js';

/** @typedef {import('./transfers.js').Any} Transfer */
/** @typedef {import('./files.js').FileState} FileState */

/** @type {Record<FileState, string>} */
const SENT = {
  new: '', queued: 'Waits for its turn.', hashing: 'Computing its SHA-256', offered: 'Waits for the other person to take it.',
  moving: 'Sending', checking: 'Sent. The other end checks it.', done: 'Sent, and checked at the other end.',
  refused: 'The other person did not take it.', cancelled: 'You cancelled it.', failed: '',
};
/** @type {Record<FileState, string>} */
const TAKEN = {
  new: '', queued: '', hashing: '', offered: 'Wants to send you this file.', moving: 'Receiving', checking: '',
  done: 'Received: its SHA-256 is the one that was offered.', refused: 'You did not take it.', cancelled: 'You cancelled it.', failed: '',
};
/** What those who hear the page are told at once. */
const NEWS = new Set(['done', 'refused', 'failed']);
const ALARMS = new Set(['file-mismatch', 'file-not-taken']);

/** @param {number} bytes */
function amount(bytes) {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(value < 10 ? 2 : 1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

/** @param {Transfer} transfer */
function sizeOf(transfer) {
  return transfer instanceof Receiving ? transfer.offer?.size ?? null : transfer.size;
}

/** @param {Transfer} transfer */
function nameOf(transfer) {
  return transfer instanceof Receiving ? safeName(transfer.offer?.name ?? '') : transfer.name;
}

/** @param {Transfer} transfer @returns {string} */
function status(transfer) {
  const { state, code, moved, offer } = transfer;
  if (state === 'failed') {
    const { title, text, remedy } = sentence(code);
    return `${title}. ${text} ${remedy}`;
  }
  const theirs = transfer instanceof Receiving;
  if (theirs && state === 'done' && offer?.sha256 === null) return 'Received: its SHA-256 is the one that the other end computed.';
  const words = (theirs ? TAKEN : SENT)[state];
  if (state !== 'moving' && state !== 'hashing') return words;
  const size = sizeOf(transfer);
  return size === null ? `${words}: ${amount(moved)}` : `${words}: ${amount(moved)} of ${amount(size)}`;
}

/** @param {Transfer} transfer @returns {HTMLElement[]} */
function facts(transfer) {
  const size = sizeOf(transfer);
  const warning = transfer instanceof Receiving ? caution(transfer.offer?.name ?? '') : '';
  return [
    make('p', { class: 'file-name' }, make('bdi', { dir: 'ltr' }, nameOf(transfer))),
    make('p', { class: 'quiet' }, size === null ? 'Its size is not known before its end.' : amount(size)),
    ...(warning ? [make('p', { class: 'caution' }, warning)] : []),
  ];
}

/** @param {Transfer} transfer @returns {HTMLElement[]} */
function digest(transfer) {
  const { offer } = transfer;
  if (!offer) return [];
  const value = offer.sha256 === null ? make('span', {}, 'not known before its end') : make('code', {}, offer.sha256);
  return [make('p', { class: 'digest' }, make('span', { class: 'quiet' }, 'SHA-256 '), value)];
}

/** @param {string} action @param {string} label @param {string} name of the file @param {() => void} press */
function button(action, label, name, press) {
  // There may be several of a kind, one a file.
  const element = make('button', { type: 'button', 'data-action': action, 'aria-label': `${label}: ${name}` }, label);
  element.classList.toggle('primary', action === 'accept');
  element.onclick = press;
  return element;
}

/** @param {Receiving} transfer */
function save(transfer) {
  const { blob, offer } = transfer;
  // Without a type of its own the browser opens nothing: it saves.
  if (blob && offer) download(safeName(offer.name), new Blob([blob], { type: 'application/octet-stream' }));
}

/** @param {Transfer} transfer @returns {HTMLElement[]} */
function actions(transfer) {
  const theirs = transfer instanceof Receiving;
  const name = nameOf(transfer);
  if (theirs && transfer.state === 'offered') {
    return [button('accept', 'Accept', name, () => transfer.accept()), button('refuse', 'Refuse', name, () => transfer.refuse())];
  }
  if (theirs && transfer.state === 'done') return [button('save', 'Save again', name, () => save(transfer))];
  return transfer.over ? [] : [button('cancel', 'Cancel', name, () => transfer.cancel())];
}

/** @param {HTMLElement} card @param {Transfer} transfer all that changes with its state */
function rebuild(card, transfer) {
  const { state } = transfer;
  const inside = /** @type {HTMLElement} */ (card.querySelector('.card'));
  const alarm = state === 'failed' && ALARMS.has(transfer.code);
  const hadFocus = inside.contains(document.activeElement);
  card.dataset.file = state;
  if (transfer.code) card.dataset.code = transfer.code;
  card.classList.toggle('alarm', alarm);
  const bar = state === 'moving' || state === 'hashing'
    ? [make('progress', { max: '1', 'aria-label': state === 'moving' ? 'Progress' : 'Progress of the SHA-256' })] : [];
  const buttons = actions(transfer);
  inside.replaceChildren(...facts(transfer), ...digest(transfer), make('p', { class: 'file-status', ...(alarm ? { role: 'alert' } : {}) }),
    ...bar, ...(buttons.length ? [make('div', { class: 'file-buttons' }, ...buttons)] : []));
  // The button that was pressed is gone; whoever uses keys goes on from its successor.
  if (hadFocus) (buttons[0] ?? document.getElementById('talk-list'))?.focus();
}

/** @param {HTMLElement} card @param {Transfer} transfer @returns {string} what is to be said aloud, if anything */
export function drawCard(card, transfer) {
  const before = card.dataset.file;
  if (before !== transfer.state) rebuild(card, transfer);
  const line = card.querySelector('.file-status');
  const words = status(transfer);
  if (line && line.textContent !== words) line.textContent = words;
  const size = sizeOf(transfer);
  const bar = card.querySelector('progress');
  // Without a value it says that something goes on, which is all that is known of a file without a size.
  if (bar && size !== null) bar.value = size === 0 ? 1 : transfer.moved / size;
  if (before === transfer.state) return '';
  if (transfer instanceof Receiving && transfer.state === 'done') save(transfer);
  return before !== undefined && NEWS.has(transfer.state) ? words : '';
}
