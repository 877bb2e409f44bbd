// Every code that a person can meet, in words that say what happened and what to do. Pure.

/** @typedef {{title: string, text: string, remedy: string}} Sentence */

const NEW_LINK = 'Start a new call and send its link over a channel you trust.';
const RELAY = 'Try again. Who runs this server should look after its relay (TURN).';
const UPDATE = 'Update the program at the other end.';
const ALARM = 'Treat this as an attempt to listen in until you know better. ' + NEW_LINK;

/** @type {Record<string, [string, string, string]>} title, what happened, what to do */
const SENTENCES = {
  // Before a call
  'link-damaged': ['This link is damaged', 'A character is missing or wrong, so no call can be opened with it.',
    'Copy the whole link again, or ask for it to be sent once more.'],
  'insecure-context': ['This page did not come over HTTPS', 'Browsers allow calls only on a protected page.',
    'Open the same address with https:// in front.'],
  'no-webrtc': ['This browser cannot make calls', 'WebRTC is missing or was switched off.',
    'Use a current Firefox, Chrome, Edge or Safari, or allow WebRTC in the settings.'],
  'no-webcrypto': ['This browser cannot encrypt', 'Web Cryptography is missing, and Sotto does not call without it.',
    'Use a current Firefox, Chrome, Edge or Safari.'],
  // Camera and microphone
  'permission-refused': ['Access was refused', 'The browser or the system does not let this page use the device.',
    'Allow camera and microphone with the icon beside the address, then try again. You can also join without.'],
  'no-device': ['No such device was found', 'The browser sees no camera or no microphone.',
    'Plug one in and try again, or join without.'],
  'device-busy': ['The device is in use', 'Another program or tab holds the camera or microphone.',
    'Close what uses it, then try again, or join without.'],
  'device-lost': ['A device went away', 'The camera or microphone was unplugged or switched off.',
    'Plug it in again or choose another one.'],
  'screen-refused': ['Nothing is shared', 'No screen was chosen, or sharing was refused.', 'Choose a screen or window to share it.'],
  // Server
  'server-unreachable': ['The server cannot be reached', 'Either it is down or this device is offline.',
    'Check your connection. The page goes on trying.'],
  'room-full': ['This call has two people already', 'A link joins two ends, never three.',
    'If one of them was you, in a tab that has closed, wait half a minute and try again. If not, somebody else holds the link: '
    + 'start a new call.'],
  'too-many-joins': ['Too many attempts', 'The server limits how often one address may join.', 'Wait a minute, then try again.'],
  'too-many-messages': ['Too many messages', 'The server limits how much an end may say in a second.', 'Try again.'],
  'too-many-rooms': ['The server is full', 'It carries as many calls as it was set up for.', 'Try again later.'],
  'join-timeout': ['The server did not hear this page in time', 'The connection is very slow, or was held up on its way.',
    'Check your connection. The page goes on trying.'],
  'page-outdated': ['This page is older than the server', 'They no longer speak the same protocol.', 'Reload the page.'],
  'resumed-elsewhere': ['The call went on elsewhere', 'Another tab or window took this seat.', 'Use that one, or join again here.'],
  'protocol': ['The server did not understand', 'It refused a message from this page.', 'Reload the page and try again.'],
  // Messages and files
  'line-too-long': ['This is too long for one message', 'A message has at most 16 KiB.', 'Send it in parts, or as a file.'],
  'line-not-sent': ['The message was not sent', 'The channel for messages is closed, or holds too much that waits.',
    'Wait until the call is there again, then send it once more.'],
  'file-stopped': ['Stopped', 'The other end stopped it, or the connection between the two ended.',
    'Send it again if it is still wanted.'],
  'file-unreadable': ['The file could not be read', 'It was moved, changed or deleted, or it is a folder.', 'Choose it again.'],
  'file-changed': ['The file changed while it was sent', 'What was sent is not what was offered, so the other end keeps nothing of it.',
    'Send it again once nothing writes to it.'],
  'file-not-taken': ['The other end threw the file away', 'What it got is not what was offered, says its check.',
    'Send it again. If that goes wrong too, do not trust the program at the other end.'],
  'file-order': ['The other end broke the rules', 'What it said about the file makes no sense at that point.', UPDATE],
  'file-mismatch': ['This is not the file that was offered',
    'What came has another size or another SHA-256, so nothing of it was kept. The connection alters nothing by itself.',
    'Ask the other person, in another way than this call, what they meant to send.'],
  // Ends of a call
  'hangup': ['You hung up', 'The call is over. Nothing is being recorded or sent.', ''],
  'peer-hangup': ['The other person hung up', 'The call is over. Nothing is being recorded or sent.', ''],
  'connection-lost': ['The connection was lost', 'The other end has not been reached for half a minute.',
    'Check your connection; the page goes on looking for a path. If none comes, hang up and join again.'],
  'no-path': ['No path between the two ends', 'The networks let no packets through, directly or over a relay.',
    'Try another network. Who runs this server can add a relay (TURN).'],
  'no-relay': ['This server offers no relay', 'This call is to go through a relay only, and there is none.',
    'Ask who runs the server for a relay (TURN). If the wish was yours: join without it, which shows this device’s address to the other end.'],
  'relay-unreachable': ['The relay cannot be reached', 'It is down, or the network lets nothing through to it.', RELAY],
  'relay-certificate': ['The relay’s certificate was refused', 'It is from nobody that the other end trusts, or is for another name.', RELAY],
  'relay-credentials': ['The relay refused the credentials', 'They have expired, or relay and server do not share one secret.', RELAY],
  'relay-quota': ['The relay is full', 'It carries as much as it was set up for.', 'Try again later.'],
  'relay-elsewhere': ['The relay points to another one', 'Another server is not followed.', RELAY],
  'relay-refused': ['The relay refused', 'It does not do what a call needs.', RELAY],
  'relay-malformed': ['The relay is none', 'What it answers is not TURN.', RELAY],
  'relay-failed': ['The relay could not be used', 'The other end had no memory, or no randomness.', 'Call again.'],
  // Doors
  'peer-refused': ['The other end refused the call', 'One of its own checks failed, and it ended the call.', ALARM],
  'seal-malformed': ['A message could not be read', 'What arrived is not what an end of this call sends.', ALARM],
  'seal-no-epoch': ['A message came too early', 'It arrived before keys were agreed, which no honest server does.', ALARM],
  'seal-reflected': ['A message came back', 'The server returned one of our own messages as if it were the other end’s.', ALARM],
  'seal-replayed': ['A message came twice', 'Somebody between the two ends repeated it.', ALARM],
  'seal-gap': ['A message is missing', 'Somebody between the two ends dropped it or changed the order.',
    'Join again. If it happens again, do not use this server.'],
  'seal-spliced': ['An answer to another offer', 'Somebody between the two ends mixed two calls.', ALARM],
  'seal-altered': ['A message was altered', 'It was changed on its way, or the other end holds another link.', ALARM],
  'seal-exhausted': ['The keys are used up', 'So many messages were never meant for one call.', 'Join again.'],
  'fingerprint-missing': ['No fingerprint', 'The other end named no certificate, so nothing would tell it from an impostor.', ALARM],
  'fingerprint-weak': ['The fingerprint is too weak', 'The other end offers only SHA-1 or older, which can be forged.',
    UPDATE],
  'fingerprint-several': ['Several fingerprints', 'The other end named more than one certificate; which would count is unclear.', ALARM],
  'fingerprint-malformed': ['The fingerprint is damaged', 'It is not a digest of the kind it says.', ALARM],
  'fingerprint-changed': ['The fingerprint changed', 'In mid-call the other end named another certificate.', ALARM],
  'fingerprint-mismatch': ['The fingerprint does not match',
    'The certificate seen in the handshake is not the one that came sealed: somebody sits between the two ends.', ALARM],
  'fingerprint-unseen': ['No certificate was shown', 'The browser says it is connected and shows no certificate.', 'Join again.'],
  'sdes': ['Keys in the open', 'The other end wants to send media keys as text (SDES). That is refused.',
    UPDATE],
  'profile': ['Unprotected media', 'The other end offers media without DTLS-SRTP. That is refused.',
    UPDATE],
  'sdp-too-large': ['A description is too large', 'What the other end said about its media goes over a limit.', UPDATE],
  'rtcp-mux-missing': ['Media and reports on two ports', 'The other end cannot send both over one path.', UPDATE],
  'bundle-missing': ['Media on several paths', 'The other end cannot send all media over one path.', UPDATE],
  'setup': ['No role in the handshake', 'An end did not say which of the two begins.', UPDATE],
  'ice-credentials': ['No credentials for the path', 'An end’s ICE credentials are missing or too short.', UPDATE],
  'answer-mismatch': ['An answer that fits no offer', 'An end answered something that was not offered.', UPDATE],
  'wrong-state': ['A description out of turn', 'An end said something that was not its turn to say.', 'Join again.'],
  'key-weak': ['The key is too weak', 'The certificate of an end has a key that can be broken.', UPDATE],
  'sdp-malformed': ['A description could not be read', 'What the other end said about its media makes no sense.', 'Join again.'],
  'dtls-failed': ['The handshake failed',
    'The browser refused the certificate at the other end, which was not the promised one, or the two could not agree on keys.',
    'Join again. If it happens again, ' + ALARM.charAt(0).toLowerCase() + ALARM.slice(1)],
  'dtls-old': ['The encryption is too old', 'The other end speaks a DTLS version below 1.2.', UPDATE],
  'srtp-null': ['Media would not be encrypted', 'The handshake agreed on a cipher that does not encrypt.', ALARM],
  // The other person
  'sas-order': ['The comparison was out of order', 'The other end did not keep to the order in which the two agree on pictures.', ALARM],
  'sas-commitment': ['The comparison was tampered with', 'The other end did not keep to the number that it had bound itself to.', ALARM],
  'sas-reflected': ['Your own number came back', 'The other end has this end’s certificate, or said this end’s number.', ALARM],
  'sas-different': ['The pictures are different', 'You and the other person did not see the same: somebody may sit between the two of you.', ALARM],
  'sas-missing': ['The other end wanted to compare', 'It did not hear from this page what is to be compared, and ended the call.', 'Reload the page, and call again.'],
  'identity-refused': ['The introduction was refused',
    'What the other end said of its key was made for another call, or is not signed with that key.', ALARM],
  'identity-alarm': ['Not who you expected', 'The other end did not show the key of the one whom you expected, and the call was ended for it.',
    'Ask that person over another way before you call again.'],
  // Policies
  'policy-unreadable': ['The policy cannot be read', 'The server asks for something that this end does not know.',
    'Reload this page, or ask who runs the server.'],
  'policy-conflict': ['Two policies exclude each other', 'What this end allows and what the server allows have nothing in common.',
    'Allow in one of them what the other asks for.'],
  'policy-tls-min': ['The TLS version is too low for the policy', 'The connection to the server is older than the policy allows.',
    'Ask who runs the server for a newer one, or for a policy that it meets.'],
  'policy-tls-groups': ['The key exchange with the server is not allowed', 'The policy does not allow the group in which the keys of that connection were agreed on.',
    'Have the server offer a group that is allowed.'],
  'policy-seal': ['There is no seal', 'The policy asks for sealed signaling.',
    'Use an end that seals.'],
  'policy-dtls-min': ['The DTLS version is too low for the policy', 'The handshake between the two ends is older than the policy allows, or this end cannot see its version.',
    'Update the older of the two ends, or ask for less.'],
  'policy-dtls-groups': ['The key exchange is not allowed', 'The policy does not allow the group in which the keys of the call were agreed on, or this end cannot see it.',
    'Browsers do not show the group: call with the Sotto program, or leave that rule out.'],
  'policy-srtp-profiles': ['The encryption of media is not allowed', 'The policy does not allow the SRTP profile that the two ends agreed on, or this end cannot see it.',
    'Use ends that both have a profile that is allowed.'],
  'policy-relay-only': ['Packets do not go through a relay', 'The policy asks for a relay.',
    'Ask who runs the server for a relay (TURN).'],
  'policy-compare': ['Nobody has compared', 'The policy asks that people compare before anything goes out.',
    'Compare over another way, a telephone or a message, and say that both see the same.'],
  'policy-known-only': ['Nobody you know', 'The policy lets in only people whose key has a name at this end.',
    'Compare and remember the other end in a call without this rule, then call again.'],
  'policy-recording': ['Recording is not allowed', 'The policy forbids this end to write down or hand on what it receives.',
    'Let it out by the loudspeaker and the window alone.'],
  'browser-refused': ['The browser refused the description', 'It could not use what the other end said about its media.',
    'Join again, or try another browser.'],
};

/** @param {string} code @returns {Sentence} */
export function sentence(code) {
  const [title, text, remedy] = Object.hasOwn(SENTENCES, code) ? SENTENCES[code]
    : ['Something went wrong', 'The page met a fault that it has no words for.', 'Reload the page and try again.'];
  return { title, text, remedy };
}

/** @param {unknown} code @returns {code is string} */
export function isKnown(code) {
  return typeof code === 'string' && Object.hasOwn(SENTENCES, code);
}

/** @param {unknown} error from getUserMedia or getDisplayMedia @returns {string} */
export function deviceCode(error) {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError': case 'SecurityError': return 'permission-refused';
    case 'NotFoundError': case 'OverconstrainedError': return 'no-device';
    default: return 'device-busy';
  }
}
