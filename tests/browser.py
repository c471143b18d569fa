"""A headless Chromium for the tests of pages: Debian's chromium and chromium-driver, driven by selenium.

Where one of them is missing, what asks for ``browser`` skips and says which. No test downloads a browser, a driver or axe.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

WIDE, PHONE = (1280, 900), (390, 844)  # a window of either kind, in CSS pixels


class Page:
    """A browser with one page open: what it logs and asks for is kept, and can be checked at the end of a test.

    driver: selenium's own, for everything that is not here.
    """

    def __init__(self, driver: Any):
        self.driver = driver
        # Without it a page that the system has not put in front gets no event of a focus.
        self.command("Emulation.setFocusEmulationEnabled", enabled=True)

    def open(self, file: Path, fragment: str = "", *, size: tuple[int, int] = WIDE, scheme: str = "light") -> "Page":
        """Open a file in a fresh tab of that size, with ``prefers-color-scheme`` light or dark. ``fragment`` follows the #."""
        self.shaped(size, scheme)
        self.driver.get("about:blank")  # otherwise another fragment of the same file does not load it again
        self.log()
        self.requests()
        self.driver.get(file.resolve().as_uri() + (f"#{fragment}" if fragment else ""))
        return self

    def shaped(self, size: tuple[int, int] = WIDE, scheme: str = "light") -> None:
        """Give the window that size, and those colours."""
        width, height = size
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, program: str, *arguments: Any) -> Any:
        """What a function body in JavaScript returns; a promise is waited for."""
        body = f"const done = arguments[arguments.length - 1]; (async (...args) => {{ {program} }})(...arguments).then("
        said = self.driver.execute_async_script(
            body + "value => done({value}), error => done({error: String(error && error.stack || error)}));", *arguments
        )
        if "error" in said:
            raise AssertionError(said["error"])
        return said.get("value")

    def keys(self, *keys: str) -> None:
        """Press keys one after the other, on whatever has the focus: names of ``selenium.webdriver.Keys``, or characters."""
        from selenium.webdriver import ActionChains, Keys

        for key in keys:
            ActionChains(self.driver).send_keys(getattr(Keys, key, key)).perform()

    def typed(self, key: str, times: int) -> None:
        """Press one key so many times, in one go."""
        from selenium.webdriver import ActionChains, Keys

        ActionChains(self.driver).send_keys(getattr(Keys, key, key) * times).perform()

    def log(self) -> list[str]:
        """What the console has said since the last call, errors of scripts and of the page's policy included."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address that the page has asked for since the last call, but for data that it holds itself."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                parameters = message["params"]
                found.append(parameters["request"]["url"] if "request" in parameters else parameters["url"])
        return [url for url in found if not url.startswith(("data:", "about:", "blob:"))]

    def accessibility(self, *, worst: tuple[str, ...] = ("serious", "critical")) -> list[str]:
        """What axe finds that is as bad as ``worst``: rule, element and what to do. Skips where axe-core is not at hand."""
        self.command("Page.setBypassCSP", enabled=True)
        self.driver.execute_script(axe())
        found = self.run("return (await axe.run(document, {resultTypes: ['violations']})).violations")
        return [
            f"{rule['id']} ({rule['impact']}): {node['html'][:160]}: {node['failureSummary']}"
            for rule in found
            if rule["impact"] in worst
            for node in rule["nodes"]
        ]

    def picture(self, path: Path, *, whole: bool = True) -> Path:
        """A PNG of the page as it stands, below the fold too if ``whole``."""
        import base64

        shown = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shown["data"]))
        return path

    def printed(self, path: Path) -> Path:
        """A PDF of the page as A4 paper shows it."""
        import base64

        shown = self.command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=True)
        path.write_bytes(base64.b64decode(shown["data"]))
        return path


def axe() -> str:
    """axe-core's source, from ``BPNN_AXE`` or where npm puts a package for everybody. Skips where it is in neither place."""
    places = [
        os.environ.get("BPNN_AXE", ""),
        *(f"{root}/lib/node_modules/axe-core/axe.min.js" for root in ("/usr", "/usr/local")),
    ]
    for place in places:
        if place and Path(place).is_file():
            return Path(place).read_text("utf-8")
    pytest.skip("axe-core is not installed: npm install --global axe-core, or its axe.min.js as BPNN_AXE")


def started() -> Page:
    """A headless Chromium. Skips, with the command that mends it, where it, its driver or selenium is missing."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("no chromium with chromedriver on the path: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="selenium is not installed: pip install 'bpnn-jax[dev]'"
    )
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--lang=en",
    ):
        options.add_argument(argument)
    # What Chromium itself would ask for has nothing to do with the page.
    for argument in (
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--no-default-browser-check",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    page = Page(webdriver.Chrome(options=options, service=service))
    page.driver.set_script_timeout(60)
    return page
