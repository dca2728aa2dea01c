"""What the local Kafka is told: its settings, its log, its Java's options."""

from cluster.ports import HOST, Ports

ADMINISTRATOR = "admin"
"""The Kafka user that may do everything on the local cluster."""

MAX_MESSAGE_BYTES = 4194304
"""Largest batch of records that a broker or topic of ours takes [bytes]."""

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

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{ports.controller}
listeners=PUBLIC://{host}:{ports.public},INTERNAL://{host}:{ports.internal},\
CONTROLLER://{host}:{ports.controller}
advertised.listeners=PUBLIC://{host}:{ports.public},INTERNAL://{host}:{ports.internal}
listener.security.protocol.map=PUBLIC:PLAINTEXT,INTERNAL:SASL_PLAINTEXT,\
CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=INTERNAL
controller.listener.names=CONTROLLER
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=SCRAM-SHA-512
config.providers=file
config.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider
listener.name.internal.scram-sha-512.sasl.jaas.config={login}
listener.name.controller.scram-sha-512.sasl.jaas.config={login}
listener.name.internal.scram-sha-512.connections.max.reauth.ms=3600000
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{administrator}
log.dirs={data}
auto.create.topics.enable=false
message.max.bytes={max_message_bytes}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""

_LOGIN = (
    "org.apache.kafka.common.security.scram.ScramLoginModule required"
    ' username="{user}" password="${{file:{file}:{user}}}";'
)


def render_properties(ports: Ports, *, passwords: str, data: str) -> str:
    """Give server.properties.

    Parameters
    ----------
    ports
        Where to listen.
    passwords
        File of the passwords, relative to where the broker runs: Kafka would cut an
        absolute path at a colon, and that of the data at a comma.
    data
        Folder of the data, relative likewise.
    """
    return _PROPERTIES.format(
        host=HOST,
        ports=ports,
        login=_LOGIN.format(user=ADMINISTRATOR, file=passwords),
        administrator=ADMINISTRATOR,
        data=data,
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
