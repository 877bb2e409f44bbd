// Lines of text on the chat channel: what may be said and what is taken. Pure.

/** @typedef {import('./channels.js').Channel} Channel */
/** @typedef {import('./channels.js').Data} Data */

const LINE_MAX = 16384;

/** @param {string} text */
const bytes = (text) => new TextEncoder().encode(text).length;

/** @param {string} text @returns {string} in one line: nothing in it moves what stands beside it */
function oneLine(text) {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** @param {Data} data @returns {string | null} what is shown of it, or null: nothing */
export function readLine(data) {
  if (typeof data !== 'string' || data.length === 0 || bytes(data) > LINE_MAX) return null;
  return oneLine(data) || null;
}

/**
 * @param {string} text that a person wrote
 * @returns {{line: string} | {reason: 'empty'|'too-long'}}
 */
export function writeLine(text) {
  const line = oneLine(text);
  if (line === '') return { reason: 'empty' };
  return bytes(line) > LINE_MAX ? { reason: 'too-long' } : { line };
}
