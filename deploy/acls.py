"""Who may do what on Kafka, from the catalogue of topics; logins and ACLs made on a broker, and those undeclared taken away.

A producer may write its own topic, a reader may read what the catalogue says it reads, as the consumer group that bears its
name. A channel system may write its own topic, `applications.<name>.v1`, and no other. Writing and reading include describing; an idempotent producer needs no further right (KIP-679). Nobody but the
administrator makes topics, changes settings or gives rights.
"""

# confluent_kafka.admin says nowhere which of its published names it exports.
# pyright: reportPrivateImportUsage=false

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from chassis.broker import Broker
from contracts.topics import APPLICATIONS, OF_A_CHANNEL, TEMPLATES, TOPICS, Topic
from deploy.principals import BULK, OPERATOR

SECONDS = 30
ITERATIONS = 4096
"""Of SCRAM: the least that Kafka takes. Passwords are made up by machines; more iterations would defend those of people."""


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One thing that one login may do: READ or WRITE, on a TOPIC, a GROUP or a TRANSACTIONAL_ID of exactly this name.

    PREFIXED: on all whose names begin so. A topic is made by the administrator alone.
    """

    user: str
    verb: str
    kind: str
    name: str
    pattern: str = "LITERAL"

    def is_on(self, topic: str) -> bool:
        """Whether it is a right to a topic of this name."""
        same = self.name in (topic, "*") or (self.pattern == "PREFIXED" and topic.startswith(self.name))
        return self.kind == "TOPIC" and same


def rights(topics: Iterable[Topic] = TOPICS) -> frozenset[Right]:
    """Everything that anybody of the city may do."""
    known = tuple(topics)
    return frozenset(
        {Right(owner_of(topic), "WRITE", "TOPIC", topic.name) for topic in known if topic.producer}
        | {Right(reader, "READ", "TOPIC", topic.name) for topic in known for reader in topic.readers}
        | {Right(reader, "READ", "GROUP", reader) for topic in known for reader in topic.readers}
        | {Right(OPERATOR, "READ", "TOPIC", topic.name) for topic in known}
        | {
            Right(reader, "READ", "TOPIC", topic.prefix, "PREFIXED")
            for topic in TEMPLATES
            for reader in (*topic.readers, OPERATOR)
        }
        | _publishing(BULK, APPLICATIONS)
    )


def rights_of_channel(user: str) -> frozenset[Right]:
    """What a channel system may do: publish on its own topic, so that what stands there is its own. It reads nothing."""
    return _publishing(user, OF_A_CHANNEL.of(user))


def _publishing(user: str, topic: Topic) -> frozenset[Right]:
    """Also in transactions under its own name."""
    return frozenset({Right(user, "WRITE", "TOPIC", topic.name), Right(user, "WRITE", "TRANSACTIONAL_ID", user)})


def owner_of(topic: Topic) -> str:
    """The service that alone writes a topic."""
    return (topic.producer or "").strip("/")


async def give_access(broker: Broker, passwords: Mapping[str, str], wanted: frozenset[Right]) -> list[str]:
    """Set the passwords of these logins and leave each with those of `wanted` that are its own, no more.

    Returns a line for every right given or taken. Nothing is done on a broker without logins. Raises KafkaException.
    """
    if broker.security == "PLAINTEXT":
        return []
    return await asyncio.to_thread(_give_access, broker, passwords, wanted)


async def mend_access(broker: Broker, user: str, wanted: frozenset[Right]) -> list[str]:
    """The same without a password: it stays what it is. Raises KafkaException."""
    return await asyncio.to_thread(lambda: _settle(_admin(broker), [user], wanted))


async def rights_given(broker: Broker) -> frozenset[Right]:
    """Everything that anybody may do now but the administrator who asks. Raises KafkaException."""
    return await asyncio.to_thread(_rights_given, broker)


async def take_access(broker: Broker, user: str) -> None:
    """Take a login and all its rights; connections that stand are refused with their next request."""
    await asyncio.to_thread(_take_access, broker, user)


async def users(broker: Broker) -> set[str]:
    """Everybody who has a login."""
    admin = _admin(broker)
    found: Any = admin.describe_user_scram_credentials()
    return set(await asyncio.to_thread(found.result, SECONDS))


def _give_access(broker: Broker, passwords: Mapping[str, str], wanted: frozenset[Right]) -> list[str]:
    said = _settle(_admin(broker), passwords, wanted)
    _set_passwords(_admin(broker), passwords)
    _wait_until_in_force(broker, *list(passwords.items())[-1])
    return said


def _settle(admin: AdminClient, users: Collection[str], wanted: frozenset[Right]) -> list[str]:
    found = {right: binding for user in users for right, binding in _found(admin, user).items()}
    due = {right for right in wanted if right.user in users}
    missing, extra = sorted(due - found.keys()), sorted(found.keys() - due)
    if missing:
        _done(admin.create_acls([_binding(right) for right in missing]))
    _delete(admin, [found[right] for right in extra])
    return [
        *(f"right {words_of(right)}" for right in missing),
        *(f"no right {words_of(right)} any more" for right in extra),
    ]


def _take_access(broker: Broker, user: str) -> None:
    admin = _admin(broker)
    _delete(admin, list(_found(admin, user).values()))
    deletion = UserScramCredentialDeletion(user, ScramMechanism.SCRAM_SHA_512)
    _done(admin.alter_user_scram_credentials([deletion]))


def _set_passwords(admin: AdminClient, passwords: Mapping[str, str]) -> None:
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, ITERATIONS)
    _done(
        admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(user, info, password.encode()) for user, password in passwords.items()]
        )
    )


def _wait_until_in_force(broker: Broker, user: str, password: str) -> None:
    """Until the last of what was changed holds: brokers apply changes in their order, a moment after the controller has them."""
    login = _admin(replace(broker, user=user, password=password, mechanism="SCRAM-SHA-512"))
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            login.list_topics(timeout=1)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
        else:
            return


def _rights_given(broker: Broker) -> frozenset[Right]:
    admin = _admin(broker)  # named, as a client that nobody holds is ended under what it was asked for
    found = map(_right, admin.describe_acls(_all_of(None)).result(SECONDS))
    return frozenset(right for right in found if right.user != broker.user)


def _found(admin: AdminClient, user: str) -> dict[Right, Any]:
    """What a login may do now; of a pattern that is not ours too, so that it is taken away."""
    return {_right(binding): binding for binding in admin.describe_acls(_all_of(f"User:{user}")).result(SECONDS)}


def _all_of(principal: str | None) -> Any:
    """Every binding of a principal; None is any."""
    told: tuple[Any, Any, Any, Any] = (
        None,
        ResourcePatternType.ANY,
        principal,
        None,
    )  # the stub asks for texts; NULL is any
    return AclBindingFilter(ResourceType.ANY, *told, AclOperation.ANY, AclPermissionType.ANY)


def _right(binding: Any) -> Right:
    user = binding.principal.removeprefix("User:")
    plain = binding.host == "*" and binding.permission_type == AclPermissionType.ALLOW
    verb, pattern = binding.operation.name if plain else str(binding), binding.resource_pattern_type.name
    return Right(user, verb, binding.restype.name, binding.name, pattern)


def _binding(right: Right) -> AclBinding:
    return AclBinding(
        ResourceType[right.kind],
        right.name,
        ResourcePatternType[right.pattern],
        f"User:{right.user}",
        "*",
        AclOperation[right.verb],
        AclPermissionType.ALLOW,
    )


def _only(binding: Any) -> AclBindingFilter:
    return AclBindingFilter(
        binding.restype,
        binding.name,
        binding.resource_pattern_type,
        binding.principal,
        binding.host,
        binding.operation,
        binding.permission_type,
    )


def _delete(admin: AdminClient, bindings: Sequence[Any]) -> None:
    if bindings:
        _done(admin.delete_acls([_only(binding) for binding in bindings]))


def _done(futures: Mapping[Any, "Future[Any]"]) -> None:
    for future in futures.values():
        future.result(SECONDS)


def words_of(right: Right) -> str:
    """`of acme to WRITE topic applications.acme.v1`."""
    many = "*" if right.pattern == "PREFIXED" else ""
    return f"of {right.user} to {right.verb} {right.kind.lower()} {right.name}{many}"


def _admin(broker: Broker) -> AdminClient:
    return AdminClient({**broker.librdkafka(), "log_level": 0, "socket.timeout.ms": SECONDS * 1000})
