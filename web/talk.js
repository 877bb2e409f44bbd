// The panel of messages and files: what was written and by whom, with the files in between. The protocol is in chat.js,
// files.js and transfers.js; text goes in as text, and none of it is kept when the call is over.

import { drawCard } from './cards.js';
import { readLine, writeLine } from './chat.js';
import { sentence } from './errors.js';
import { Receiving } from './files.js';
import { openPanel } from './panel.js';
import { Transfers } from './transfers.js';
import { announce, byId, make, setText, show } from './ui.js';

/** @typedef {import('./channels.js').Channel} Channel */
/** @typedef {import('./transfers.js').Any} Transfer */

/** However much the other end writes, the page stays quick. */
const ENTRIES_MAX = 500;

/** @type {Channel | null} */ let chat = null;
/** @type {Transfers | null} */ let transfers = null;
/** @type {() => Channel | null} */ let openFile = () => null;
/** What has gone from the list goes from memory. @type {WeakMap<Transfer, HTMLElement>} */ let cards = new WeakMap();
/** @type {Set<Transfer>} */ const stale = new Set();
let unread = 0;
/** Whether the newest is in sight, and is to stay so. */
let atEnd = true;

const list = () => byId('talk-list');
const isShown = () => !byId('talk').hidden;

/** @param {'me'|'them'} from @param {...Node} content @returns {HTMLElement} */
function entry(from, ...content) {
  const now = new Date();
  const who = make('p', { class: 'who' }, from === 'me' ? 'You' : 'The other person', ' ',
    make('time', { datetime: now.toISOString() }, now.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })));
  return make('div', { 'data-from': from }, who, ...content);
}

/** @param {HTMLElement} item a new one, at the end, in sight unless the person looks at older ones */
function append(item) {
  const all = list();
  all.append(item);
  while (all.children.length > ENTRIES_MAX) {
    const old = [...all.children].find((child) => !child.classList.contains('file')) ?? all.children[0];
    old.remove();
  }
  show('talk-none', false);
  if (item.dataset.from === 'me') atEnd = true;
  keepEnd();
}

function keepEnd() {
  if (atEnd && isShown()) list().scrollTop = list().scrollHeight;
}

/** Something of the other end's is there. @param {string} words for those who hear the page while the panel is folded away */
function arrived(words) {
  if (isShown()) return;
  unread++;
  drawUnread();
  announce(words);
}

function drawUnread() {
  setText('talk-unread', unread > 99 ? '99+' : String(unread));
  show('talk-unread', unread > 0);
  byId('talk-toggle').setAttribute('aria-label', unread > 0 ? `Chat, ${unread} new` : 'Chat');
}

/** @param {boolean} open @param {boolean} [takeFocus] */
function openTalk(open, takeFocus = false) {
  show('talk', open);
  byId('talk-toggle').setAttribute('aria-expanded', String(open));
  byId('talk-toggle').classList.toggle('active', open);
  if (open) {
    unread = 0;
    drawUnread();
    atEnd = true;
    keepEnd();
    // On a phone there is room for one of the two.
    if (!matchMedia('(min-width: 900px)').matches) openPanel(false);
  }
  if (takeFocus) byId(open ? 'talk-line' : 'talk-toggle').focus();
}

/** @param {'me'|'them'} from @param {string} line */
function addLine(from, line) {
  // Each in a block and a direction of its own: what one contains can't turn what stands round it.
  append(entry(from, make('p', { class: 'said', dir: 'auto' }, line)));
  if (from === 'them') arrived(`Message: ${line}`);
}

/** @param {Event} event */
function say(event) {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId('talk-line'));
  const written = writeLine(input.value);
  if ('reason' in written) return written.reason === 'empty' ? undefined : complain('line-too-long');
  if (!chat?.send(written.line)) return complain('line-not-sent');
  complain('');
  input.value = '';
  addLine('me', written.line);
}

/** @param {string} code or '' */
function complain(code) {
  const { title, text, remedy } = sentence(code);
  setText('talk-error', code ? `${title}. ${text} ${remedy}` : '');
}

/** @param {Transfer} transfer it is new, or something of it is; bytes move faster than a screen shows them */
function fileChanged(transfer) {
  if (!cards.has(transfer)) {
    const theirs = transfer instanceof Receiving;
    const card = entry(theirs ? 'them' : 'me', make('div', { class: 'card', 'aria-live': 'off' }));
    card.classList.add('file');
    cards.set(transfer, card);
    append(card);
    drawFile(transfer);
    if (theirs) arrived('The other person offers a file. Open the chat to look at it.');
    return;
  }
  if (stale.size === 0) requestAnimationFrame(drawStale);
  stale.add(transfer);
}

function drawStale() {
  for (const transfer of stale) drawFile(transfer);
  stale.clear();
}

/** @param {Transfer} transfer */
function drawFile(transfer) {
  const card = cards.get(transfer);
  if (!card) return;
  const news = drawCard(card, transfer);
  if (news) announce(news);
  // An alarm is not to wait behind a folded panel.
  if (news && card.classList.contains('alarm')) openTalk(true);
  keepEnd();
}

/** @param {Iterable<File>} files */
function offerAll(files) {
  if (!transfers) return complain('line-not-sent');
  complain('');
  for (const file of files) transfers.offer(file, file.name);
}

function drawReady() {
  for (const id of ['talk-line', 'talk-send', 'talk-file']) /** @type {HTMLInputElement} */ (byId(id)).disabled = chat === null;
  /** @type {HTMLInputElement} */ (byId('talk-line')).placeholder = chat ? 'Write a message' : 'No messages at present';
}

/** A channel of the call is open, and every door holds. @param {Channel} channel */
export function talkOn(channel) {
  if (channel.label === 'file') return transfers ? transfers.take(channel) : channel.close();
  chat = channel;
  // Files that wait for somebody go to nobody else: with the connection all of them end.
  const mine = transfers = new Transfers(openFile, fileChanged);
  channel.on = {
    opened: drawReady,
    message: (data) => {
      const line = readLine(data);
      if (line !== null) addLine('them', line);
    },
    closed: () => {
      mine.end();
      if (chat !== channel) return;
      chat = null;
      transfers = null;
      drawReady();
      // Whoever comes next may be somebody else.
      append(make('p', { class: 'quiet' }, 'Here the channel to the other end closed. What was written last may not have arrived. ',
        'If messages do not come back by themselves, reload the page: the call begins anew.'));
    },
    room() {},
  };
}

/** @param {() => Channel | null} open a channel for a file */
export function beginTalk(open) {
  openFile = open;
  endTalk();
}

/** Nothing that was written stays. */
export function endTalk() {
  transfers?.end();
  chat = transfers = null;
  cards = new WeakMap();
  stale.clear();
  list().replaceChildren();
  show('talk-none', true);
  unread = 0;
  drawUnread();
  complain('');
  /** @type {HTMLInputElement} */ (byId('talk-line')).value = '';
  openTalk(false);
  drawReady();
}

function setUpDrop() {
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes('Files') === true;
  const mark = (/** @type {boolean} */ on) => document.body.classList.toggle('dropping', on && transfers !== null);
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    // Else a file that misses its target takes the place of the page, and of the call.
    event.preventDefault();
    mark(true);
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  addEventListener('drop', (event) => {
    mark(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (!transfers) return;
    openTalk(true);
    offerAll(event.dataTransfer?.files ?? []);
  });
}

export function setUpTalk() {
  const pick = /** @type {HTMLInputElement} */ (byId('talk-pick'));
  byId('talk-toggle').onclick = () => openTalk(!isShown(), !isShown());
  byId('talk-close').onclick = () => openTalk(false, true);
  byId('talk-form').onsubmit = say;
  byId('talk-file').onclick = () => pick.click();
  pick.onchange = () => {
    offerAll(pick.files ?? []);
    pick.value = '';
  };
  byId('talk').onkeydown = (event) => {
    if (event.key === 'Escape') openTalk(false, true);
  };
  list().onscroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = list();
    atEnd = scrollHeight - scrollTop - clientHeight < 60;
  };
  byId('panel-toggle').addEventListener('click', () => {
    if (!matchMedia('(min-width: 900px)').matches) openTalk(false);
  });
  setUpDrop();
  drawUnread();
  drawReady();
}
