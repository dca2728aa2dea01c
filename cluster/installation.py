"""Which Kafka is run: an installation of one's own, else the one that is fetched."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from cluster.jars import KAFKA_VERSION, fetch_jars
from runtime.java import Java
from settings.errors import SettingsError

VARIABLE = "KAFKA_HOME"
"""Environment variable that names an installation, as Kafka's own scripts know it."""

OLDEST = 4
"""Oldest Kafka that is run: the first without ZooKeeper."""

_CLIENTS = re.compile(r"kafka-clients-(\d+)\.([\w.-]+)\.jar")


@dataclass(frozen=True)
class Installation:
    """A Kafka that can be run."""

    jars: Path
    """Folder of all its jars."""

    version: str
    """As 4.1.1."""

    why: str
    """Where it is from."""


def find_installation(java: Java, cache: Path) -> Installation:
    """Give the Kafka of KAFKA_HOME, else the one that is fetched once.

    Parameters
    ----------
    java
        Runs the fetch.
    cache
        Folder under which what was fetched is kept.

    Raises
    ------
    SettingsError
        KAFKA_HOME is wrong.
    ClusterError
        The fetch failed, or a jar is not the one that was pinned.
    """
    if home := os.environ.get(VARIABLE):
        return look_into(Path(home).expanduser().absolute())
    return Installation(fetch_jars(java, cache), KAFKA_VERSION, "fetched")


def look_into(home: Path) -> Installation:
    """Give the Kafka that is installed in a folder.

    Raises
    ------
    SettingsError
        None is, or one that is too old.
    """
    jars = home / "libs"
    found = [_CLIENTS.fullmatch(file.name) for file in sorted(jars.glob("*.jar"))]
    clients = next((match for match in found if match), None)
    if clients is None or not list(jars.glob("kafka_2.13-*.jar")):
        raise SettingsError(
            f"{VARIABLE} is {home}, which is no installation of Kafka (no"
            f" libs/kafka_2.13-*.jar): correct it, or unset it to have Kafka"
            f" {KAFKA_VERSION} fetched."
        )
    version = f"{clients[1]}.{clients[2]}"
    if int(clients[1]) < OLDEST:
        raise SettingsError(
            f"{VARIABLE} is {home}, which is Kafka {version}, and {OLDEST}.0 or newer"
            f" is needed: install one, or unset it to have {KAFKA_VERSION} fetched."
        )
    return Installation(jars, version, VARIABLE)
