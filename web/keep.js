// What a reload of this tab needs to come back. Where the browser keeps nothing for this page (cookies blocked), a reload
// begins anew, and everything else works.

/** @param {string} name @returns {string | null} */
export function recall(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} text */
export function keep(name, text) {
  try {
    sessionStorage.setItem(name, text);
  } catch { /* a reload begins anew */ }
}

/** @param {string} name */
export function forget(name) {
  try {
    sessionStorage.removeItem(name);
  } catch { /* nothing is kept */ }
}
