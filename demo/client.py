"""Home Assistant's REST and websocket interfaces, as the demo uses them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

import aiohttp

_LONGEST_ANSWER: Final = aiohttp.ClientTimeout(total=60)


class ClientError(Exception):
    """Home Assistant refused a request, or answered something else than it should."""


async def until[T](ask: Callable[[], Awaitable[T | None]], *, seconds: float, what: str, pause: float = 0.2) -> T:
    """Ask again and again until there is an answer. Raises TimeoutError that names `what` did not come."""
    try:
        async with asyncio.timeout(seconds):
            while (answer := await ask()) is None:  # noqa: ASYNC110  what is asked runs in another process
                await asyncio.sleep(pause)
            return answer
    except TimeoutError as error:
        raise TimeoutError(f"{what} did not come in {seconds:g} s") from error


class Client:
    """One user of one Home Assistant. `get` and `post` raise ClientError, so does `call` (websocket)."""

    def __init__(self, url: str) -> None:
        """`url` is without a slash at its end."""
        self.url = url
        self._session = aiohttp.ClientSession(timeout=_LONGEST_ANSWER)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._tokens: dict[str, Any] = {}
        self._last_id = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket:
            await self._socket.close()
        await self._session.close()

    async def answers(self, path: str) -> Any | None:
        """What is there, or None as long as nothing is."""
        try:
            async with self._session.get(self.url + path) as response:
                return await response.json() if response.status == 200 else None
        except aiohttp.ClientError, ValueError:
            return None

    async def get(self, path: str) -> Any:
        """Read something."""
        return await self._request("GET", path)

    async def post(self, path: str, **data: Any) -> Any:
        """Send something."""
        return await self._request("POST", path, json=data)

    async def upload(self, name: str, text: str) -> str:
        """Upload a file and return its id."""
        form = aiohttp.FormData()
        form.add_field("file", text.encode(), filename=name, content_type="text/plain")
        return str((await self._request("POST", "/api/file_upload", data=form))["file_id"])

    async def create_user(self, name: str, user: str, password: str, language: str) -> None:
        """Make the first user of a Home Assistant that has none."""
        await self.post(
            "/api/onboarding/users",
            name=name,
            username=user,
            password=password,
            client_id=f"{self.url}/",
            language=language,
        )

    async def log_in(self, user: str, password: str) -> None:
        """Log in as the login page does."""
        page = f"{self.url}/"
        flow = await self.post("/auth/login_flow", client_id=page, handler=["homeassistant", None], redirect_uri=page)
        step = await self.post(f"/auth/login_flow/{flow['flow_id']}", client_id=page, username=user, password=password)
        if step.get("type") != "create_entry":
            raise ClientError(f"login refused: {step.get('errors')}")
        form = {"grant_type": "authorization_code", "code": step["result"], "client_id": page}
        self._tokens = await self._request("POST", "/auth/token", data=form)
        self._socket = await self._session.ws_connect(f"{self.url}/api/websocket", max_msg_size=0)
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": self._tokens["access_token"]})
        if (await self._socket.receive_json())["type"] != "auth_ok":
            raise ClientError("the websocket refused the login")

    async def log_out(self) -> None:
        """Give the login back, so that the user's profile does not list one per start of the demo."""
        form = {"token": self._tokens.pop("refresh_token"), "action": "revoke"}
        async with self._session.post(f"{self.url}/auth/revoke", data=form):
            pass

    async def call(self, command: str, **data: Any) -> Any:
        """Send a websocket command and return its result."""
        assert self._socket is not None
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "type": command, **data})
        while True:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise ClientError(f"{command}: the connection was closed")
            answer = message.json()
            if answer.get("id") == self._last_id and answer["type"] == "result":
                if not answer["success"]:
                    raise ClientError(f"{command}: {answer['error']['message']}")
                return answer["result"]

    async def _request(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._tokens['access_token']}"} if self._tokens else {}
        try:
            async with self._session.request(method, self.url + path, headers=headers, **options) as response:
                if response.status >= 400:
                    raise ClientError(f"{method} {path}: {response.status} {await response.text()}")
                return await response.json()
        except aiohttp.ClientConnectionError as error:
            raise ClientError(f"{method} {path}: {error}") from error
