// JSON as strictly as it is needed where a signature or a person's trust hangs on it. Pure.

/**
 * What JSON.parse reads, unless an object says one name twice: of two values readers may take either, and two readers
 * must never see two things.
 * @param {string} text @returns {unknown} @throws {SyntaxError}
 */
export function strictJson(text) {
  const value = JSON.parse(text);
  // The text is known to be JSON from here on, so its strings and brackets are all that matters.
  /** @type {(Set<string> | null)[]} */ const open = [];
  const tokens = text.match(/"(?:[^"\\]|\\.)*"\s*:?|[{}[\]]/g) ?? [];
  for (const token of tokens) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token.endsWith(':')) {
      const name = JSON.parse(token.slice(0, -1));
      const names = open.at(-1);
      if (names?.has(name)) throw new SyntaxError('a name is there twice');
      names?.add(name);
    }
  }
  return value;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
