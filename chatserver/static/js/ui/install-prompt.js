/**
 * Installing the page as an app. Browsers that can do it announce that once; the announcement is kept for a click.
 *
 * Events: `install:changed` when it becomes possible or impossible.
 */

class InstallPrompt extends EventTarget {
  #announced = null;

  /** Begin to wait for the announcement. */
  watch() {
    addEventListener("beforeinstallprompt", (event) => {
      event.preventDefault();
      this.#set(event);
    });
    addEventListener("appinstalled", () => this.#set(null));
  }

  get isPossible() {
    return this.#announced !== null;
  }

  /** Let the browser ask the user. Returns whether the user has accepted. */
  async ask() {
    const announced = this.#announced;
    if (!announced) return false;
    this.#set(null);
    await announced.prompt();
    return (await announced.userChoice).outcome === "accepted";
  }

  #set(announced) {
    this.#announced = announced;
    this.dispatchEvent(new Event("install:changed"));
  }
}

export const installPrompt = new InstallPrompt();
