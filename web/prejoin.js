// Choosing devices, before the call and in it, and the self-view.

import { listDevices } from './devices.js';
import { sentence } from './errors.js';
import { byId, dress, make, setText, show } from './ui.js';

/** @typedef {import('./devices.js').Media} Media */
/** @typedef {import('./devices.js').Kind} Kind */

/** @type {Kind[]} */
const KINDS = ['audio', 'video'];
/** @type {Record<Kind, string>} */
const NAMES = { audio: 'Microphone', video: 'Camera' };
/** @type {Record<Kind, string>} */
const TOGGLES = { audio: 'pre-mic', video: 'pre-camera' };

/** @param {Media} media */
export async function drawDevices(media) {
  if (!navigator.mediaDevices?.enumerateDevices) return;
  const found = await listDevices().catch(() => ({ audio: [], video: [] }));
  for (const kind of KINDS) {
    const select = /** @type {HTMLSelectElement} */ (byId(`pick-${kind}`));
    const track = kind === 'audio' ? media.microphone : media.camera;
    const inUse = track?.getSettings().deviceId ?? media.chosen[kind];
    // Names are known only once access was granted; before that there is nothing to choose.
    const named = found[kind].filter((device) => device.label !== '');
    const options = named.map((device) => {
      const option = /** @type {HTMLOptionElement} */ (make('option', { value: device.deviceId }, device.label));
      option.selected = device.deviceId === inUse;
      return option;
    });
    if (options.length === 0) {
      options.push(/** @type {HTMLOptionElement} */ (make('option', { value: '' }, `${NAMES[kind]} of this device`)));
    }
    select.replaceChildren(...options);
    select.disabled = named.length === 0;
  }
}

/** @param {Media} media @param {string} id the self-view's video */
function drawSelf(media, id) {
  const video = /** @type {HTMLVideoElement} */ (byId(id));
  const track = media.picture;
  const shown = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] : undefined;
  if (track && shown !== track) {
    video.srcObject = new MediaStream([track]);
    void video.play().catch(() => {});
  } else if (!track && video.srcObject) video.srcObject = null;
  const self = byId('self');
  self.classList.toggle('empty', !track);
  self.classList.toggle('mirror', !!track && !media.screen);
  setText('self-note', media.screen ? 'You share your screen' : track ? '' : 'Your camera is off');
}

/** @param {Media} media @param {boolean} inCall */
export function drawMedia(media, inCall) {
  drawSelf(media, 'local');
  const { microphone, camera, muted } = media;
  const on = { audio: !!microphone && !muted, video: !!camera };
  for (const kind of KINDS) {
    const toggle = byId(TOGGLES[kind]);
    toggle.setAttribute('aria-pressed', String(on[kind]));
    toggle.setAttribute('aria-label', `${NAMES[kind]} ${on[kind] ? 'on' : 'off'}`);
    toggle.textContent = on[kind] ? 'On' : 'Off';
  }
  show('preview-ask', !inCall && !microphone && !camera);
  setText('join-note', on.audio && on.video ? 'You join with camera and microphone.'
    : on.audio ? 'You join with sound, and without camera.'
      : on.video ? 'You join with picture, and without sound.'
        : 'You join without camera and microphone. You can turn them on later.');
  dress('mute', on.audio ? 'mic' : 'mic-off', on.audio ? 'Mute' : 'Unmute', on.audio);
  dress('camera', on.video ? 'cam' : 'cam-off', on.video ? 'Camera off' : 'Camera on', on.video);
  dress('screen', 'screen', media.screen ? 'Stop sharing' : 'Share screen', !media.screen);
  byId('screen').classList.toggle('active', !!media.screen);
}

/** @param {string} code '' when all is well */
export function drawDeviceError(code) {
  const { title, text, remedy } = sentence(code);
  setText('device-error', code ? `${title}. ${text} ${remedy}` : '');
  byId('device-error').dataset.code = code;
}

/** @param {Media} media @param {Kind} kind on, off, or muted when it is open already */
export async function toggle(media, kind) {
  if (kind === 'audio' && media.microphone) media.mute(!media.muted);
  else if (kind === 'audio') {
    media.muted = false;
    await media.turnOn('audio');
  } else if (media.camera) media.turnOff('video');
  else await media.turnOn('video');
}

/** @param {Media} media */
export function setUpDevices(media) {
  for (const kind of KINDS) {
    const select = /** @type {HTMLSelectElement} */ (byId(`pick-${kind}`));
    select.onchange = () => void media.choose(kind, select.value);
    byId(TOGGLES[kind]).onclick = () => void toggle(media, kind);
  }
  byId('preview-on').onclick = () => void media.turnOnBoth();
  navigator.mediaDevices?.addEventListener('devicechange', () => void drawDevices(media));
}
