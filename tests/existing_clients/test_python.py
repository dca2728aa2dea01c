"""Programs of fink-client's users, unchanged, on topics that we filled."""

from typing import Any

import pytest

from cluster.access import KafkaAccess
from cluster.acls import add_rules, consumer_rules
from cluster.users import ensure_user, make_password
from tests.existing_clients.conftest import (
    CLIENTS,
    VERSIONS,
    Distributed,
    MakeClient,
)
from tests.stored_alerts import ID, differences

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

READ = """
from fink_client.avro_utils import AlertReader
from fink_client.consumer import AlertConsumer

servers, group, topic, survey = sys.argv[1:5]
config = {"bootstrap.servers": servers, "group.id": group}
more = [survey] if survey else []
found = []
with AlertConsumer([topic], config, *more) as consumer:
    topics = list(consumer.available_topics())
    found.append(consumer.poll(30))
    found += consumer.consume(num_alerts=19, timeout=30)
    for number in range(10):
        found.append(consumer.poll_and_write(outdir=".", timeout=30))
    nothing = consumer.poll(1)
reader = AlertReader(".")
plain({
    "topics": topics,
    "received": [alert for _, alert, _ in found],
    "from": sorted({topic for topic, _, _ in found}),
    "keys": len({key for _, _, key in found}),
    "nothing": nothing,
    "saved": reader.to_list(),
    "columns": sorted(reader.to_pandas().columns),
})
"""

LOG_IN = """
from fink_client.consumer import AlertConsumer, AlertError

servers, user, allowed, other, survey = sys.argv[1:]
password = input()

def read(topic, group):
    config = {"bootstrap.servers": servers, "group.id": group}
    config |= {"username": user, "password": password}
    with AlertConsumer([topic], config, survey) as consumer:
        try:
            return consumer.poll(30)[0]
        except AlertError as error:
            return str(error)

plain([read(allowed, user), read(other, user), read(allowed, "of_another")])
"""


@pytest.mark.parametrize(("version", "survey"), CLIENTS)
def test_a_program_reads_a_night(
    nights: dict[str, Distributed],
    make_client: MakeClient,
    group: str,
    version: str,
    survey: str,
) -> None:
    """Every alert once, by poll, consume and files, with the values of the store."""
    night, client = nights[survey], make_client(version)
    said = survey if client.names_survey else ""

    found = client.python(READ, night.servers, group, night.topics[0], said)

    assert set(night.topics) <= set(found["topics"])
    assert found["from"] == night.topics[:1]
    received: dict[int, Any] = {one[ID[survey]]: one for one in found["received"]}
    assert len(found["received"]) == 30
    assert received.keys() == night.stored.keys()
    assert list(differences(received, night.stored, "")) == []
    assert (found["keys"], found["nothing"]) == (1, [None, None, None])
    saved = {one[ID[survey]]: one for one in found["saved"]}
    last = {one[ID[survey]]: one for one in found["received"][20:]}
    assert list(differences(saved, last, "")) == []
    assert found["columns"] == sorted(found["received"][0])


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_user_logs_in_and_reads_what_was_allowed(
    nights: dict[str, Distributed],
    access: KafkaAccess,
    make_client: MakeClient,
    version: str,
) -> None:
    """No other topic and no other group: 8.2 has a librdkafka that cannot log in."""
    allowed, other = nights["ztf"].topics
    user, password = f"user{version.partition('.')[0]}", make_password()
    ensure_user(access, user, password=password)
    add_rules(access, consumer_rules(user, topic=allowed, group=user))

    said = (access.bootstrap_servers, user, allowed, other, "ztf")
    answers = make_client(version).python(LOG_IN, *said, typed=password)

    assert answers[0] == allowed
    assert "Topic authorization failed" in answers[1]
    assert "Group authorization failed" in answers[2]
