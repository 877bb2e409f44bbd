// Names of files as the other end says them: which the protocol allows, how they are shown and saved, and what to be careful
// about. Pure.

const NAME_MAX = 255;
/** What turns or hides the letters round it: directions, joiners, soft hyphens, what stands alone of a pair. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe00-\ufe0f]/gu;
/** Windows gives these to devices, whatever follows the dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;
const DOCUMENT = /\.(avi|csv|docx?|gif|jpe?g|mkv|mov|mp[34]|od[pst]|pdf|png|pptx?|rtf|txt|wav|webp|xlsx?)\.([a-z0-9]{1,10})$/i;
const PROGRAM = new Set(['apk', 'app', 'appimage', 'bat', 'cmd', 'com', 'cpl', 'deb', 'desktop', 'dmg', 'docm', 'exe', 'hta', 'htm',
  'html', 'iso', 'jar', 'js', 'jse', 'lnk', 'msi', 'pif', 'pkg', 'ps1', 'py', 'reg', 'rpm', 'scr', 'sh', 'svg', 'url', 'vb', 'vbs',
  'wsf', 'xhtml', 'xlsm']);

/** @param {unknown} name @returns {name is string} as docs/protocol.md section 5 wants it */
export function isName(name) {
  if (typeof name !== 'string' || name === '.' || name === '..') return false;
  if (/[/\\\p{Cc}\p{Cs}]/u.test(name)) return false;
  const { length } = new TextEncoder().encode(name);
  return length >= 1 && length <= NAME_MAX;
}

/** @param {string} name @returns {string} its last part behind a dot, in lower case */
function ending(name) {
  return /\.([^.\s]{1,16})$/.exec(name)?.[1].toLowerCase() ?? '';
}

/** @param {string} name @param {number} bytes @returns {string} without its middle where it is too long; the ending stays */
function shorten(name, bytes) {
  const length = (/** @type {string} */ text) => new TextEncoder().encode(text).length;
  if (length(name) <= bytes) return name;
  const last = ending(name);
  const tail = last ? `.${last}` : '';
  const head = [...(last ? name.slice(0, -tail.length) : name)];
  while (head.length && length(head.join('') + tail) > bytes) head.pop();
  return head.join('') + tail;
}

/** @param {string} name of a file of this end @returns {string} one that may be offered */
export function offeredName(name) {
  const text = shorten(name.replace(/[/\\\p{Cc}\p{Cs}]/gu, '_'), NAME_MAX);
  return isName(text) ? text : 'file';
}

/** @param {string} name from the other end @returns {string} as it is shown, and saved: nothing in it that can't be seen */
export function safeName(name) {
  const text = name.replace(UNSEEN, '_').replace(/[/\\<>:"|?*]/g, '_').replace(/\s+/g, ' ').trim()
    .replace(/^\.+/, '_').replace(/[. ]+$/, '').replace(DEVICE, '_$1');
  return shorten(text, NAME_MAX - 15) || 'file';
}

/** @param {string} name from the other end @returns {string} what a person should know before taking it; '' for nothing */
export function caution(name) {
  const safe = safeName(name);
  const last = ending(safe);
  const twice = DOCUMENT.exec(safe);
  const words = [];
  if (twice) words.push(`The name ends twice, in .${twice[1]} and in .${twice[2]}: only the last counts.`);
  if (PROGRAM.has(last)) words.push(`A .${last} file can run as a program. Open it only if you expected it.`);
  if (UNSEEN.test(name)) words.push('Characters that hide what the name is were taken out of it.');
  UNSEEN.lastIndex = 0;
  return words.join(' ');
}
