"""Path of Chromium: tests take about half the time with the build without windows."""

import shutil

CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
