"""Prepare topics: all of the catalogue, the ledger and the topic of nights."""

import logging

from cluster.access import KafkaAccess
from cluster.topics import ensure_ledger, ensure_topics
from settings import Settings
from settings.errors import SettingsError
from settings.names import nights_topic, topic
from tasks.find_night import FoundNight

NIGHTS_RETENTION_DAYS = 400
"""How long the records of nights are kept [d]: over a year, for seasonal questions."""

log = logging.getLogger("nightmail")


def prepare_topics(
    settings: Settings, access: KafkaAccess, found: FoundNight
) -> list[str]:
    """Make the topics that are missing, before anything is sent.

    A missing topic kills the clients of the field, so every filter has its topic from
    the first night on, whether it keeps anything or not. One that cannot be made is
    that filter's failure, which the plan finds: the others are delivered.

    Returns
    -------
    list of str
        Topics that were made.

    Raises
    ------
    SettingsError
        The ledger, or the topic of nights, is missing and cannot be made.
    BrokerUnavailableError
        Kafka does not answer.
    """
    prefix, survey = settings.topics.prefix, found.survey
    ensure_ledger(access, settings)
    made: list[str] = []
    try:
        names = [topic(prefix, name, survey) for name in found.catalogue]
        made += ensure_topics(access, settings, names)
    except SettingsError as error:
        log.warning("%s", error)
    made += ensure_topics(
        access,
        settings,
        [nights_topic(prefix, survey)],
        config={"retention.ms": str(NIGHTS_RETENTION_DAYS * 86_400_000)},
        partitions=1,
    )
    if made:
        log.info("Made %s topics.", len(made))
    return made
