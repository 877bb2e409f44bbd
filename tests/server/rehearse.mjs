// Runs `sotto rehearse --json` and reads what it says.

import { spawn } from 'node:child_process';
import { within } from './harness.mjs';

/** @returns {Promise<{code: number | null, events: any[], err: string}>} */
export function run(program, args, env = {}) {
  return within(new Promise((done, fail) => {
    const child = spawn(program, ['rehearse', '--json', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', err = '';
    child.stdout.on('data', (d) => { out += d; });
    child.stderr.on('data', (d) => { err += d; });
    child.on('error', fail);
    child.on('close', (code) => done({ code, events: out.trim() === '' ? [] : out.trim().split('\n').map((line) => JSON.parse(line)), err }));
  }), `sotto rehearse ${args.join(' ')}`);
}
