"""Looks at the Alarms view of a running demo in a headless Chromium, over its debugging protocol, and uses it.

In light and dark, on a desktop and a phone, in English and French: no error in the console, no answer of 400 and more,
no request to another host, nothing wider than the page. Then by keyboard: snooze an alarm and end that, with the focus
kept. What is active in the demo at that moment is what there is to be seen: start it with `--scenario power_cut`.
"""

import argparse
import asyncio
import base64
import contextlib
import itertools
import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from demo.client import Client, until
from demo.settling import PASSWORD, USER

DASHBOARD: Final = "energy-suite-check"
SIZES: Final = {"desktop": (1400, 1000, 1), "phone": (390, 844, 2)}
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")

# What the page shows, through every shadow root; `window.find(selector)` finds there.
PROBE: Final = """
(() => {
  const walk = function* (root) {
    for (const node of root.querySelectorAll("*")) {
      yield node;
      if (node.shadowRoot) yield* walk(node.shadowRoot);
    }
  };
  window.find = (selector) => { for (const node of walk(document)) if (node.matches(selector)) return node; };
  const card = window.find("energy-suite-alarms-card");
  return { text: card?.shadowRoot?.querySelector(".content")?.innerText ?? "",
    wide: document.scrollingElement.scrollWidth > window.innerWidth };
})()
"""


class Page:
    """A page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, url: str) -> None:
        """Nothing is opened before ``open``."""
        self._socket = socket
        self._url = url
        self._session = ""
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self.problems: list[str] = []

    async def listen(self) -> None:
        """Take what the browser says, until the connection ends."""
        async for message in self._socket:
            said = message.json()
            if (answer := self._answers.pop(said.get("id"), None)) is not None:
                answer.set_result(said)
            elif (problem := self._problem(said.get("method"), said.get("params", {}))) is not None:
                self.problems.append(problem)

    def _problem(self, method: str | None, params: dict[str, Any]) -> str | None:
        match method, params:
            case "Runtime.exceptionThrown", {"exceptionDetails": details}:
                return f"exception: {details.get('exception', {}).get('description', details['text'])}"
            case "Runtime.consoleAPICalled", {"type": "error" | "warning", "args": args}:
                return f"console: {' '.join(str(arg.get('value', arg.get('description'))) for arg in args)}"
            case "Network.requestWillBeSent", {"request": {"url": url}} if not url.startswith(
                (self._url, "data:", "blob:")
            ):
                return f"request to another host: {url}"
            case "Network.responseReceived", {"response": {"status": int(status), "url": url}} if status >= 400:
                return f"{status} {url}"
        return None

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser for something. Raises RuntimeError with why not."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params, **session})
        said = await answer
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']['message']}")
        result: dict[str, Any] = said["result"]
        return result

    async def open(self, token: str) -> Self:
        """Open an empty page, logged in."""
        target = (await self.call("Target.createTarget", url="about:blank"))["targetId"]
        self._session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        for domain in ("Page", "Runtime", "Network"):
            await self.call(f"{domain}.enable")
        tokens = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 86_400,
            "expires": 9_999_999_999_999,
            "hassUrl": self._url,
            "clientId": f"{self._url}/",
            "refresh_token": "",
        }
        log_in = f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})"
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=log_in)
        return self

    async def look_like(self, size: str, scheme: str) -> None:
        """Be a desktop or a phone, in light or dark."""
        width, height, scale = SIZES[size]
        metrics = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": size == "phone"}
        await self.call("Emulation.setDeviceMetricsOverride", **metrics)
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def show(self, path: str) -> dict[str, Any]:
        """Go there, and wait until the card is drawn and stays so; what it shows."""
        await self.call("Page.navigate", url=self._url + path)
        last: list[dict[str, Any]] = []

        async def still() -> dict[str, Any] | None:
            with contextlib.suppress(RuntimeError):
                last.append(await self.evaluate(PROBE))
            return last[-1] if len(last) > 4 and last[-1]["text"] and last[-1] == last[-4] else None

        return await until(still, seconds=40, what="the card", pause=0.3)

    async def evaluate(self, source: str) -> Any:
        """What an expression is in the page."""
        answer = await self.call("Runtime.evaluate", expression=source, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return answer["result"].get("value")

    async def press(self, key: str, code: int) -> None:
        """Press a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    async def picture(self, file: Path) -> None:
        """Keep what is to be seen."""
        shot = await self.call("Page.captureScreenshot", format="png")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(base64.b64decode(shot["data"]))  # noqa: ASYNC240  nothing else is waiting


@contextlib.asynccontextmanager
async def browsing(url: str, token: str) -> AsyncIterator[Page]:
    """A page in a browser of its own. Raises FileNotFoundError where there is none."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise FileNotFoundError(f"none of {', '.join(BROWSERS)} is installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        switches = (
            "--headless=new",
            "--remote-debugging-port=0",
            f"--user-data-dir={folder}",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
        )
        browser = await asyncio.create_subprocess_exec(
            program, *switches, "about:blank", stderr=asyncio.subprocess.DEVNULL
        )
        listening: asyncio.Task[None] | None = None
        try:
            socket_url = await until(lambda: _debugger(Path(folder)), seconds=30, what="the browser")
            async with aiohttp.ClientSession() as session, session.ws_connect(socket_url, max_msg_size=0) as socket:
                page = Page(socket, url)
                listening = asyncio.create_task(page.listen())
                yield await page.open(token)
        finally:
            if listening is not None:
                listening.cancel()
            browser.terminate()
            await browser.wait()


async def _debugger(folder: Path) -> str | None:
    """Where the browser listens, once it says so."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        port, path = (folder / "DevToolsActivePort").read_text(encoding="utf-8").split()
        return f"ws://127.0.0.1:{port}{path}"
    return None


async def furnish(client: Client) -> None:
    """Make the dashboard, as a user does from the dialog; the site is there already or the card says that it is not."""
    dashboards = await client.call("lovelace/dashboards/list")
    if not any(dashboard["url_path"] == DASHBOARD for dashboard in dashboards):
        await client.call(
            "lovelace/dashboards/create",
            url_path=DASHBOARD,
            title="Energy Suite",
            mode="storage",
            show_in_sidebar=False,
        )
        config = {"strategy": {"type": "custom:energy-suite"}}
        await client.call("lovelace/config/save", url_path=DASHBOARD, config=config)


async def check_looks(page: Page, client: Client, pictures: Path) -> None:
    """Look at it in every way; the user's language is put back."""
    spoken = (await client.call("frontend/get_user_data", key="language"))["value"]
    for language, scheme, size in itertools.product(("en", "fr"), ("light", "dark"), SIZES):
        name = f"{language}-{scheme}-{size}"
        profile = {"language": language, "number_format": "language", "time_format": "language"}
        await client.call("frontend/set_user_data", key="language", value=profile)
        await page.look_like(size, scheme)
        before = len(page.problems)
        shown = await page.show(f"/{DASHBOARD}/alarms")
        await page.picture(pictures / f"alarms-{name}.png")
        if shown["wide"]:
            page.problems.append("wider than the page")
        page.problems[before:] = [f"{name}: {problem}" for problem in page.problems[before:]]
        print(f"{name}: {len(shown['text'].splitlines())} lines, {len(page.problems) - before} problems")
    await client.call("frontend/set_user_data", key="language", value=spoken)


async def check_use(page: Page) -> None:
    """Snooze the first alarm and end that, by keyboard; the focus has to stay with it."""
    row = "window.find('.active li')"
    buttons = f"{row}.querySelectorAll('button').length"
    if not await page.evaluate(f"Boolean({row})"):
        print("no active alarm: nothing was pressed")
        return
    for what in ("snoozed", "as before"):
        count = await page.evaluate(buttons)
        await page.evaluate(f"[...{row}.querySelectorAll('button')].at(-1).focus()")
        await page.press("Enter", 13)

        async def pressed(before: int = count) -> bool | None:
            return await page.evaluate(buttons) != before or None

        await until(pressed, seconds=10, what=f"an alarm that is {what}")
        if not await page.evaluate(f"{row}.contains({row}.getRootNode().activeElement)"):
            page.problems.append(f"{what}: the focus left the alarm")
        print(f"{what}: {await page.evaluate(buttons)} buttons")


async def main(options: argparse.Namespace) -> int:
    """Check everything; the exit code."""
    url = options.url.rstrip("/")
    async with Client(url) as client:
        await client.log_in(USER, PASSWORD)
        name = f"check {secrets.token_hex(4)}"
        token = await client.call("auth/long_lived_access_token", client_name=name, lifespan=1)
        try:
            await furnish(client)
            async with browsing(url, token) as page:
                await check_looks(page, client, options.pictures)
                await check_use(page)
        finally:
            for found in await client.call("auth/refresh_tokens"):
                if found["client_name"] == name:
                    await client.call("auth/delete_refresh_token", refresh_token_id=found["id"])
            await client.log_out()
    for problem in page.problems:
        print(problem, file=sys.stderr)
    return 1 if page.problems else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scripts/check_cards", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8123", help="where the demo's Home Assistant is")
    parser.add_argument("--pictures", type=Path, default=Path(".demo/pictures"), help="where pictures are kept")
    sys.exit(asyncio.run(main(parser.parse_args())))
