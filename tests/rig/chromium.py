"""Path of Chromium: with the build that has no windows, the browser tests take about half the time."""

import shutil

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
