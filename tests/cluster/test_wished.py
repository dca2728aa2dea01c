"""The file that says who may do what: read strictly."""

from pathlib import Path

import pytest

from cluster.acls import Rule
from cluster.wished import Wished, WishedTopic, parse_wished, read_wished
from settings.errors import SettingsError


def test_an_empty_file_wishes_nothing() -> None:
    """What is left out is not managed."""
    wished = parse_wished("", source="access.toml")

    assert wished == Wished()
    assert wished.anonymous is None


def test_all_that_can_be_wished() -> None:
    """Topics by name, users by name, and whether anybody may read."""
    text = """
        anonymous = true
        [topics.fink_x]
        partitions = 8
        replication = 3
        retention = ["4d", "1GB"]
        max_message_bytes = 8388608
        compression = "zstd"
        [users.ann]
        reads = ["fink_x", "fink_y_*"]
        hosts = ["192.0.2.7"]
        [users.ben]
        writes = ["bens"]
    """

    wished = parse_wished(text, source="access.toml")

    assert wished.anonymous is True
    assert wished.topics["fink_x"].config == {
        "retention.ms": "345600000",
        "retention.bytes": "1000000000",
        "max.message.bytes": "8388608",
        "compression.type": "zstd",
    }
    assert wished.users["ann"].rules("ann", prefix="fink_") == [
        Rule("ann", "topic", "fink_x", "READ", host="192.0.2.7"),
        Rule("ann", "topic", "fink_y_", "READ", is_prefix=True, host="192.0.2.7"),
        Rule("ann", "group", "ann", "READ", host="192.0.2.7"),
        Rule("ann", "group", "ann_", "READ", is_prefix=True, host="192.0.2.7"),
    ]
    assert wished.users["ben"].rules("ben", prefix="fink_") == [
        Rule("ben", "topic", "bens", "WRITE")
    ]


def test_what_a_topic_leaves_out_is_not_wished() -> None:
    """Nothing is changed of it then."""
    assert WishedTopic().config == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("anonimous = true", "there is no key anonimous; did you mean anonymous"),
        ("[user.ann]", "there is no key user; did you mean users"),
        ("[users.ann]\nread = []", r"no key users\.ann\.read; did you mean reads"),
        ("[topics.x]\npartition = 3", r"no key topics\.x\.partition; .* partitions\?"),
        ("[users.ann]\nxyzzy = 1", r"xyzzy; valid ones are reads, groups, writes"),
        ("anonymous = 'yes'", "anonymous is wrong: input should be a valid bool"),
        ("[users.ann]\nreads = 'x'", r"users\.ann\.reads is wrong"),
        ("[users.ann]\nhosts = []", r"users\.ann\.hosts is wrong"),
        ("[users.ann]\nreads = ['x']\nhosts = ['here']", "'here' is no IP address"),
        ("[users.ann]\nreads = ['a*b']", "names no topic"),
        ("[users.'a b']", "cannot be a Kafka user"),
        ("[topics.x]\npartitions = 0", r"topics\.x\.partitions is wrong"),
        ("[topics.x]\nretention = ['4y']", "retention '4y' is neither"),
        ("[topics.x]\ncompression = 'zip'", r"topics\.x\.compression is wrong"),
        ("[topics", "is not valid TOML"),
    ],
)
def test_mistakes(text: str, says: str) -> None:
    """Each is one sentence that names the file and the key."""
    with pytest.raises(SettingsError, match=says) as refused:
        parse_wished(text, source="access.toml")

    assert str(refused.value).startswith("access.toml")
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file"):
        read_wished(tmp_path / "none.toml")
