"""Headless Chromium as a process, driven over the DevTools protocol."""

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-port=0"),
)
PATIENCE: Final = 60.0


class Tab:
    """One page, and all that the browser complained of meanwhile."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._sent = 0
        self._loaded = False
        self.complaints: list[str] = []
        """Console messages, errors and refused loads."""
        self.requested: list[str] = []
        """Addresses that were asked for."""

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._sent += 1
        await self._socket.send_json({"id": self._sent, "method": method, "params": params})
        while True:
            message = await self._read()
            if message.get("id") == self._sent:
                assert "error" not in message, message
                return dict(message["result"])

    async def open(self, url: str) -> None:
        """Go there, and wait until all is loaded."""
        self._loaded = False
        await self.call("Page.navigate", url=url)
        await self.loaded()

    async def loaded(self) -> None:
        """Wait for the end of a navigation that was begun."""
        while not self._loaded:
            await self._read()

    async def value(self, expression: str) -> Any:
        """Return what a script says about the page."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def submit(self, expression: str) -> None:
        """Run a script that leads to another page, and wait for that."""
        self._loaded = False
        await self.value(expression)
        await self.loaded()

    async def size(self, width: int, height: int, *, phone: bool = False) -> None:
        """Set the size of the window."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )

    async def scheme(self, value: str) -> None:
        """Prefer ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": value}]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def screenshot(self) -> bytes:
        """Return what is seen as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])

    async def _read(self) -> dict[str, Any]:
        message: dict[str, Any] = orjson.loads((await self._socket.receive(timeout=PATIENCE)).data)
        params = message.get("params", {})
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])
            case "Log.entryAdded":
                self.complaints.append(params["entry"]["text"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Page.javascriptDialogOpening":
                self.complaints.append(str(params))
            case _:
                pass
        return message


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Tab]:
    """Run Chromium with a profile in *folder* while the context lasts."""
    program = shutil.which("chromium") or "chromium"
    process = await asyncio.create_subprocess_exec(
        *(program, *FLAGS, f"--user-data-dir={folder}", "about:blank"), stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        said = b""
        while b"DevTools listening on " not in said:
            said = await asyncio.wait_for(process.stderr.readline(), PATIENCE)
            assert said, "Chromium ended"
        draining = asyncio.create_task(process.stderr.read())
        address = said.decode().split()[-1].replace("ws://", "http://").partition("/devtools")[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{address}/json/list") as response:
                pages = [each for each in await response.json() if each["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                for domain in ("Page", "Network", "Log", "Runtime"):
                    await tab.call(f"{domain}.enable")
                yield tab
        draining.cancel()
    finally:
        process.terminate()
        await process.wait()
