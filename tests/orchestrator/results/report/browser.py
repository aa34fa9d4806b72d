"""A headless Chromium that notes what a page asks for and what it complains of."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
_SECONDS = 30
_OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--force-prefers-reduced-motion")
_DRAWN = """
    const plots = [...document.querySelectorAll(".plot")];
    return plots.every((plot) => plot.querySelector("svg") || plot.textContent);
"""


class Browser:
    """One page at a time.

    Args:
        driver: The browser.
    """

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def open(self, file: Path, *, width: int = 1000, dark: bool = False) -> None:
        """Opens a page, and returns when its plots are drawn or have failed."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        self._driver.get(file.as_uri())
        WebDriverWait(self._driver, _SECONDS).until(lambda driver: driver.execute_script(_DRAWN))

    def run(self, script: str) -> Any:
        """Returns what a script in the page returns."""
        return self._driver.execute_script(script)

    def command(self, name: str, **values: Any) -> Any:
        """Returns the answer of a command of the DevTools protocol."""
        return self._driver.execute_cdp_cmd(name, values)

    def press_tab(self) -> None:
        """Presses the tabulator key."""
        for kind in ("rawKeyDown", "keyUp"):
            key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
            self.command("Input.dispatchKeyEvent", type=kind, **key)

    def requests(self) -> list[str]:
        """Returns the addresses that pages have asked for since the last call."""
        entries = [json.loads(each["message"])["message"] for each in self._log("performance")]
        sent = [each for each in entries if each["method"] == "Network.requestWillBeSent"]
        return [each["params"]["request"]["url"] for each in sent]

    def complaints(self) -> list[str]:
        """Returns what the console says since the last call, breaches of the policy included."""
        return [str(each["message"]) for each in self._log("browser")]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._driver.get_log(kind)  # type: ignore[no-untyped-call]
        return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Opens a browser; there must be one on this machine."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for option in _OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
