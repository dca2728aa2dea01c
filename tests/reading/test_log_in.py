"""A reader who logs in reads what was allowed, by our client."""

import pytest

from cluster.acls import add_rules, consumer_rules
from cluster.users import ensure_user, make_password
from nightmail import AlertConsumer, ConfigError
from tests.reading.conftest import MakeTopic

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.mark.parametrize(
    ("user", "password"),
    [("username", "password"), ("sasl.username", "sasl.password")],
)
def test_who_logs_in_reads_what_was_allowed(
    make_topic: MakeTopic, user: str, password: str
) -> None:
    """In both of the manual's spellings; another topic or group is refused by name."""
    allowed, other = make_topic(), make_topic()
    allowed.send_alerts(1)
    secret = make_password()
    ensure_user(allowed.access, allowed.group, password=secret)
    rules = consumer_rules(allowed.group, topic=allowed.name, group=allowed.group)
    add_rules(allowed.access, rules)
    login = {"servers": allowed.access.bootstrap_servers, "group.id": allowed.group}
    login |= {user: allowed.group, password: secret}

    with AlertConsumer([allowed.name], login) as consumer:
        topic, alert, _ = consumer.poll(20)
    refused = []
    for name, group in ((other.name, allowed.group), (allowed.name, other.group)):
        with (
            AlertConsumer([name], login | {"group.id": group}) as consumer,
            pytest.raises(ConfigError) as caught,
        ):
            consumer.poll(20)
        refused.append(str(caught.value))

    assert (topic, alert) == (allowed.name, {"objectId": "ZTF1", "candid": 1})
    assert f"{allowed.group} may not read the topic {other.name}" in refused[0]
    assert f"{allowed.group} may not use the group {other.group}" in refused[1]
    assert secret not in "".join(refused)
