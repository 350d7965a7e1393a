"""Write `kafka.lock` anew: `python -m deploy.local.relock`, after changing a version here."""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import Artifact, MavenContext

from deploy.local.jars import LOCK

ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")
"""The broker, and what carries its slf4j 1.7 log calls to the log4j 2 that it brings along."""

HEADER = "# Written by `python -m deploy.local.relock`: every jar on the broker's class path and its SHA-256.\n"


def resolve(repository: Path) -> list[Artifact]:
    """The roots and all they need at run time; each root for itself, so that neither manages the other's versions."""
    context = MavenContext(repo_cache=repository)
    resolved = [context.resolver.resolve([context.create_dependency(root)]) for root in reversed(ROOTS)]
    artifacts = [dependency.artifact for inputs, transitive in resolved for dependency in inputs + transitive]
    return list({(artifact.groupId, artifact.artifactId): artifact for artifact in artifacts}.values())


def line(artifact: Artifact) -> str:
    """What the lock file says of one jar."""
    sha256 = hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()
    return f"{artifact.groupId}:{artifact.artifactId}:{artifact.version} {sha256}\n"


def main() -> None:
    """Resolve, hash, write."""
    with tempfile.TemporaryDirectory() as folder:
        LOCK.write_text(HEADER + "".join(sorted(map(line, resolve(Path(folder))))))


if __name__ == "__main__":
    main()
