"""How fast a login may go on Kafka: quotas that brokers keep (KIP-13, KIP-124), set and read by the protocol of KIP-546.

No client that we have has a call for them, but aiokafka has what a request is made of. Each broker keeps a quota for itself: on N
brokers a login may do N times as much. Who is over it is answered, told how long to wait, and not read from until then: nothing is
lost and nobody else waits.
"""

# aiokafka declares what names a structure as properties, and its own structures set plain values, as those below.
# pyright: reportIncompatibleMethodOverride=false, reportAssignmentType=false

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DescribeClientQuotasRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from chassis.broker import Broker
from deploy.topics import administering, check

PERCENT_OF_A_CHANNEL = 50.0
"""Of one thread of a broker, which has some ten of them: far more than publishing takes, at any pace that a channel has."""
_BYTES, _PERCENT = "producer_byte_rate", "request_percentage"
_TEXT = String("utf-8")
_ENTITY = ("entity", Array(("entity_type", _TEXT), ("entity_name", _TEXT)))
_ANY_NAME = 2
"""Among the match types of a description."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What a login may cost one broker: bytes that it publishes a second, and percent of a thread's time. None is no limit."""

    bytes_per_second: float | None = None
    percent: float | None = None


NO_QUOTA = Quota()


def quota_of_channel(bytes_per_second: int) -> Quota:
    """What a channel system has."""
    return Quota(float(bytes_per_second), PERCENT_OF_A_CHANNEL)


def words_of(quota: Quota) -> str:
    """`204,800 bytes a second, 50 % of a thread`."""
    found, percent = quota.bytes_per_second, quota.percent
    return ", ".join(
        (
            "any number of bytes a second" if found is None else f"{found:,.0f} bytes a second",
            "any share of a thread" if percent is None else f"{percent:g} % of a thread",
        )
    )


async def set_quota(broker: Broker, user: str, quota: Quota) -> None:
    """Give a login these limits in place of those it has, and wait until they hold.

    Raises KafkaError when the broker does not take them, TimeoutError when it does not answer.
    """
    async with administering(broker) as admin:
        said = await _ask(admin, _AlterClientQuotas(user, quota))
        for entry in said["entries"]:
            check(entry, entry["error_message"])
        while (await _described(admin)).get(user, NO_QUOTA) != quota:  # noqa: ASYNC110  another process changes it
            await asyncio.sleep(0.05)


async def quotas(broker: Broker) -> dict[str, Quota]:
    """The limits of every login that has some of its own. Raises KafkaError, TimeoutError when the broker does not answer."""
    async with administering(broker) as admin:
        return await _described(admin)


async def _described(admin: AIOKafkaAdminClient) -> dict[str, Quota]:
    any_name: Any = ("user", _ANY_NAME, None)  # the stub asks for a text
    said = await _ask(admin, DescribeClientQuotasRequest([any_name], strict=True))
    check(said, said["error_message"])
    return dict(map(_quota, said["entries"] or ()))


def _quota(entry: Mapping[str, Any]) -> tuple[str, Quota]:
    (entity,) = entry["entity"]
    values = {each["name"]: each["value"] for each in entry["values"]}
    return entity["entity_name"], Quota(values.get(_BYTES), values.get(_PERCENT))


async def _ask(admin: AIOKafkaAdminClient, request: Request[Any]) -> dict[str, Any]:
    """Sent to any broker: the controller is told by it."""
    response: Response = await admin._send_request(request)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return response.to_object()


class _AlterClientQuotasResponse(Response):
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", _TEXT), _ENTITY)),
    )


class _AlterClientQuotasStruct(RequestStruct):
    """Version 0, which brokers know since 2.6."""

    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlterClientQuotasResponse
    SCHEMA = Schema(
        ("entries", Array(_ENTITY, ("ops", Array(("key", _TEXT), ("value", Float64), ("remove", Boolean))))),
        ("validate_only", Boolean),
    )


class _AlterClientQuotas(Request[_AlterClientQuotasStruct]):
    """Of one login, whatever its client calls itself."""

    API_KEY = 49

    def __init__(self, user: str, quota: Quota) -> None:
        told = ((_BYTES, quota.bytes_per_second), (_PERCENT, quota.percent))
        self._entries = [([("user", user)], [(key, value or 0.0, value is None) for key, value in told])]

    def build(self, request_struct_class: type[_AlterClientQuotasStruct]) -> _AlterClientQuotasStruct:
        return request_struct_class(self._entries, False)  # noqa: FBT003  "validate only"
