// The same relay with socket.io, in its own words: broadcast, and a room for each person.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { listening, nameOf, port, tellsWhoIsHere } from "./settings.js";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], pingInterval: 60_000, pingTimeout: 60_000 });

io.use((socket, next) => {
  try {
    socket.data.user = nameOf(socket.handshake.auth.token);
    next();
  } catch (error) {
    next(error);
  }
});

io.on("connection", (socket) => {
  const user = socket.data.user;
  socket.join(user);
  socket.on("message", (message) => {
    const told = { ...message, user };
    if (message.type === 2) socket.broadcast.emit("message", told);
    if (message.type === 3) io.to(message.to).emit("message", told);
  });
  socket.on("disconnect", tellWhoIsHere);
  if (tellsWhoIsHere) tellWhoIsHere();
  else socket.emit("list", [user]);
});

function tellWhoIsHere() {
  if (tellsWhoIsHere) io.emit("list", [...io.sockets.sockets.values()].map((s) => s.data.user));
}

server.listen(port, "127.0.0.1", 4096, listening);
