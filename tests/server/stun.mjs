// Is somebody there who speaks STUN?

import { createSocket } from 'node:dgram';

/** @returns {Promise<boolean>} whether a Binding request (RFC 8489) gets an answer within so many ms */
export function answersStun(port, address, patience = 300) {
  const socket = createSocket('udp4');
  return new Promise((done) => {
    const end = (answer) => { clearTimeout(timer); socket.close(); done(answer); };
    const timer = setTimeout(end, patience, false);
    socket.on('message', () => end(true));
    socket.on('error', () => end(false));
    socket.send(Buffer.from(`000100002112a442${'00'.repeat(11)}01`, 'hex'), port, address);
  });
}
