// Calls with GStreamer's webrtcbin, which trickles its candidates.

import { callsWith } from './calls.mjs';

callsWith('webrtcbin', { keyFrames: ['VP8', 'H264'], takesAnyRole: true, verifies: false, saysGoodbye: false });
