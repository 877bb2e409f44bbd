// What this browser keeps of identities: its own key, which can be used and not be read, and the known people. In IndexedDB,
// shared by all tabs of this page. Where the browser keeps nothing, a key lives as long as its call.

import { identityOf, newKey } from './introduction.js';

/** @typedef {import('./introduction.js').Identity} Identity */
/** @typedef {import('./known.js').Pin} Pin */

const DATABASE = 'sotto';
const STORE = 'identity';
const KEY = 'key';
const PEOPLE = 'people';
/** A database that another tab or the browser blocks must not keep a call from beginning. */
const PATIENCE = 3000;

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @template T @param {Promise<T>} work @returns {Promise<T>} */
function inTime(work) {
  return Promise.race([work, new Promise((_, reject) => {
    setTimeout(() => reject(new Error('the database does not answer')), PATIENCE);
  })]);
}

export class Keyring {
  /** Whether this browser keeps anything for this page; null before it was tried. @type {boolean | null} */ works = null;
  /** @type {Promise<IDBDatabase> | null} */ #opened = null;

  /** @returns {Promise<IDBDatabase>} */
  #open() {
    const open = () => {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(STORE);
      return done(request).then((database) => {
        // A newer page in another tab wants to change it, or the person cleared it.
        database.onversionchange = () => database.close();
        database.onclose = () => { this.#opened = null; };
        return database;
      });
    };
    this.#opened ??= Promise.resolve().then(open);
    return this.#opened;
  }

  /**
   * One transaction, in which no other tab has a say between what is read and what is written.
   * @param {string} name @param {(before: any) => any} [change] what to write in place of what was there; without: only read
   * @returns {Promise<any>} what is there now; rejects with what `change` threw
   */
  async #entry(name, change) {
    const database = await this.#open();
    const transaction = database.transaction(STORE, change ? 'readwrite' : 'readonly');
    const finished = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    finished.catch(() => {});
    const store = transaction.objectStore(STORE);
    const before = await done(store.get(name));
    if (!change) return before;
    let after;
    try {
      after = change(before);
      if (after !== before) store.put(after, name);
    } catch (error) {
      transaction.abort();
      throw error;
    }
    await finished;
    return after;
  }

  /** @template T @param {Promise<T>} work @returns {Promise<T | undefined>} undefined: this browser keeps nothing */
  async #tried(work) {
    try {
      const value = await inTime(work);
      this.works = true;
      return value;
    } catch {
      this.works = false;
      this.#opened = null;
      return undefined;
    }
  }

  /** @returns {Promise<Identity>} the key of this browser, made on first use; one for this call alone where none is kept */
  async own() {
    const kept = await this.#tried(this.#entry(KEY));
    if (kept) return identityOf(kept);
    const fresh = await newKey();
    // Of two tabs that make a key at once, the first one to write has made it.
    const pair = this.works ? await this.#tried(this.#entry(KEY, (before) => before ?? fresh)) : fresh;
    return identityOf(pair ?? fresh);
  }

  /** @returns {Promise<Identity>} a key for one call, of which nothing is kept */
  async passing() {
    return identityOf(await newKey());
  }

  /** @returns {Promise<Pin[]>} */
  async people() {
    return await this.#tried(this.#entry(PEOPLE)) ?? [];
  }

  /** @param {(pins: Pin[]) => Pin[]} change @returns {Promise<Pin[]>} the list as it is now; rejects where nothing can be kept */
  async change(change) {
    return inTime(this.#entry(PEOPLE, (before) => change(before ?? [])));
  }
}
