"""A request that an SDK sends again because it lost the answer is answered as before, not carried out twice.

On a busy machine AWS's provider for Terraform now and then closes a connection just as the answer arrives on it, which
a packet capture shows, and asks again. The second CreateRole would then find the role of the first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

INVOCATION = b"amz-sdk-invocation-id"
"""The same in every attempt of one call: docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html."""
KEPT_CALLS = 256
KEPT_BYTES = 65_536
"""Of one answer: creating something is answered with less."""


class RepeatedRequests:
    """An ASGI application that answers repeated attempts of a successful call with the answer of the first."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._answers: OrderedDict[bytes, asyncio.Future[list[Message] | None]] = OrderedDict()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answers a request."""
        invocation = dict(scope.get("headers", [])).get(INVOCATION)
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or invocation is None:
            await self._app(scope, receive, send)
            return
        earlier = self._answers.get(invocation)
        answer = None if earlier is None else await earlier
        if answer is None:
            await self._answer(invocation, scope, receive, send)
            return
        # A connection with an unread request cannot be used again.
        while (await receive()).get("more_body", False):
            pass
        for message in answer:
            await send(message)

    async def _answer(self, invocation: bytes, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        outcome: asyncio.Future[list[Message] | None] = asyncio.get_running_loop().create_future()
        self._answers[invocation] = outcome
        while len(self._answers) > KEPT_CALLS:
            self._answers.popitem(last=False)
        sent: list[Message] = []

        async def send_and_keep(message: Message) -> None:
            sent.append(message)
            await send(message)

        try:
            await self._app(scope, receive, send_and_keep)
        finally:
            outcome.set_result(sent if _may_be_repeated(sent) else None)


def _may_be_repeated(sent: list[Message]) -> bool:
    """A call that failed, for example because it was throttled, is repeated to succeed."""
    complete = len(sent) > 1 and not sent[-1].get("more_body", False)
    return (
        complete
        and 200 <= sent[0].get("status", 0) < 300
        and sum(len(message.get("body", b"")) for message in sent) <= KEPT_BYTES
    )
