// What the page's modules expect of a browser and an older Node (18, Debian 12's) does not have as a global.

import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
