// The same relay with µWebSockets, in its own words: topics, to which it publishes in C++.
import uws from "@trufflesuite/uws-js-unofficial";
import { bearer, listening, nameOf, port, tellsWhoIsHere } from "./settings.js";

const everybody = new Map();
const decoder = new TextDecoder();

function tellWhoIsHere() {
  if (tellsWhoIsHere) app.publish("all", JSON.stringify({ type: 1, data: [...everybody.values()] }));
}

const app = uws.App().ws("/*", {
  compression: uws.DISABLED,
  idleTimeout: 120,
  maxBackpressure: 64 * 1024 * 1024,
  upgrade(response, request, context) {
    let user;
    try {
      user = nameOf(bearer(request.getHeader("authorization")));
    } catch {
      return response.writeStatus("401 Unauthorized").end();
    }
    response.upgrade(
      { user },
      request.getHeader("sec-websocket-key"),
      request.getHeader("sec-websocket-protocol"),
      request.getHeader("sec-websocket-extensions"),
      context,
    );
  },
  open(ws) {
    everybody.set(ws, ws.user);
    ws.subscribe("all");
    ws.subscribe(`to/${ws.user}`);
    if (tellsWhoIsHere) tellWhoIsHere();
    else ws.send(JSON.stringify({ type: 1, data: [ws.user] }));
  },
  message(ws, bytes) {
    const message = JSON.parse(decoder.decode(bytes));
    const text = JSON.stringify({ ...message, user: ws.user });
    if (message.type === 2) ws.publish("all", text);
    if (message.type === 3) app.publish(`to/${message.to}`, text);
  },
  close(ws) {
    everybody.delete(ws);
    tellWhoIsHere();
  },
});

app.listen("127.0.0.1", port, (socket) => {
  if (!socket) process.exit(1);
  listening();
});
