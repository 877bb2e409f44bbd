// Small things that every part of the interface uses. Text goes in as text, never as markup.

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (element);
}

/** @param {string} id @param {string} text only touches the page when it changes, so that nothing is read out twice */
export function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} id @param {boolean} shown */
export function show(id, shown) {
  byId(id).hidden = !shown;
}

/** @param {string} tag @param {Record<string, string>} [attributes] @param {...(Node | string)} children */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {string} name of a symbol in index.html @param {string} [className] @returns {SVGSVGElement} */
export function icon(name, className = '') {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  if (className) svg.setAttribute('class', className);
  svg.append(use);
  return svg;
}

/** @param {string} id of a button with an icon and a label @param {string} name @param {string} label @param {boolean} lit */
export function dress(id, name, label, lit) {
  const button = byId(id);
  button.querySelector('use')?.setAttribute('href', `#i-${name}`);
  const span = button.querySelector('span');
  if (span && span.textContent !== label) span.textContent = label;
  button.classList.toggle('off', !lit);
}

/** @param {string} id of the element @param {string} slot where it is wanted now */
export function place(id, slot) {
  const element = byId(id);
  const target = byId(slot);
  if (element.parentElement === target) return;
  target.append(element);
  // A video that moves within the page stops.
  for (const video of element.querySelectorAll('video')) void video.play().catch(() => {});
}

/** @param {string} text for those who hear the page */
export function announce(text) {
  setText('announce', text);
}

/** @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const url = URL.createObjectURL(blob);
  const anchor = /** @type {HTMLAnchorElement} */ (make('a', { href: url, download: name }));
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
