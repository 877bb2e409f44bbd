// Calls with aiortc, whose descriptions have every candidate.

import { callsWith } from './calls.mjs';

callsWith('aiortc', { keyFrames: ['VP8'], takesAnyRole: false, verifies: true, saysGoodbye: true });
