"""Prepare topics: all of the catalogue, the ledger and the topic of nights."""

import logging
from collections.abc import Iterable

from cluster.access import KafkaAccess
from cluster.topics import ensure_ledger, ensure_topics
from filters import choose_filters, load_catalogue
from settings import Settings
from settings.errors import SettingsError
from settings.names import LEDGER_TOPIC, SURVEYS, nights_topic, topic
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
    ensure_ledger(access, settings)
    made: list[str] = []
    try:
        made += _ensure_filters(settings, access, found.survey, found.catalogue)
    except SettingsError as error:
        log.warning("%s", error)
    made += _ensure_nights(settings, access, found.survey)
    if made:
        log.info("Made %s topics.", len(made))
    return made


def make_all_topics(settings: Settings, access: KafkaAccess) -> list[str]:
    """Make the topics of both surveys that are missing, and the ledger.

    Returns
    -------
    list of str
        Topics that were made.

    Raises
    ------
    SettingsError
        One of them cannot be made.
    BrokerUnavailableError
        Kafka does not answer.
    """
    made = [LEDGER_TOPIC] if ensure_ledger(access, settings) else []
    for survey in SURVEYS:
        on = choose_filters(load_catalogue(survey), also=settings.filters.also)
        made += _ensure_filters(settings, access, survey, on)
        made += _ensure_nights(settings, access, survey)
    return made


def _ensure_filters(
    settings: Settings, access: KafkaAccess, survey: str, names: Iterable[str]
) -> list[str]:
    prefix = settings.topics.prefix
    return ensure_topics(
        access, settings, [topic(prefix, name, survey) for name in names]
    )


def _ensure_nights(settings: Settings, access: KafkaAccess, survey: str) -> list[str]:
    return ensure_topics(
        access,
        settings,
        [nights_topic(settings.topics.prefix, survey)],
        config={"retention.ms": str(NIGHTS_RETENTION_DAYS * 86_400_000)},
        partitions=1,
    )
