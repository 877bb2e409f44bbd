// The page: which view is shown, and what a press does. Protocol lives in call.js and below.

import { Call } from './call.js';
import { Media } from './devices.js';
import { isKnown, sentence } from './errors.js';
import { forget, keep, recall } from './keep.js';
import { Keyring } from './keyring.js';
import { newLink, readLink } from './link.js';
import { openPanel, setUpPanel, showReport } from './panel.js';
import { drawExpected, People, setUpPeople } from './people.js';
import { drawPerson, setUpPerson } from './person.js';
import { drawDeviceError, drawDevices, drawMedia, setUpDevices, toggle } from './prejoin.js';
import { Report } from './report.js';
import { beginTalk, endTalk, setUpTalk, talkOn } from './talk.js';
import { announce, byId, place, setText, show } from './ui.js';

/** @typedef {'start'|'prejoin'|import('./call.js').CallState} PageState */

const LINK = 'sotto.link';
const JOINED = 'sotto.joined';
const NOTICES = /** @type {Record<string, string>} */ ({
  'signaling-lost': 'The server cannot be reached. The page goes on trying.',
  'peer-away': 'The other end lost the server. Waiting for it to come back.',
  'peer-left': 'The other end has left the server. The call goes on as long as it is there.',
  'path-lost': 'The connection is interrupted. Looking for another path.',
});

/** @type {PageState} */ let state = 'start';
/** @type {import('./link.js').Invitation | null} */ let invitation = null;
/** @type {Call | null} */ let call = null;
/** @type {import('./trust.js').Company | null} */ let company = null;
/** Who is at the other end, and who was there last. @type {import('./trust.js').Standing | null} */ let standing = null;
/** @type {import('./trust.js').Standing | null} */ let last = null;
let report = new Report();
let other = { audio: true, video: true, screen: false };
let hasRemote = false;

const media = new Media(() => {
  drawMedia(media, call !== null);
  void drawDevices(media);
  drawDeviceError('');
  remember();
  void call?.mediaChanged();
}, (code) => {
  if (call) notify(code);
  drawDeviceError(code);
});

const people = new People(new Keyring(), () => call?.trust?.review());

/**
 * The fragment leaves the address bar and the tab's own history before anything else happens. The browser's global history
 * has the address as it was opened: no page can take it out there.
 * @returns {string}
 */
function takeFragment() {
  const text = location.hash.slice(1);
  if (location.hash || location.href.endsWith('#')) history.replaceState(null, '', location.pathname + location.search);
  return text;
}

/** The wish to show the other end no address but a relay's. */
const wantsRelay = () => /** @type {HTMLInputElement} */ (byId('relay-only'));

/** The wish to be recognised by nobody. */
const wantsPrivacy = () => /** @type {HTMLInputElement} */ (byId('private-call'));

/** What a reload needs to come back as it was. */
function remember() {
  if (!call) return;
  const { microphone, camera, muted, chosen } = media;
  keep(JOINED, JSON.stringify({ microphone: !!microphone, camera: !!camera, muted, chosen, relayOnly: call.relayOnly,
    isPrivate: wantsPrivacy().checked, named: company?.named ?? null }));
}

/** @param {PageState} next @param {string} [reason] */
function enter(next, reason = '') {
  const before = state;
  state = next;
  document.body.dataset.state = next;
  if (reason) document.body.dataset.reason = reason;
  else delete document.body.dataset.reason;
  const over = next === 'ended' || next === 'failed';
  const inCall = next === 'connecting' || next === 'waiting' || next === 'in-call';
  show('view-start', next === 'start');
  show('view-prejoin', next === 'prejoin');
  show('view-call', inCall);
  show('view-over', over);
  show('panel', inCall || (over && report.started !== null));
  place('self', inCall ? 'slot-self' : 'slot-preview');
  place('devices', inCall ? 'slot-devices-call' : 'slot-devices-pre');
  place('invite', next === 'in-call' ? 'slot-invite-call' : inCall ? 'slot-invite-wait' : 'slot-invite-pre');
  document.title = `${{ start: 'Sotto', prejoin: 'Join', connecting: 'Connecting', waiting: 'Waiting', 'in-call': 'In call',
    ended: 'Call ended', failed: 'Call failed' }[next]}${next === 'start' ? '' : ' – Sotto'}`;
  drawCover();
  drawMedia(media, inCall);
  if (over) showOver(reason);
  if (before === next) return;
  if (next === 'prejoin' || (inCall && (before === 'prejoin' || before === 'start'))) byId('main').focus({ preventScroll: true });
  if (next === 'in-call') announce('You are connected. Every check has held.');
}

/** Whether the panel has room of its own beside the call. */
function isWide() {
  return matchMedia('(min-width: 900px)').matches;
}

/** @param {string} reason */
function showOver(reason) {
  const { title, text, remedy } = sentence(reason);
  setText('over-title', title);
  const verdict = report.verdict();
  setText('over-text', verdict.state === 'failed' ? verdict.detail : text);
  setText('over-remedy', remedy);
  show('again', invitation !== null && reason !== 'page-outdated');
  byId('view-over').classList.toggle('alarm', report.failure?.door != null || reason === 'peer-refused');
  if (byId('settings-dialog').hasAttribute('open')) /** @type {HTMLDialogElement} */ (byId('settings-dialog')).close();
  if (report.failure?.door) openPanel(isWide());
  byId('over-title').focus();
}

/** What stands in place of the other person's picture. */
function drawCover() {
  const picture = state === 'in-call' && hasRemote && (other.video || other.screen);
  show('cover', !picture);
  show('slot-invite-wait', state === 'waiting');
  byId('remote').classList.toggle('fit', other.screen);
  show('other-muted', state === 'in-call' && !other.audio);
  byId('cover').classList.toggle('busy', state !== 'in-call');
  const texts = /** @type {Record<string, [string, string]>} */ ({
    waiting: document.body.dataset.reason === 'peer-left'
      ? ['The other end has left', 'The call begins anew, with every check, if it comes back.']
      : ['Waiting for the other person', 'The call begins when they open the link.'],
    connecting: standing?.wanted ? ['Compare first', 'Nothing goes out and nothing is shown before you have. Use a telephone or a message.'] : standing?.awaited
      ? [`Is it ${standing.awaited.name}?`, 'Nothing of you is sent, and nothing shown, before the other end has shown the key.']
      : ['Checking every door', 'Nothing of you is sent before all of them hold.'],
    'in-call': ['Their camera is off', other.audio ? 'You can hear each other.' : ''],
  });
  const [text, more] = texts[state] ?? ['', ''];
  setText('cover-text', text);
  setText('cover-more', more);
}

/** @param {string} code of a notice or an error, '' for none */
function notify(code) {
  const { title, remedy } = sentence(code);
  const text = NOTICES[code] ?? (isKnown(code) ? `${title}. ${remedy}` : '');
  byId('notice').dataset.notice = code;
  setText('notice', text);
  show('notice', text !== '');
}

/** @param {MediaStream | null} stream only after every door has held */
function showRemote(stream) {
  const video = /** @type {HTMLVideoElement} */ (byId('remote'));
  hasRemote = stream !== null;
  video.srcObject = stream;
  show('unblock', false);
  drawCover();
  if (stream) void video.play().catch((error) => show('unblock', error.name === 'NotAllowedError'));
}

/** @param {import('./trust.js').Standing | null} now who is at the other end */
function showPerson(now) {
  const before = standing;
  standing = now;
  last = now ?? last;
  drawPerson(now, people.keyring.works === true);
  drawCover();
  if (now && company) void company.link.then((link) => people.learn(now, before, link));
}

/** The new key of the one who was expected, in place of the old one; where it can't be kept, nobody is let in by it. */
async function takeKey() {
  if (!standing?.awaited || !standing.key || !company) return;
  const { awaited, key } = standing;
  await people.take(awaited, key);
  if (company.named === awaited.key) company.named = key;
  call?.trust?.decide(true);
}

/** @param {string} name */
async function rememberPerson(name) {
  if (!last || !company) return;
  await people.remember(name, last, await company.link);
  if (!call) drawPerson(null, false);
}

/** @param {string | null} named the key of whom the user expects */
async function join(named) {
  if (!invitation || call) return;
  report = new Report();
  showReport(report);
  last = null;
  company = people.company(invitation, wantsPrivacy().checked, named);
  other = { audio: true, video: true, screen: false };
  call = new Call(`wss://${location.host}/signal`, invitation, media, report, {
    state: (next, reason) => {
      if (next === 'ended' || next === 'failed') {
        call = null;
        endTalk();
        // Whom one has just spoken with can still be given a name.
        if (next === 'ended' && last) drawPerson({ ...last, string: null, alarm: false }, people.keyring.works === true);
        forget(JOINED);
        // The secret stays in this page's memory alone, for "Join again"; browsers write the storage of tabs to disk.
        forget(LINK);
        /** @type {HTMLInputElement} */ (byId('link')).value = '';
      }
      enter(next, reason);
    },
    notice: notify,
    other: (says) => {
      other = says;
      drawCover();
    },
    remote: showRemote,
    channel: talkOn,
    person: showPerson,
  }, company, wantsRelay().checked);
  beginTalk(() => call?.openFile() ?? null);
  remember();
  call.join();
}

/** @param {string} text a link's fragment @returns {Promise<boolean>} */
async function openLink(text) {
  invitation = await readLink(text);
  if (!invitation) {
    forget(LINK);
    refuse('link-damaged');
    return false;
  }
  keep(LINK, text);
  /** @type {HTMLInputElement} */ (byId('link')).value = `${location.origin}/#${text}`;
  setText('start-error', '');
  // Not awaited: Firefox tells a window without focus of no devices until it has some.
  void drawDevices(media);
  void drawExpected(people, invitation, null);
  enter('prejoin');
  return true;
}

/** A fault before any call. @param {string} code */
function refuse(code) {
  const { title, text, remedy } = sentence(code);
  enter('start', code);
  setText('start-error', `${title}. ${text} ${remedy}`);
}

function startAnew() {
  forget(LINK);
  void newLink().then(openLink);
}

async function copyLink() {
  const input = /** @type {HTMLInputElement} */ (byId('link'));
  try {
    await navigator.clipboard.writeText(input.value);
    setText('copy-label', 'Copied');
    announce('The link is copied.');
  } catch {
    input.focus();
    input.select();
    setText('copy-label', 'Press Ctrl+C');
  }
  setTimeout(() => setText('copy-label', 'Copy link'), 2500);
}

/** @param {Event} event */
function openPasted(event) {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId('paste'));
  const text = input.value.trim();
  input.value = '';
  void openLink(text.slice(text.indexOf('#') + 1));
}

function setUpButtons() {
  byId('start').onclick = startAnew;
  byId('fresh').onclick = startAnew;
  byId('open-form').onsubmit = openPasted;
  byId('copy-link').onclick = () => void copyLink();
  byId('join').onclick = () => void join(/** @type {HTMLSelectElement} */ (byId('expect')).value || null);
  byId('again').onclick = () => void (invitation && openLink(invitation.text));
  byId('hangup').onclick = () => void call?.hangUp();
  byId('mute').onclick = () => void toggle(media, 'audio');
  byId('camera').onclick = () => void toggle(media, 'video');
  byId('screen').onclick = () => void (media.screen ? media.stopScreen() : media.shareScreen());
  byId('screen').hidden = !navigator.mediaDevices?.getDisplayMedia;
  const dialog = /** @type {HTMLDialogElement} */ (byId('settings-dialog'));
  byId('settings').onclick = () => dialog.showModal();
  byId('settings-close').onclick = () => dialog.close();
  byId('unblock').onclick = () => {
    void /** @type {HTMLVideoElement} */ (byId('remote')).play().then(() => show('unblock', false));
  };
}

function watchNetwork() {
  addEventListener('online', () => call?.networkChanged());
  const network = /** @type {any} */ (navigator).connection;
  let kind = network?.type;
  // Estimates of speed change all the time; only another kind of network is another network.
  network?.addEventListener?.('change', () => {
    if (network.type !== kind) call?.networkChanged();
    kind = network.type;
  });
  addEventListener('hashchange', () => {
    const text = takeFragment();
    if (text && !call) void openLink(text);
  });
  setInterval(() => {
    if (state === 'in-call') void call?.peer?.verify();
  }, 2000);
}

/** A reload in mid-call takes its own seat at once; nobody needs to press anything twice. @param {string} saved */
async function comeBack(saved) {
  const { microphone, camera, muted, chosen, relayOnly, isPrivate, named } = JSON.parse(saved);
  wantsRelay().checked = relayOnly === true;
  wantsPrivacy().checked = isPrivate === true;
  media.muted = muted === true;
  media.chosen = { audio: String(chosen?.audio ?? ''), video: String(chosen?.video ?? '') };
  const captured = microphone && camera ? media.turnOnBoth()
    : microphone ? media.turnOn('audio') : camera ? media.turnOn('video') : undefined;
  await join(typeof named === 'string' ? named : null);
  await captured;
}

async function main() {
  const fragment = takeFragment();
  setUpPanel();
  setUpDevices(media);
  setUpButtons();
  setUpPeople(people);
  setUpPerson({
    compare: (same) => call?.trust?.compare(same),
    decide: (goOn) => call?.trust?.decide(goOn),
    take: takeKey,
    remember: rememberPerson,
  });
  setUpTalk();
  watchNetwork();
  openPanel(isWide());
  showReport(report);
  enter('start');
  if (!window.isSecureContext) return refuse('insecure-context');
  if (!crypto?.subtle) return refuse('no-webcrypto');
  if (typeof RTCPeerConnection !== 'function' || !navigator.mediaDevices) return refuse('no-webrtc');
  const saved = recall(JOINED);
  forget(JOINED);
  const link = fragment || recall(LINK);
  if (!link || !await openLink(link)) return;
  const [how] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
  // A copy of a tab has a copy of this storage, and must not join by itself.
  if (saved && !fragment && how?.type === 'reload') await comeBack(saved);
}

void main();
