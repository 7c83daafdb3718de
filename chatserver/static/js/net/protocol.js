/** Message types and close codes, as in chatserver/protocol/ and chatserver/errors.py. */

export const Type = Object.freeze({
  ERROR: 0,
  GROUP_LIST: 1,
  GROUP_CHAT: 2,
  SINGLE_CHAT: 3,
  REPLY: 4,
  WELCOME: 5,
  PRESENCE: 6,
  HISTORY: 7,
  TYPING: 8,
  READ: 9,
  EDIT: 10,
  DELETE: 11,
  REACT: 12,
  ROOM: 13,
  RENEW: 14,
  HEARTBEAT: 15,
  VISIBLE: 18,
  NOTIFICATIONS: 19,
});

/** Close codes of the server. 40xx: reconnect. 41xx: do not reconnect automatically. */
export const CloseCode = Object.freeze({
  RESTARTING: 4001,
  TOO_SLOW: 4002,
  OVERLOADED: 4003,
  SILENT: 4004,
  SESSION_INVALID: 4101,
  ACCOUNT_CLOSED: 4102,
  ABUSE: 4103,
});

export const LOBBY = 1;
export const HISTORY_LIMIT = 500; // events in one page
export const PAGE_SIZE = 50; // messages that are loaded at once

/** Whether an event is shown as a message. */
export const isMessage = ({ type }) => type === Type.GROUP_CHAT || type === Type.SINGLE_CHAT;

/** Whether an event changes a message, its `target`. */
export const isChange = ({ type }) => type === Type.EDIT || type === Type.DELETE || type === Type.REACT;

/** Whether an event is shown as a notice between the messages. */
export const isNotice = ({ type }) => type === Type.ROOM;
