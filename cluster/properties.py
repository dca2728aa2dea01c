"""What the local Kafka is told: its settings, its log, its Java's options."""

from dataclasses import dataclass

from cluster.ports import HOST, Ports

ADMINISTRATOR = "admin"
"""The Kafka user that may do everything on the local cluster."""

MAX_MESSAGE_BYTES = 4194304
"""Largest batch of records that a broker or topic of ours takes [bytes]."""

COPIES = 3
"""Most copies of a topic on the local Kafka; fewer where there are fewer brokers."""

JVM_OPTIONS = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-Djava.awt.headless=true")
"""Small: 350 to 400 MB resident, a hundred topics included."""

LOG4J = """\
Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout: {pattern: "%d{yyyy-MM-dd'T'HH:mm:ss,SSS} %-5p %c{1} - %m%n"}
  Loggers:
    Root: {level: WARN, AppenderRef: [{ref: out}]}
    Logger: [{name: kafka.server.KafkaRaftServer, level: INFO}]
"""
"""Warnings, and that it has started; at INFO a start takes 1400 lines."""


@dataclass(frozen=True)
class Layout:
    """How the brokers of one local Kafka stand to each other and to the world."""

    ports: tuple[Ports, ...]
    """Of each broker, in the order of their numbers."""

    bind: str = HOST
    """Address on which users and anonymous readers are heard."""

    host: str = HOST
    """Name or address that these are told."""

    tls: bool = False
    """Whether users log in over TLS."""

    has_authority: bool = False
    """Whether brokers know each other by an authority of ours; else by Java's."""

    @property
    def copies(self) -> int:
        """Copies of Kafka's own topics, and of ours."""
        return min(COPIES, len(self.ports))

    @property
    def needed(self) -> int:
        """Copies that must have a record before it counts."""
        return max(1, self.copies - 1)


_PROPERTIES = """\
process.roles=broker,controller
node.id={number}
controller.quorum.voters={voters}
listeners=PUBLIC://{layout.bind}:{ports.public},INTERNAL://{layout.bind}:{ports.internal},\
CONTROLLER://{loopback}:{ports.controller}
advertised.listeners=PUBLIC://{layout.host}:{ports.public},\
INTERNAL://{layout.host}:{ports.internal}
listener.security.protocol.map=PUBLIC:PLAINTEXT,INTERNAL:{protocol},\
CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
listener.name.internal.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.controller.sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=PLAIN
config.providers=file
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
listener.name.internal.scram-sha-512.sasl.jaas.config={scram}
listener.name.controller.plain.sasl.jaas.config={plain}
listener.name.internal.scram-sha-512.connections.max.reauth.ms=3600000
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{administrator}
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes={max_message_bytes}
default.replication.factor={layout.copies}
min.insync.replicas={layout.needed}
offsets.topic.replication.factor={layout.copies}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor={layout.copies}
transaction.state.log.min.isr={layout.needed}
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor={layout.copies}
share.coordinator.state.topic.min.isr={layout.needed}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""

_TLS = """\
listener.name.internal.ssl.keystore.type=PEM
listener.name.internal.ssl.keystore.location={shared}tls/server.pem
"""

_AUTHORITY = """\
listener.name.internal.ssl.truststore.type=PEM
listener.name.internal.ssl.truststore.location={shared}tls/authority.pem
"""

_SECRET = "${{file:{shared}passwords.properties:{user}}}"  # noqa: S105 - where it is

_SCRAM = (
    "org.apache.kafka.common.security.scram.ScramLoginModule required"
    ' username="{user}" password="{secret}";'
)

# Before there is a leader no controller has the table of SCRAM's users, so controllers
# could not log in to elect one. Their listener is never heard outside this machine.
_PLAIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' username="{user}" password="{secret}" user_{user}="{secret}";'
)


def render_properties(layout: Layout, *, number: int, shared: str, data: str) -> str:
    """Give server.properties of one broker.

    Parameters
    ----------
    layout
        Of all of them.
    number
        Of the broker, from 1.
    shared
        Way from where the broker runs to what all of them share, empty or ending in a
        slash. Relative: Kafka would cut an absolute path at a colon, and that of the
        data at a comma.
    data
        Folder of the data, relative likewise.
    """
    secret = _SECRET.format(shared=shared, user=ADMINISTRATOR)
    text = _PROPERTIES.format(
        number=number,
        voters=",".join(
            f"{voter}@{HOST}:{ports.controller}"
            for voter, ports in enumerate(layout.ports, 1)
        ),
        layout=layout,
        ports=layout.ports[number - 1],
        loopback=HOST,
        protocol="SASL_SSL" if layout.tls else "SASL_PLAINTEXT",
        scram=_SCRAM.format(user=ADMINISTRATOR, secret=secret),
        plain=_PLAIN.format(user=ADMINISTRATOR, secret=secret),
        administrator=ADMINISTRATOR,
        data=data,
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
    text += _TLS.format(shared=shared) if layout.tls else ""
    has_authority = layout.tls and layout.has_authority
    return text + (_AUTHORITY.format(shared=shared) if has_authority else "")
