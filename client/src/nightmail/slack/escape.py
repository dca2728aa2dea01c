"""Text from data, made harmless for Slack."""

__all__ = ["escape"]


def escape(text: str) -> str:
    """Text in which Slack sees no markup, link or mention.

    Parameters
    ----------
    text
        Whatever stands in the data.

    Returns
    -------
    str
        It shows as the text given, but that backquotes, which would end a code block,
        are shown as apostrophes.

    Examples
    --------
    >>> escape("<!channel> R&D `x`")
    "&lt;!channel&gt; R&amp;D 'x'"
    """
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("`", "'")
