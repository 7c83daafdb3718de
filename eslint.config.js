/** What is checked in the browser's code and in its tests, besides that it parses. */

import noUnsanitized from "eslint-plugin-no-unsanitized";

const BROWSER = [
  "AbortController", "AudioContext", "BroadcastChannel", "CSS", "CustomEvent", "DOMParser", "Event", "EventTarget", "FormData", "Blob", "File", "HTMLElement", "Image", "ImageData", "XMLHttpRequest", "Intl", "IntersectionObserver",
  "KeyboardEvent", "MediaRecorder", "MutationObserver", "Node", "NodeFilter", "Notification", "OfflineAudioContext", "Option", "ResizeObserver", "TextDecoder", "TextEncoder",
  "URL", "URLSearchParams", "WebSocket", "WheelEvent", "addEventListener", "caches", "cancelAnimationFrame", "clearInterval",
  "atob", "btoa", "clearTimeout", "confirm", "createImageBitmap", "devicePixelRatio", "console", "crypto", "customElements", "dispatchEvent", "document", "fetch",
  "focus", "getComputedStyle", "getSelection", "history", "indexedDB", "innerHeight", "innerWidth", "isSecureContext",
  "localStorage", "location",
  "matchMedia", "navigator", "performance", "queueMicrotask", "removeEventListener", "requestAnimationFrame",
  "scrollTo", "sessionStorage", "setInterval", "setTimeout", "structuredClone", "visualViewport", "window",
];
const WORKER = ["Request", "Response", "SERVER", "clients", "registration", "skipWaiting"];
const NODE = ["Blob", "CustomEvent", "Event", "EventTarget", "Response", "TextEncoder", "URL", "clearTimeout", "console", "globalThis", "process", "setTimeout", "structuredClone"];

const globals = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

const RULES = {
  "array-callback-return": "error",
  "constructor-super": "error",
  curly: ["error", "multi-line"],
  "default-case-last": "error",
  eqeqeq: "error",
  "for-direction": "error",
  "getter-return": "error",
  "no-async-promise-executor": "error",
  "no-class-assign": "error",
  "no-compare-neg-zero": "error",
  "no-cond-assign": "error",
  "no-const-assign": "error",
  "no-constant-condition": "error",
  "no-constructor-return": "error",
  "no-debugger": "error",
  "no-dupe-args": "error",
  "no-dupe-class-members": "error",
  "no-dupe-else-if": "error",
  "no-dupe-keys": "error",
  "no-duplicate-case": "error",
  "no-duplicate-imports": "error",
  "no-empty": "error",
  "no-eval": "error",
  "no-fallthrough": "error",
  "no-implied-eval": "error",
  "no-import-assign": "error",
  "no-loss-of-precision": "error",
  "no-new-func": "error",
  "no-new-wrappers": "error",
  "no-script-url": "error",
  "no-self-assign": "error",
  "no-self-compare": "error",
  "no-template-curly-in-string": "error",
  "no-this-before-super": "error",
  "no-throw-literal": "error",
  "no-undef": "error",
  "no-unmodified-loop-condition": "error",
  "no-unreachable": "error",
  "no-unreachable-loop": "error",
  "no-unsafe-finally": "error",
  "no-unsafe-optional-chaining": "error",
  "no-unused-vars": ["error", { ignoreRestSiblings: true }],
  "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
  "no-useless-assignment": "error",
  "no-useless-escape": "error",
  "no-var": "error",
  "object-shorthand": "error",
  "prefer-const": "error",
  "use-isnan": "error",
  "valid-typeof": "error",
};

export default [
  { ignores: [".venv/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" }, plugins: { "no-unsanitized": noUnsanitized } },
  {
    files: ["chatserver/static/js/**/*.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals(BROWSER) },
    rules: {
      ...RULES,
      "max-lines-per-function": ["error", { max: 40, skipBlankLines: true, skipComments: true }],
      "no-unsanitized/method": "error",
      "no-unsanitized/property": "error",
    },
  },
  {
    files: ["chatserver/static/js/service-worker.js"],
    languageOptions: { globals: globals(WORKER) },
  },
  {
    files: ["tests/**/*.mjs", "eslint.config.js"],
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: globals(NODE) },
    rules: { ...RULES, "no-script-url": "off" },
  },
];
