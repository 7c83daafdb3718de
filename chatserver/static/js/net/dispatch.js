/** Brings each frame of the server to the parts of the page that it is for. Replies went to who asked. */

import { Type } from "./protocol.js";
import { sessionEnded, sessionReplaced } from "./session.js";

/** `limits(facts)` hears what the server accepts, `update(version)` which page it has. */
export function deliver(frame, { feed, people, typing, services, update, limits }) {
  switch (frame.type) {
    case Type.ERROR:
      return frame.code === "other_user" ? sessionReplaced() : sessionEnded();
    case Type.GROUP_LIST:
      return people.replaceOnline(frame.data);
    case Type.WELCOME:
      limits(frame.limits ?? {});
      update(frame.page);
      feed.welcome(frame);
      return services.call("welcome", frame);
    case Type.PRESENCE:
      return people.change(frame);
    case Type.GROUP_CHAT:
    case Type.SINGLE_CHAT:
      people.meet(frame.user);
      typing.stopped(frame);
      feed.receive(frame);
      return services.call("messageReceived", frame);
    case Type.EDIT:
    case Type.DELETE:
      feed.receive(frame);
      return services.call("messageChanged", frame);
    case Type.REACT:
      return feed.receive(frame);
    case Type.ROOM:
      people.meet(frame.user, ...(frame.users ?? []));
      return feed.receive(frame);
    case Type.TYPING:
      return typing.started(frame);
    case Type.READ:
      return feed.readBy(frame);
    default:
      return undefined; // of a later version
  }
}
