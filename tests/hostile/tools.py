"""External scanners, run against a server; the result of each is one sentence.

They are installed in TOOLS, slowhttptest by the distribution.
"""

import asyncio
import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import aiohttp

TOOLS = Path(os.environ.get("HOSTILE_TOOLS", ".venv/hostile/bin")).absolute()
SQLMAP = "--batch --flush-session --ignore-code=* --timeout 3".split()
THOROUGH = "--level 2 --risk 2 --technique=BEU".split()
ON_A_SOCKET = "--level 1 --technique=B".split()  # a request takes three seconds
WAPITI = "sql,xss,permanentxss,csp,http_headers,cookieflags,csrf,exec,file,crlf,redirect"
NOTHING = "nothing"
TIMEOUT = 600  # seconds


@dataclass(frozen=True)
class Place:
    """A place with input: URL and data."""

    name: str
    url: str
    data: str = ""
    method: str = ""


async def run(*command: str, cwd: Path) -> str:
    """Return the output, including errors."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(TIMEOUT):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return output.decode(errors="replace")


async def conformance(url: str, folder: Path) -> str:
    """Return the results of Autobahn's cases, without compression and very long ones."""
    left_out = [part for case in ("9.*", "12.*", "13.*") for part in ("-x", case)]
    said = await run(
        str(TOOLS / "kosoku"), "-m", "fuzzingclient", *left_out, "-o", "cases", url, cwd=folder
    )
    reports = list((folder / "cases").rglob("index.json"))
    assert reports, said
    (agent,) = json.loads(reports[0].read_text()).values()
    verdicts = Counter(case["behavior"] for case in agent.values())
    wrong = [name for name, case in agent.items() if case["behavior"] == "FAILED"]
    summary = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    return f"{len(agent)} cases: {summary}" + (f" ({', '.join(wrong)})" if wrong else "")


async def injection(place: Place, token: str, folder: Path) -> str:
    """Return what sqlmap found in one place."""
    options = ["--data", place.data] if place.data else []
    options += ["--method", place.method] if place.method else []
    options += ["--headers", f"Authorization: Bearer {token}"] if token else []
    if place.data.startswith("{"):
        options[-1] += "\nContent-Type: application/json"
    options += ON_A_SOCKET if place.url.startswith("ws") else THOROUGH
    said = await run(
        str(TOOLS / "sqlmap"), "-u", place.url, *options, *SQLMAP, "--output-dir=sqlmap", cwd=folder
    )
    if "is vulnerable" in said or "identified the following injection point" in said:
        return "a hole"
    assert "do not appear to be injectable" in said, said
    return NOTHING


async def scan(url: str, cookie: str, folder: Path) -> str:
    """Return the vulnerabilities that wapiti found on the pages of a member."""
    report = folder / "wapiti.json"
    said = await run(
        str(TOOLS / "wapiti"),
        *("-u", f"{url}/index", "--flush-session", "--scope", "folder", "-m", WAPITI, "-d", "3"),
        *("--max-scan-time", "180", "--no-bugreport", "-v", "0", "-H", f"Cookie: {cookie}"),
        *("-x", f"{url}/logout", "-f", "json", "-o", str(report)),
        cwd=folder,
    )
    assert report.exists(), said
    found = json.loads(report.read_text())["vulnerabilities"]
    holes = [f"{kind}: {one['path']} {one['info']}" for kind, all_ in found.items() for one in all_]
    pages = json.loads(report.read_text())["infos"]["crawled_pages_nbr"]
    return "; ".join(holes) or f"{NOTHING}, on {pages} pages"


async def slowly(url: str, mode: list[str], folder: Path) -> str:
    """Return whether others were served during many very slow connections."""
    slow = ["-c", "400", "-r", "100", "-i", "5", "-l", "25", "-p", "3"]
    attack = asyncio.create_task(run("slowhttptest", *slow, *mode, cwd=folder))
    longest, failed = 0.0, 0
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(3)) as http:
        while not attack.done():
            started = asyncio.get_running_loop().time()
            try:
                async with http.get(f"{url}/readyz") as answer:
                    failed += answer.status != 200
            except (aiohttp.ClientError, TimeoutError):
                failed += 1
            longest = max(longest, asyncio.get_running_loop().time() - started)
            await asyncio.sleep(0.1)
    said = re.sub(r"\x1b\[[\d;]*\w", "", await attack)
    looks = Counter(re.findall(r"service available:\s*(\w+)", said))
    assert looks, said[-2000:]
    summary = "available throughout" if set(looks) == {"YES"} else f"available: {dict(looks)}"
    return f"{summary}; longest response to other clients {longest * 1000:.0f} ms, {failed} failed"
