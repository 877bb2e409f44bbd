// A person at the panel of messages and files, and what is seen there.

/** @typedef {import('./visitor.mjs').Visitor} Visitor */

/** Opens the panel where it is folded away. @param {Visitor} visitor */
export async function openTalk(visitor) {
  if (await visitor.page.evaluate(() => document.getElementById('talk').hidden)) await visitor.press('talk-toggle');
}

/** Types a line and sends it. @param {Visitor} visitor @param {string} line */
export async function say(visitor, line) {
  await openTalk(visitor);
  await visitor.press('talk-line');
  await visitor.page.keyboard.type(line);
  await visitor.page.keyboard.press('Enter');
}

/** @param {Visitor} visitor @returns {Promise<{from: string, text: string, html: string}[]>} what was written, in order */
export const lines = (visitor) => visitor.page.evaluate(() => [...document.querySelectorAll('#talk-list .said')].map((said) =>
  ({ from: said.parentElement.dataset.from, text: said.textContent, html: said.innerHTML })));

/** @param {Visitor} visitor @param {string} line that the other end wrote */
export const reads = (visitor, line) => visitor.until(`reads "${line}"`, async () =>
  (await lines(visitor)).some(({ from, text }) => from === 'them' && text === line));

/** @param {Visitor} visitor the files in its panel, in order */
export const cards = (visitor) => visitor.page.evaluate(() => [...document.querySelectorAll('#talk-list .file')].map((card) => ({
  from: card.dataset.from, state: card.dataset.file, code: card.dataset.code ?? '', alarm: card.classList.contains('alarm'),
  name: card.querySelector('.file-name').textContent, status: card.querySelector('.file-status').textContent,
  digest: card.querySelector('code')?.textContent ?? '', caution: card.querySelector('.caution')?.textContent ?? '',
  text: card.textContent, progress: card.querySelector('progress')?.value ?? null,
})));

/** @param {Visitor} visitor @param {...string} paths of files that it chooses */
export async function offer(visitor, ...paths) {
  await openTalk(visitor);
  const pick = await visitor.page.$('#talk-pick');
  await pick.uploadFile(...paths);
}

/** @param {Visitor} visitor @param {string} name of a file @param {string} state of its card @param {string} [code] */
export async function fileIs(visitor, name, state, code = '') {
  return visitor.until(`has ${name} ${state} ${code}`, async () => {
    const card = (await cards(visitor)).findLast((each) => each.name === name);
    return card?.state === state && card.code === code && card;
  });
}

/** @param {Visitor} visitor @param {string} name of a file @param {string} action on its card */
export async function act(visitor, name, action) {
  await openTalk(visitor);
  await visitor.look();
  const button = await visitor.until(`can ${action} ${name}`, () => visitor.page.evaluateHandle((file, wanted) =>
    [...document.querySelectorAll('#talk-list .file')].findLast((card) => card.querySelector('.file-name').textContent === file)
      ?.querySelector(`[data-action="${wanted}"]`), name, action).then((handle) => handle.asElement()));
  await button.click();
}

/** Keeps back what this page would tell of bytes that it has put away: the sender stands still after a mebibyte. */
export const hold = (visitor) => visitor.page.evaluate(() => {
  const { send } = RTCDataChannel.prototype;
  const held = [];
  RTCDataChannel.prototype.send = function (data) {
    if (typeof data === 'string' && data.startsWith('{"got"')) held.push([this, data]);
    else send.call(this, data);
  };
  globalThis.sottoLetGo = () => {
    RTCDataChannel.prototype.send = send;
    for (const [channel, data] of held) {
      if (channel.readyState === 'open') send.call(channel, data);
    }
  };
});

export const letGo = (visitor) => visitor.page.evaluate(() => globalThis.sottoLetGo());
