"""A page in a real browser, without a window, as it is seen on a phone.

A page cannot be inspected from outside, so a second page loads it into a frame as narrow as a
phone, looks at it, and writes down what it sees; the browser prints that page.
The browser's options: peter.sh/experiments/chromium-command-line-switches.
"""

from __future__ import annotations

import functools
import html
import json
import re
import shutil
import subprocess
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

# Where Chrome and Edge are on Windows and macOS, where they are on no PATH.
PLACES = (
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)


def find_browser() -> str | None:
    """Return the path of a Chromium, or of a browser that is made from it."""
    for name in ("chromium", "chromium-browser", "google-chrome", *PLACES):
        found = shutil.which(name)
        if found:
            return found
    return None


BROWSER = find_browser()

LOOK = """<!doctype html><meta charset="utf-8"><pre id="seen"></pre>
<iframe id="frame" style="width: 360px; height: 640px" src="{address}"></iframe>
<script>
frame.onload = () => {{
  const page = frame.contentDocument;
  seen.textContent = JSON.stringify({{
    title: page.title, width: page.scrollingElement.scrollWidth,
    pictures: [...page.images].map(img => [img.alt, img.naturalWidth, img.clientWidth]),
    rows: [...page.querySelectorAll("tr")].map(row => [...row.cells].map(cell => cell.innerText)),
    text: page.body.innerText,
    name_width: page.querySelector("td")?.offsetWidth,
    fetched: frame.contentWindow.performance.getEntriesByType("resource").length}});
}};
</script>"""


@pytest.fixture
def browser() -> str:
    if BROWSER is None:
        pytest.skip("there is no chromium here to look at the page")
    return BROWSER


def look(browser: str, address: str, folder: Path) -> dict[str, Any]:
    """Return what the browser shows of the page: title, width (pixels), pictures, and so on."""
    (folder / "look.html").write_text(LOOK.format(address=html.escape(address)), encoding="utf-8")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # A page may look into a frame only if both come from files, or both from servers.
        from_server = f"http://127.0.0.1:{server.server_port}/look.html"
        page = from_server if address.startswith("http") else (folder / "look.html").as_uri()
        shown = print_page(browser, page, folder)
        server.shutdown()
    seen = re.search(r'<pre id="seen">(.+?)</pre>', shown, re.DOTALL)
    assert seen, shown
    return json.loads(html.unescape(seen[1]))


def print_page(browser: str, address: str, folder: Path) -> str:
    """Return the page as it is after its scripts have run."""
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'user'}",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # nothing else is reached
        "--disable-web-security",
        "--disable-site-isolation-trials",
        "--allow-file-access-from-files",
        "--virtual-time-budget=20000",
        "--dump-dom",
        address,
    ]
    done = subprocess.run([browser, *words], capture_output=True, timeout=120, check=True)
    return done.stdout.decode()


def print_on_paper(browser: str, page: Path, folder: Path) -> int:
    """Print a page to a PDF next to it; return how many sheets that takes."""
    pdf = page.with_suffix(".pdf")
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'user'}",
        "--no-pdf-header-footer",
        f"--print-to-pdf={pdf}",
        page.as_uri(),
    ]
    subprocess.run([browser, *words], capture_output=True, timeout=120, check=True)
    return len(re.findall(rb"/Type\s*/Page\b", pdf.read_bytes()))
