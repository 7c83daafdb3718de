/**
 * Evaluates the self-check of the server. Returns a list of `{ title, verdict, text }`; `verdict` is good, fair or bad.
 *
 * `server`: the response of /api/admin/check; `page`: origin, secure, notifications; `socket`: round-trip time in
 * milliseconds, null if the WebSocket failed; `clock`: milliseconds by which the server's clock is ahead.
 */

import { _, ngettext } from "./i18n.js";
import { joinSentences } from "./text.js";

const MB = 1_000_000;
const SLOW_ROUND_TRIP = 500; // milliseconds
const CLOCK_TOLERANCE = 5; // seconds
const MAX_CLOCK_OFFSET = 60; // seconds
const LOW_DISK = 2000 * MB; // bytes; less is a warning
const CRITICAL_DISK = 500 * MB; // bytes; less is a problem
const LONG_QUEUE = 1000; // messages
const LOOPBACK = /^https?:\/\/(localhost|127\.|\[::1\])/;
const PRIVATE_NETWORK = /^http:\/\/(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|[^/]+\.(local|lan|home))/;

export function checks({ server, page, socket, clock }) {
  return [
    webSocket(socket),
    tls(page),
    address(server, page),
    proxy(server, page),
    notifications(page),
    clocks(clock),
    disk(server),
    durability(server),
    revision(server),
    queue(server),
    connections(server),
  ];
}

const result = (title, verdict, text) => ({ title, verdict, text });

function webSocket(socket) {
  const title = _("Live connection");
  if (socket === null) {
    return result(title, "bad", _("The WebSocket connection fails. The proxy must forward the headers Upgrade and Connection for /ws."));
  }
  const values = { ms: Math.max(1, Math.round(socket)) };
  if (socket > SLOW_ROUND_TRIP) return result(title, "fair", _("Latency: %(ms)s ms. Chatting will feel slow from here.", values));
  return result(title, "good", _("Latency: %(ms)s ms.", values));
}

function tls({ origin }) {
  const title = _("Encryption");
  if (origin.startsWith("https:")) return result(title, "good", _("The connection is encrypted."));
  if (LOOPBACK.test(origin)) return result(title, "good", _("You are on the server's own machine, where encryption is not needed."));
  if (PRIVATE_NETWORK.test(origin)) {
    return result(title, "fair", _("Anyone on this network can read your messages. Put a proxy with TLS in front, or set server.tls_cert."));
  }
  return result(title, "bad", _("Passwords and messages cross the network unencrypted. Put a proxy with TLS in front, or set server.tls_cert."));
}

function address({ origin: seen, public_url: configured, addresses = [] }, { origin }) {
  const title = _("Address");
  if (configured && configured !== origin) {
    return result(title, "bad", _("server.public_url is %(configured)s, but you opened %(origin)s: logging in fails here.", { configured, origin }));
  }
  if (!configured && seen !== origin) {
    return result(title, "bad", _("You opened %(origin)s, but the server sees %(seen)s. Set server.public_url.", { origin, seen }));
  }
  if (LOOPBACK.test(origin)) return loopback(title, addresses, origin);
  if (configured) return result(title, "good", _("You opened %(origin)s, which matches server.public_url.", { origin }));
  return result(title, "good", _("Invitation links start with %(origin)s.", { origin }));
}

/** The page was opened with an address that only this computer can reach. */
function loopback(title, [first], origin) {
  if (first) return result(title, "good", _("You opened %(origin)s. Invitation links start with %(first)s, which other devices on this network can reach.", { origin, first }));
  return result(title, "fair", _("Other devices cannot reach %(origin)s. Start the server with --lan, or set server.public_url.", { origin }));
}

function proxy({ forwarded, trusted, secure }, { origin }) {
  const title = _("Proxy");
  if (forwarded && !trusted) {
    return result(title, "bad", _("A proxy that is not trusted is in front of the server: all visitors share its address. List it in server.trusted_proxies."));
  }
  if (origin.startsWith("https:") && !secure) {
    return result(title, "bad", _("The proxy does not report that you use https. Configure it to send X-Forwarded-Proto, and list it in server.trusted_proxies."));
  }
  if (trusted) return result(title, "good", _("The proxy is trusted, so the server sees the visitors' own addresses."));
  return result(title, "good", _("No proxy detected."));
}

function notifications({ secure, notifications: permission }) {
  const title = _("Notifications");
  if (!secure) return result(title, "fair", _("Browsers support notifications on https only."));
  if (permission === "denied") return result(title, "fair", _("This browser blocks notifications for this site."));
  if (!permission) return result(title, "fair", _("This browser does not support notifications."));
  return result(title, "good", _("This browser can show notifications."));
}

function clocks(clock) {
  const title = _("Clock");
  const seconds = Math.round(Math.abs(clock) / 1000);
  if (seconds < CLOCK_TOLERANCE) return result(title, "good", _("The clocks of the server and this device agree."));
  const text = clock > 0 ? _("The server is %(seconds)s s ahead of this device.", { seconds }) : _("The server is %(seconds)s s behind this device.", { seconds });
  return result(title, seconds < MAX_CLOCK_OFFSET ? "fair" : "bad", joinSentences(text, _("Set both clocks from the network.")));
}

function disk({ disk_free: free }) {
  const title = _("Disk");
  const text = _("%(size)s free on the data disk.", { size: size(free) });
  if (free > LOW_DISK) return result(title, "good", text);
  return result(title, free > CRITICAL_DISK ? "fair" : "bad", joinSentences(text, _("Free up space: on a full disk no message can be stored.")));
}

function durability({ database, durability: level, database_bytes: bytes }) {
  const title = _("Database");
  const text = _("%(kind)s, %(size)s.", { kind: database === "sqlite" ? "SQLite" : "MySQL", size: size(bytes) });
  if (level === "full") return result(title, "good", joinSentences(text, _("Acknowledged messages are on disk.")));
  if (level === "unknown") return result(title, "bad", _("The database does not answer."));
  return result(title, "bad", joinSentences(text, _("A power cut may lose messages. Set innodb_flush_log_at_trx_commit=1 and sync_binlog=1.")));
}

function revision({ revision: found, newest_revision: newest }) {
  const title = _("Database schema");
  if (found === newest) return result(title, "good", _("The schema matches this version."));
  return result(title, "bad", _("The schema does not match this version. Restart the server to update it."));
}

function queue({ storing, waiting }) {
  const title = _("Message storage");
  if (!storing) return result(title, "bad", _("Messages cannot be stored right now. The server's log says why."));
  if (waiting === 0) return result(title, "good", _("No messages are waiting to be stored."));
  const text = ngettext("%(num)s message is waiting to be stored.", "%(num)s messages are waiting to be stored.", waiting);
  if (waiting > LONG_QUEUE) return result(title, "fair", joinSentences(text, _("The disk cannot keep up.")));
  return result(title, "good", text);
}

function connections({ connections, version }) {
  const text = ngettext("%(num)s open connection.", "%(num)s open connections.", connections);
  return result(_("Server"), "good", `chatserver ${version} · ${text}`);
}

function size(bytes) {
  return bytes >= 1000 * MB ? `${(bytes / MB / 1000).toFixed(1)} GB` : `${(bytes / MB).toFixed(1)} MB`;
}
