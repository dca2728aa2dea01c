"""A logger for librdkafka, which writes to the terminal by itself without one."""

import logging

__all__ = ["silent_logger"]


def silent_logger() -> logging.Logger:
    """Give the logger to pass to every producer, consumer and admin client.

    What goes wrong comes as an error or through `error_cb`; what librdkafka says
    besides is heard by whoever adds a handler to `nightmail.librdkafka`.
    """
    logger = logging.getLogger("nightmail.librdkafka")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger
