/** Dispatches frames of the server by type. Replies are resolved in connection.js. */

import { Type } from "./protocol.js";
import { sessionEnded, sessionReplaced } from "./session.js";

/**
 * `services`: see Deferred; `limits(values)` receives the limits of the server, `update(version)` the version of its
 * page, `showServer(profile)` its name and logo.
 */
export function dispatch(frame, { conversations, users, typing, services, update, limits, showServer }) {
  switch (frame.type) {
    case Type.ERROR:
      return frame.code === "other_user" ? sessionReplaced() : sessionEnded();
    case Type.GROUP_LIST:
      return users.replaceOnline(frame.data);
    case Type.WELCOME:
      limits(frame.limits ?? {});
      update(frame.page);
      if (frame.server) showServer(frame.server);
      conversations.welcome(frame);
      return services.use((loaded) => welcome(loaded, frame));
    case Type.PRESENCE:
      if (frame.server) showServer(frame.server);
      return users.applyPresence(frame);
    case Type.GROUP_CHAT:
    case Type.SINGLE_CHAT:
      users.ensureLoaded(frame.user);
      typing.stopped(frame);
      conversations.receive(frame);
      return services.use(({ notifications }) => notifications.messageReceived(frame));
    case Type.EDIT:
    case Type.DELETE:
      conversations.receive(frame);
      return services.use(({ notifications }) => notifications.messageChanged(frame));
    case Type.REACT:
      return conversations.receive(frame);
    case Type.ROOM:
      users.ensureLoaded(frame.user, ...(frame.users ?? []));
      return conversations.receive(frame);
    case Type.TYPING:
      return typing.started(frame);
    case Type.READ:
      return conversations.readBy(frame);
    case Type.NOTIFICATIONS:
      return services.use(({ notifications }) => notifications.setRules(frame.rules));
    default:
      return undefined; // a type of a later protocol version
  }
}

function welcome({ renewal, notifications }, frame) {
  renewal.welcome(frame.session);
  notifications.welcomed(frame);
}
