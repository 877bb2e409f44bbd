// The peer that `sotto serve` is measured against: the same signaling on Node's https and the package ws, as one would
// write it. It checks what an envelope must be and relays it within its room; it has no limits, no resume and no page.
// usage: node --expose-gc peer.mjs CERT KEY; prints its port. SIGUSR2: collect garbage.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { WebSocketServer } from "ws";

const [cert, key] = process.argv.slice(2).map((name) => readFileSync(name));
const PING_INTERVAL = 20_000;
const ID = /^[A-Za-z0-9_-]{11}$/;
const ROOM = /^[A-Za-z0-9_-]{22}$/;
const PAYLOAD = /^[A-Za-z0-9_-]+$/;
const LIMITS = { message: 65536, rate: 50 };

const rooms = new Map(); // room id -> Map of member id -> WebSocket

function refuse(ws, code) {
  ws.send(JSON.stringify({ kind: "error", code, text: code, remedy: "" }));
}

function join(ws, message) {
  if (ws.member !== undefined || typeof message.room !== "string" || !ROOM.test(message.room)) {
    refuse(ws, "bad-message");
    return;
  }
  let room = rooms.get(message.room);
  if (room === undefined) rooms.set(message.room, (room = new Map()));
  if (room.size >= 2) {
    refuse(ws, "room-full");
    ws.close(4003);
    return;
  }
  ws.member = randomBytes(8).toString("base64url");
  ws.room = message.room;
  const { socket } = ws;
  ws.send(JSON.stringify({
    kind: "welcome", id: ws.member, members: [...room.keys()], resume: randomBytes(16).toString("base64url"),
    resumed: false, ice: [],
    tls: { version: socket.getProtocol(), cipher: socket.getCipher().standardName, group: "x25519" }, limits: LIMITS,
  }));
  const joined = JSON.stringify({ kind: "joined", id: ws.member, resumed: false });
  for (const other of room.values()) other.send(joined);
  room.set(ws.member, ws);
}

function deliver(ws, message) {
  const { to, payload } = message;
  if (typeof to !== "string" || !ID.test(to) || typeof payload !== "string" || !PAYLOAD.test(payload)) {
    refuse(ws, "bad-message");
    return;
  }
  const other = rooms.get(ws.room)?.get(to);
  if (other === undefined || other === ws) refuse(ws, "no-such-member");
  else other.send(JSON.stringify({ kind: "envelope", from: ws.member, to, payload }));
}

function leave() {
  const room = rooms.get(this.room);
  if (room === undefined) return;
  room.delete(this.member);
  if (room.size === 0) rooms.delete(this.room);
  const left = JSON.stringify({ kind: "left", id: this.member, reason: "timeout" });
  for (const other of room.values()) other.send(left);
}

function takeMessage(data, isBinary) {
  let message;
  try {
    message = isBinary ? null : JSON.parse(data.toString());
  } catch {
    message = null;
  }
  if (message?.kind === "envelope" && this.member !== undefined) deliver(this, message);
  else if (message?.kind === "join") join(this, message);
  else refuse(this, "bad-message");
}

// Finds dead connections the way that the README of ws shows.
function beat() {
  for (const ws of sockets.clients) {
    if (!ws.alive) ws.terminate();
    ws.alive = false;
    ws.ping();
  }
}

function takePong() {
  this.alive = true;
}

const server = createServer({ cert, key });
const sockets = new WebSocketServer({
  server, path: "/signal", perMessageDeflate: false, maxPayload: LIMITS.message,
  handleProtocols: (offered) => (offered.has("sotto.v1") ? "sotto.v1" : false),
});
sockets.on("connection", (ws, request) => {
  ws.socket = request.socket;
  ws.alive = true;
  ws.on("message", takeMessage);
  ws.on("pong", takePong);
  ws.on("error", () => {});
  ws.on("close", leave);
});
setInterval(beat, PING_INTERVAL);
process.on("SIGUSR2", () => globalThis.gc?.());
server.listen(0, "127.0.0.1", 4096, () => console.log(server.address().port));
