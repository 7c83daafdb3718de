/**
 * Lighthouse over some pages, in a Chromium that has the session of a reader.
 *
 * node measure.mjs CHROMIUM COOKIE ADDRESS… prints a line of JSON for each address and form: {page, form,
 * scores: {category: 0 to 100}, faults: [what was found]}. COOKIE is name=value.
 */

import lighthouse, { desktopConfig } from "lighthouse";
import { launch } from "puppeteer-core";

const CATEGORIES = ["performance", "accessibility", "best-practices"];
const FORMS = { phone: undefined, desktop: desktopConfig }; // a phone is Lighthouse's own default

const [executablePath, cookie, ...addresses] = process.argv.slice(2);
const browser = await launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  const [name, value] = cookie.split("=");
  await browser.setCookie({ name, value, domain: new URL(addresses[0]).hostname });
  for (const address of addresses) {
    for (const form of Object.keys(FORMS)) console.log(JSON.stringify(await look(address, form)));
  }
} finally {
  await browser.close();
}

async function look(address, form) {
  const page = await browser.newPage();
  const options = { onlyCategories: CATEGORIES, logLevel: "error" };
  const { lhr } = await lighthouse(address, options, FORMS[form], page);
  await page.close();
  if (lhr.finalDisplayedUrl !== address) throw new Error(`${address} led to ${lhr.finalDisplayedUrl}`);
  const scores = Object.entries(lhr.categories).map(([key, { score }]) => [key, Math.round(100 * score)]);
  const short = Object.values(lhr.audits).filter(({ score }) => score !== null && score < 0.9);
  const faults = short.map(({ title, displayValue }) => [title, displayValue].filter(Boolean).join(": "));
  return { page: new URL(address).pathname, form, scores: Object.fromEntries(scores), faults };
}
