"""Settings come from the file, the environment and the defaults, in that order."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from settings import Settings
from settings.errors import SettingsError
from settings.load import keys, load, load_with_origins, shown
from settings.model import Archive, Kafka, Store


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a folder without settings."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a settings file."""
    path = tmp_path / "other.toml"
    path.write_text('[topics]\npartitions = 8\nprefix = "file_"\n')
    return path


def test_names_of_the_settings() -> None:
    """These names are a promise to whoever has a file or an environment."""
    assert set(keys()) >= {
        "state_dir",
        "store.uri",
        "archive.uri",
        "kafka.bootstrap_servers",
        "kafka.username",
        "kafka.password",
        "kafka.security_protocol",
        "kafka.ca_location",
        "topics.prefix",
        "topics.partitions",
        "topics.replication",
        "topics.retention",
        "spark.master",
        "spark.python",
        "slack.token",
    }


def test_environment_wins_over_file_over_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each value is told with its source."""
    monkeypatch.setenv("NIGHTMAIL_TOPICS__PREFIX", "environment_")

    settings, origins = load_with_origins(file)

    assert settings.topics.prefix == "environment_"
    assert settings.topics.partitions == 8
    assert settings.topics.replication == 1
    sources = {origin.key: origin.source for origin in origins}
    assert list(sources) == list(keys())
    assert sources["topics.prefix"] == "NIGHTMAIL_TOPICS__PREFIX"
    assert sources["topics.partitions"] == str(file)
    assert sources["topics.replication"] == "default"


def test_default_file(tmp_path: Path) -> None:
    """A nightmail.toml beside one is read unasked."""
    (tmp_path / "nightmail.toml").write_text("topics.partitions = 3")

    assert load().topics.partitions == 3


def test_file_named_by_the_environment(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NIGHTMAIL_SETTINGS names the file, an argument wins over it."""
    (tmp_path / "third.toml").write_text("topics.partitions = 3")
    monkeypatch.setenv("NIGHTMAIL_SETTINGS", str(file))

    assert load().topics.partitions == 8
    assert load(tmp_path / "third.toml").topics.partitions == 3


def test_a_list_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its members are separated by commas, and shown so."""
    monkeypatch.setenv("NIGHTMAIL_FILTERS__ALSO", "everything, another,")

    also = load().filters.also

    assert also == ("everything", "another")
    assert (shown(also), shown(())) == ("everything, another", "(none)")


@pytest.mark.parametrize("named_by", ["argument", "environment"])
def test_missing_file(named_by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that was asked for and is not there is an error."""
    monkeypatch.setenv("NIGHTMAIL_SETTINGS", "none.toml")

    with pytest.raises(SettingsError, match=r"none\.toml does not exist"):
        load(Path("none.toml") if named_by == "argument" else None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"[topics", "is not valid TOML"),
        (b"\xff", "is not valid TOML"),
        (
            b"[topics]\npartition = 8",
            "no setting topics.partition; .*topics.partitions",
        ),
        (b"[kafka]\nuser = 'x'", r"did you mean kafka\.username"),
        (b"kafka = 'host:9092'", r"it is a table, of kafka\.bootstrap_servers, "),
        (b"xyzzy = 1", r"valid ones are state_dir, store\.uri, "),
        (b"topics.partitions = 0", r"topics\.partitions 0 is wrong: input should be"),
        (b"topics.partitions = 'x'", r"topics\.partitions 'x' is wrong"),
        (b"topics.retention = '1 week'", r"topics\.retention '1 week' is wrong"),
        (b"topics.prefix = 'a b'", r"topics\.prefix 'a b' is wrong"),
        (b"kafka.security_protocol = 'ssl'", "'ssl' is wrong: .*'SASL_SSL' or 'SSL'"),
        (b"state_dir = {x = 1}", r"no setting state_dir\.x"),
        (
            b"store.uri = 'ftp://host'",
            "ftp:// is not supported, only a folder, file://",
        ),
        (b"store.uri = 's3://b/{state_dir}'", r"\{state_dir\} is not known"),
        (b"store.uri = 's3://me:hush@b'", r"store\.uri is wrong: it has a secret"),
        (b"store.format = 'jdbc'", "'jdbc' is wrong: only parquet and orc are read"),
        (b"archive.uri = 's3://bucket'", "s3:// is not supported, only a folder or"),
        (b"store.uri = '/data/{night}'", r"\{night\} is not known"),
        (b"archive.uri = '/data/{survey}'", r"\{survey\} is not known"),
        (b"archive.uri = ''", "it is empty"),
        (b"slack.base_url = 'slack.com'", r"slack\.base_url"),
    ],
)
def test_mistakes_in_the_file(file: Path, text: bytes, sentence: str) -> None:
    """Each is one sentence that names the file, and ends with 2."""
    file.write_bytes(text)

    with pytest.raises(SettingsError, match=sentence) as caught:
        load(file)

    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_folder_in_place_of_the_file(tmp_path: Path) -> None:
    """What cannot be read is named."""
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "NIGHTMAIL_KAFKA__USER",
            "x",
            "NIGHTMAIL_KAFKA__USER: .*did you mean NIGHTMAIL_KAFKA__USERNAME",
        ),
        ("NIGHTMAIL_KAFKA_USERNAME", "x", "did you mean NIGHTMAIL_KAFKA__USERNAME"),
        (
            "NIGHTMAIL_TOPICS__PARTITIONS",
            "many",
            "NIGHTMAIL_TOPICS__PARTITIONS: topics.partitions 'many' is wrong",
        ),
    ],
)
def test_mistakes_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    """The variable is named, and the nearest valid one."""
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=sentence):
        load()


def test_manuals_name_of_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """SLACK_API_TOKEN is the token, and ours wins over it."""
    monkeypatch.setenv("SLACK_API_TOKEN", "xoxb-manual")
    settings, origins = load_with_origins()
    assert settings.slack.token == SecretStr("xoxb-manual")
    assert "SLACK_API_TOKEN" in {origin.source for origin in origins}

    monkeypatch.setenv("NIGHTMAIL_SLACK__TOKEN", "xoxb-ours")

    assert load().slack.token == SecretStr("xoxb-ours")


@pytest.mark.parametrize("name", ["SLACK_API_TOKEN", "NIGHTMAIL_SLACK__TOKEN"])
def test_empty_secret_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A CI that has no secret sets an empty variable."""
    monkeypatch.setenv(name, "")

    assert load().slack.token is None


def test_prefix_may_be_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty text is a value where the default is text."""
    monkeypatch.setenv("NIGHTMAIL_TOPICS__PREFIX", "")

    assert load().topics.prefix == ""


def test_secrets_are_shown_nowhere(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as text, nor as JSON, nor in an error about a secret."""
    monkeypatch.setenv("NIGHTMAIL_KAFKA__PASSWORD", "hush-1")
    file.write_text("slack.token = 'hush-2'")
    settings, origins = load_with_origins(file)

    texts = [repr(settings), str(settings), settings.model_dump_json(), repr(origins)]
    texts += [shown(origin.value) for origin in origins]
    file.write_text("slack.token = ['hush-3']")
    with pytest.raises(SettingsError, match=r"slack\.token is wrong") as caught:
        load(file)

    assert "hush" not in json.dumps(texts) + str(caught.value)
    assert caught.value.__context__ is None


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Home, spaces, file URIs and relative folders become absolute paths."""
    monkeypatch.setenv("HOME", str(tmp_path / "my home"))
    home = Settings(
        state_dir=Path("~/state {survey}"),
        store=Store(uri="file:///mnt/my%20store/{survey}"),
        archive=Archive(uri="an archive"),
        kafka=Kafka(ca_location="~/ca.pem"),
    )

    assert home.state_dir == tmp_path / "my home" / "state {survey}"
    assert home.store_root("ztf") == Path("/mnt/my store/ztf")
    assert home.archive_root() == tmp_path / "an archive"
    assert home.kafka.ca_location == str(tmp_path / "my home" / "ca.pem")
    assert Settings().state_dir == tmp_path / ".nightmail"
    assert Settings().store_root("lsst") == tmp_path / ".nightmail" / "store" / "lsst"
    default_store = Settings(state_dir=home.state_dir).store_root("lsst")
    assert default_store == home.state_dir / "store" / "lsst"


def test_settings_are_frozen() -> None:
    """Nobody changes them while a night runs."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().topics.partitions = 5


def test_environment_is_read_by_load_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that a program makes itself are what it says."""
    monkeypatch.setenv("NIGHTMAIL_TOPICS__PREFIX", "environment_")

    assert Settings().topics.prefix == "fink_"


def test_a_files_folders_are_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file names the same folders, wherever one stands."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    file = tmp_path / "nightmail.toml"
    file.write_text('state_dir = "state"\n[store]\nuri = "/data/{survey}"\n')

    settings = load(file)

    assert settings.state_dir == tmp_path / "state"
    assert settings.store_root("ztf") == Path("/data/ztf")


def test_a_store_may_be_elsewhere() -> None:
    """Its URL is taken as it is; only a folder of this machine can be written to."""
    url = "s3://bucket/my%20store/{survey}?endpoint_override=127.0.0.1:9000"
    settings = Settings(store=Store(uri=url))

    assert settings.store_uri("ztf") == url.replace("{survey}", "ztf")
    assert Settings(store=Store(uri="file:///a%20b")).store_uri("ztf") == "/a b"
    with pytest.raises(SettingsError, match="Only a store in a folder"):
        settings.store_root("ztf")


@pytest.mark.parametrize(
    "uri",
    [
        "s3://me:hush@bucket/store",
        "abfs://:hush@account.dfs.core.windows.net/store",
        "abfs://store@account.dfs.core.windows.net?tenant_id=x&client_secret=hush",
    ],
)
def test_a_secret_in_a_url_is_refused(
    monkeypatch: pytest.MonkeyPatch, uri: str
) -> None:
    """It would stand in every line that names the store, and in the refusal too."""
    monkeypatch.setenv("NIGHTMAIL_STORE__URI", uri)

    with pytest.raises(
        SettingsError, match=r"store\.uri is wrong: it has a secret"
    ) as caught:
        load()

    assert "hush" not in str(caught.value)


def test_a_user_in_a_url_is_no_secret() -> None:
    """Neither is the name of a container, nor a colon in a name."""
    for uri in ("hdfs://me@head:8020/store", "gs://anonymous@bucket/a:b@c"):
        assert Settings(store=Store(uri=uri)).store_uri("ztf") == uri


def test_a_list_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words are separated by commas; the file has a list."""
    (tmp_path / "nightmail.toml").write_text('topics.without_cutouts = ["a", "b"]')
    assert load().topics.without_cutouts == ("a", "b")

    monkeypatch.setenv("NIGHTMAIL_TOPICS__WITHOUT_CUTOUTS", "c, d")
    assert load().topics.without_cutouts == ("c", "d")
    monkeypatch.setenv("NIGHTMAIL_TOPICS__WITHOUT_CUTOUTS", "")

    assert load().topics.without_cutouts == ()
