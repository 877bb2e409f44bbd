// The security panel: draws what report.js says and adds nothing to it.

import { sayPolicy } from './policy.js';
import { DOORS, meaning, say, WORDS } from './report.js';
import { byId, download, icon, make, setText, show } from './ui.js';

/** @typedef {import('./report.js').Report} Report */
/** @typedef {import('./report.js').Door} Door */

/** @type {Record<string, string>} */
const STATES = { pending: 'Not yet', held: 'Holds', failed: 'Failed', unknown: 'Not reported' };
/** @type {Record<string, string>} verdict to mark */
const MARKS = { none: 'pending', checking: 'pending', verified: 'held', unreported: 'unknown', failed: 'failed', ended: 'pending' };

/** @type {Report | null} */
let current = null;
let drawing = false;
/** @type {import('./policy.js').Policy | null} whose rules are on the page */
let drawn = null;

/** @param {Door} door @returns {HTMLElement} */
function buildDoor(door) {
  const { title, fields } = WORDS[door];
  const list = make('dl');
  for (const [name, label] of Object.entries(fields)) {
    list.append(make('div', {}, make('dt', {}, label), make('dd', { 'data-field': name })));
  }
  const summary = make('summary', {},
    make('span', { class: 'dot' }, icon('pending')),
    make('span', { class: 'door-title' }, title),
    make('span', { class: 'door-state' }, STATES.pending));
  const since = make('p', { class: 'quiet', 'data-field': 'holds-since' });
  const fault = make('p', { class: 'remedy', 'data-field': 'fault', hidden: '' });
  return make('li', { 'data-door': door, 'data-state': 'pending' },
    make('details', {}, summary, fault, make('p', { 'data-field': 'meaning' }), list, since));
}

/** A digest breaks between its bytes, not within one. @param {string} text @returns {Node[]} */
function breakable(text) {
  const parts = text.split(/(?<=:)(?=[0-9A-F]{2}(?::|$))/);
  return parts.flatMap((part, i) => (i ? [document.createElement('wbr'), new Text(part)] : [new Text(part)]));
}

/** @param {Report} report @param {Door} door */
function drawDoor(report, door) {
  const record = report.doors[door];
  const element = document.querySelector(`[data-door="${door}"]`);
  if (!(element instanceof HTMLElement)) return;
  if (element.dataset.state !== record.state) {
    element.dataset.state = record.state;
    element.querySelector('use')?.setAttribute('href', `#i-${record.state}`);
    const label = element.querySelector('.door-state');
    if (label) label.textContent = STATES[record.state];
    const details = element.querySelector('details');
    if (details && record.state === 'failed') details.open = true;
  }
  /** @param {string} name @param {string} text @param {boolean} silent */
  const write = (name, text, silent = false) => {
    const field = element.querySelector(`[data-field="${name}"]`);
    if (!(field instanceof HTMLElement)) return;
    if (field.textContent !== text) field.replaceChildren(...breakable(text));
    field.classList.toggle('silent', silent);
  };
  for (const [name, value] of Object.entries(record.fields)) write(name, say(value), typeof value === 'object');
  write('meaning', meaning(door, record.state));
  write('holds-since', record.since ? `Holds since ${new Date(record.since).toLocaleTimeString()}.` : '');
  const fault = element.querySelector('[data-field="fault"]');
  if (fault instanceof HTMLElement) {
    fault.hidden = !record.reason;
    if (record.reason) {
      element.dataset.reason = record.reason;
      const { text, detail, remedy } = report.verdict();
      write('fault', `${text}. ${detail} ${remedy}`);
    } else delete element.dataset.reason;
  }
}

/** Only as it changes: a list that is made anew loses what a person marked in it. @param {Report} report */
function drawPolicy({ policy }) {
  if (policy === drawn) return;
  drawn = policy;
  const asked = sayPolicy(policy);
  show('policy', asked.length > 0);
  byId('policy-rules').replaceChildren(...asked.map((line) => make('li', {}, line)));
}

function draw() {
  drawing = false;
  if (!current) return;
  const verdict = current.verdict();
  const panel = byId('panel');
  panel.dataset.verdict = verdict.state;
  // Whoever was let in against an alarm gets no mark that all is well.
  const { identity = null, awaited = null, compared = null } = current.person ?? {};
  panel.dataset.person = awaited && identity && identity !== 'known' && !compared ? 'doubt' : '';
  setText('verdict', verdict.text);
  setText('verdict-detail', verdict.detail);
  setText('verdict-remedy', verdict.remedy ?? '');
  // A failed door says it itself, right below.
  show('verdict-detail', verdict.door === null);
  show('verdict-remedy', !!verdict.remedy && verdict.door === null);
  byId('verdict-mark').setAttribute('href', `#i-${panel.dataset.person && verdict.state === 'verified' ? 'unknown' : MARKS[verdict.state]}`);
  for (const door of DOORS) drawDoor(current, door);
  drawPolicy(current);
}

/** @param {boolean} open */
export function openPanel(open) {
  byId('panel').classList.toggle('open', open);
  byId('panel-toggle').setAttribute('aria-expanded', String(open));
}

/** @param {Report} report the one to show from now on */
export function showReport(report) {
  current = report;
  report.changed = () => {
    if (report !== current || drawing) return;
    drawing = true;
    queueMicrotask(draw);
  };
  draw();
}

export function setUpPanel() {
  byId('doors').append(...DOORS.map(buildDoor));
  byId('panel-toggle').onclick = () => openPanel(!byId('panel').classList.contains('open'));
  byId('save-report').onclick = async () => {
    if (!current) return;
    const text = await current.file();
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
    download(`sotto-report-${stamp}.json`, new Blob([text], { type: 'application/json' }));
  };
}
