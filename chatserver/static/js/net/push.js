/**
 * Push: notifications of this browser while the page is closed. The browser subscribes at its push service, and the
 * server sends there until the session ends.
 */

import { request } from "./api.js";
import { urls } from "../ui/page.js";

const WORKER_TIMEOUT = 5_000; // milliseconds

/** Why this browser can get no pushes: "insecure", "home-screen", "unsupported", "denied"; "" if it can. */
export function pushObstacle() {
  if (!isSecureContext) return "insecure";
  if (isIos() && !isInstalled()) return "home-screen";
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) return "unsupported";
  return Notification.permission === "denied" ? "denied" : "";
}

/** iPads say that they are Macs, which have no touch screen. */
export const isIos = () =>
  /iPhone|iPad/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);

export const isInstalled = () => matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

/** Register the service worker. Returns its registration, or null. */
export async function registerWorker() {
  if (!("serviceWorker" in navigator)) return null;
  try {
    return await navigator.serviceWorker.register(urls.worker, { scope: urls.home, updateViaCache: "none" });
  } catch {
    return null; // a browser in private mode, or a certificate that is not trusted
  }
}

/** The registration of a worker that is active, or null. */
export async function activeWorker() {
  if (!("serviceWorker" in navigator)) return null;
  const timeout = new Promise((resolve) => setTimeout(resolve, WORKER_TIMEOUT, null));
  return Promise.race([navigator.serviceWorker.ready, timeout]);
}

const LEVEL = "all"; // all that the user's rules allow

/**
 * Get pushes that say `content`, unless this is so already. Returns false without a service worker. Throws
 * RequestError, or the browser's error if its push service is unreachable.
 */
export async function subscribe({ content }) {
  const worker = await activeWorker();
  if (!worker) return false;
  const { key, target } = await request("GET", urls.push);
  const subscription = await subscribed(worker.pushManager, key);
  const { endpoint, keys } = subscription.toJSON();
  const isKnown = target?.level === LEVEL && target.content === content && target.endpoint_sha256 === (await sha256(endpoint));
  if (!isKnown) await request("POST", urls.push, { endpoint, keys, level: LEVEL, content });
  return true;
}

/** Subscribe with the key of the server, again if it has changed. */
async function subscribed(manager, key) {
  const present = await manager.getSubscription();
  if (present && base64(present.options.applicationServerKey) === key) return present;
  await present?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/** Get no more pushes. */
export async function unsubscribe() {
  await request("DELETE", urls.push);
  await forgetSubscription();
}

/** End the subscription at the push service, and close the notifications: the session has ended. */
export async function forgetSubscription() {
  const worker = await navigator.serviceWorker?.getRegistration(urls.home);
  if (!worker) return;
  for (const notification of await worker.getNotifications()) notification.close();
  await (await worker.pushManager?.getSubscription())?.unsubscribe();
}

/** Send a test to this browser. Returns the outcome: see PushTest in web/responses/push.py. */
export async function sendTest() {
  return (await request("POST", urls.pushTest, {})).outcome;
}

function base64(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

async function sha256(text) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
