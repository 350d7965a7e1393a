"""Who has a login on Kafka beside its administrator: every service, who reconciles, and the channel that comes with the product."""

from deploy.grants import SERVICES

OPERATOR, BULK = "operator", "bulk"
"""Who reconciles, reading every topic and writing none; and the channel that comes with the product."""

PRINCIPALS = (*SERVICES, OPERATOR, BULK)
