/** Script of the page without a connection: loads the page that was wanted again, on a click or when there is a connection. */

const RETRY_INTERVAL = 10_000; // milliseconds; "online" is not dispatched when only the server was away

const retry = () => location.reload();
document.querySelector(".offline-retry").addEventListener("click", retry);
addEventListener("online", retry);
setInterval(() => document.visibilityState === "visible" && navigator.onLine && retry(), RETRY_INTERVAL);
