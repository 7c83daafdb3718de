// The logic of the system that this project grew from: a relay that finds people by looking at all sockets.
import { createServer } from "node:http";
import { WebSocketServer, WebSocket } from "ws";
import { bearer, listening, nameOf, port, tellsWhoIsHere } from "./settings.js";

const server = createServer();
const wss = new WebSocketServer({ noServer: true });

server.on("upgrade", (request, socket, head) => {
  let name;
  try {
    name = nameOf(bearer(request.headers.authorization));
  } catch {
    return socket.destroy();
  }
  wss.handleUpgrade(request, socket, head, (ws) => welcome(ws, name));
});

function welcome(ws, name) {
  ws.user = name;
  ws.on("message", (bytes) => relay(ws, JSON.parse(bytes)));
  ws.on("close", tellWhoIsHere);
  if (tellsWhoIsHere) tellWhoIsHere();
  else ws.send(JSON.stringify({ type: 1, data: [name] }));
}

function relay(from, message) {
  const text = JSON.stringify({ ...message, user: from.user });
  if (message.type === 2) sendTo((ws) => ws !== from, text);
  if (message.type === 3) sendTo((ws) => ws.user === message.to, text);
}

function sendTo(isMeant, text) {
  for (const ws of wss.clients) {
    if (isMeant(ws) && ws.readyState === WebSocket.OPEN) ws.send(text);
  }
}

function tellWhoIsHere() {
  if (!tellsWhoIsHere) return;
  const names = [...wss.clients].map((ws) => ws.user);
  sendTo(() => true, JSON.stringify({ type: 1, data: names }));
}

server.listen(port, "127.0.0.1", 4096, listening);
