// The camera, the microphone and the screen of this end. Nothing is captured before a person asks for it.

import { deviceCode } from './errors.js';

/** @typedef {'audio'|'video'} Kind */

export class Media {
  /** @type {MediaStreamTrack | null} */ microphone = null;
  /** @type {MediaStreamTrack | null} */ camera = null;
  /** @type {MediaStreamTrack | null} */ screen = null;
  /** One stream to send under, so that sound and picture stay together at the other end. */
  stream = new MediaStream();
  muted = false;
  /** Counts the times that all was stopped: what was asked for before must not begin to capture after. */
  #stops = 0;
  /** @type {Record<Kind, string>} */ chosen = { audio: '', video: '' };

  /** @param {() => void} changed @param {(code: string) => void} failed */
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
  }

  get sound() {
    return this.microphone;
  }

  get picture() {
    return this.screen ?? this.camera;
  }

  get says() {
    return { audio: !!this.microphone && !this.muted, video: !!this.picture, screen: !!this.screen };
  }

  /** Turns on both, or what there is of the two. */
  async turnOnBoth() {
    const stops = this.#stops;
    try {
      const stream = await this.#open(['audio', 'video']);
      if (this.#tooLate(stream, stops)) return;
      for (const track of stream.getTracks()) this.#keep(track);
      this.changed();
    } catch {
      if (stops !== this.#stops) return;
      // One of the two is missing or refused. The other one is still wanted.
      const audio = await this.turnOn('audio', true);
      const video = await this.turnOn('video', true);
      if (audio || video) this.failed(audio && video && audio !== video ? 'device-busy' : /** @type {string} */ (audio || video));
    }
  }

  /** @param {Kind} kind @param {boolean} [quiet] @returns {Promise<string>} the code of what failed, or nothing */
  async turnOn(kind, quiet = false) {
    const stops = this.#stops;
    try {
      const stream = await this.#open([kind]);
      if (this.#tooLate(stream, stops)) return '';
      this.#keep(stream.getTracks()[0]);
      this.changed();
      return '';
    } catch (error) {
      const code = deviceCode(error);
      if (!quiet) this.failed(code);
      return code;
    }
  }

  /** @param {Kind} kind stops the device, so that its light goes out */
  turnOff(kind) {
    if (kind === 'audio') this.microphone = this.#stop(this.microphone);
    else this.camera = this.#stop(this.camera);
    this.changed();
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    if (this.microphone) this.microphone.enabled = !muted;
    this.changed();
  }

  /** @param {Kind} kind @param {string} id of the device to use from now on */
  async choose(kind, id) {
    this.chosen[kind] = id;
    if (kind === 'audio' ? this.microphone : this.camera) {
      // Some devices open only once, so the old one is let go first.
      this.turnOff(kind);
      await this.turnOn(kind);
    }
  }

  async shareScreen() {
    const stops = this.#stops;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false });
      if (this.#tooLate(stream, stops)) return;
      const track = stream.getVideoTracks()[0];
      this.#stop(this.screen);
      track.contentHint = 'detail';
      track.onended = () => this.stopScreen();
      this.screen = track;
      this.changed();
    } catch {
      this.failed('screen-refused');
    }
  }

  stopScreen() {
    this.screen = this.#stop(this.screen);
    this.changed();
  }

  stopAll() {
    this.#stops++;
    this.screen = this.#stop(this.screen);
    this.camera = this.#stop(this.camera);
    this.microphone = this.#stop(this.microphone);
    this.changed();
  }

  /** The call ended while the browser still asked. @param {MediaStream} stream @param {number} stops */
  #tooLate(stream, stops) {
    if (stops === this.#stops) return false;
    for (const track of stream.getTracks()) track.stop();
    return true;
  }

  /** @param {MediaStreamTrack | null} track @returns {null} */
  #stop(track) {
    if (track) {
      track.onended = null;
      track.stop();
    }
    return null;
  }

  /** @param {MediaStreamTrack} track */
  #keep(track) {
    if (track.kind === 'audio') {
      this.#stop(this.microphone);
      this.microphone = track;
      track.enabled = !this.muted;
    } else {
      this.#stop(this.camera);
      this.camera = track;
    }
    track.onended = () => {
      this.turnOff(/** @type {Kind} */ (track.kind));
      this.failed('device-lost');
    };
  }

  /** @param {Kind[]} kinds @returns {Promise<MediaStream>} */
  async #open(kinds) {
    const ask = (/** @type {boolean} */ chosen) => navigator.mediaDevices.getUserMedia(
      Object.fromEntries(kinds.map((kind) => [kind, this.#constraint(kind, chosen)])));
    try {
      return await ask(true);
    } catch (error) {
      // A device that went away gives way to another one instead of to nothing.
      if (!kinds.some((kind) => this.chosen[kind]) || deviceCode(error) !== 'no-device') throw error;
      return ask(false);
    }
  }

  /** @param {Kind} kind @param {boolean} chosen whether only the device that the person chose will do */
  #constraint(kind, chosen) {
    const id = chosen ? this.chosen[kind] : '';
    /** @type {MediaTrackConstraints} */
    const wish = kind === 'audio' ? { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
      : { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: 'user' };
    // Exact: Chromium gives its default device to whoever merely wishes for another one.
    if (id) wish.deviceId = { exact: id };
    return wish;
  }
}

/** @returns {Promise<{audio: MediaDeviceInfo[], video: MediaDeviceInfo[]}>} */
export async function listDevices() {
  const all = await navigator.mediaDevices.enumerateDevices();
  return {
    audio: all.filter((device) => device.kind === 'audioinput'),
    video: all.filter((device) => device.kind === 'videoinput'),
  };
}
