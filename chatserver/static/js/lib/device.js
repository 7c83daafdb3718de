/** Browser and system of a User-Agent header, as in "Firefox, Linux"; otherwise the start of the header. */

// The first match wins, because browsers also name the browsers that they are compatible with.
const BROWSERS = [
  [/Edg(?:e|A|iOS)?\//, "Edge"],
  [/OPR\/|Opera/, "Opera"],
  [/SamsungBrowser\//, "Samsung Internet"],
  [/MicroMessenger\//, "WeChat"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\/|Chromium\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux|X11/, "Linux"],
];

export function device(client) {
  const named = [BROWSERS, SYSTEMS].map((table) => table.find(([sign]) => sign.test(client))?.[1]);
  return named.filter(Boolean).join(", ") || client.slice(0, 40);
}
