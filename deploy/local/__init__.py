"""PostgreSQL, Apache Kafka and a mail catcher on this machine, from nothing but the wheels in this environment."""

from deploy.local.home import LocalSettings, StackError
from deploy.local.stack import ServerStatus, Stack, down, reset, status, up

__all__ = ["LocalSettings", "ServerStatus", "Stack", "StackError", "down", "reset", "status", "up"]
