"""Slack's methods, as far as nightmail and its tests call them."""

import json
import re
from collections.abc import Callable
from typing import Any

from client.tests.slack_api.checks import check_message
from client.tests.slack_api.workspace import SlackRefusalError, Workspace

Arguments = dict[str, Any]
Method = Callable[[Workspace, Arguments], dict[str, Any]]

FORM_ONLY = frozenset(
    {"conversations.list", "conversations.replies", "files.getUploadURLExternal"}
    | {"users.list", "users.lookupByEmail", "chat.getPermalink"}
)
"""Methods that do not see arguments in JSON."""

SCOPES: dict[str, str] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "conversations.list": "channels:read",
    "conversations.info": "channels:read",
    "conversations.join": "channels:join",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "conversations.open": "im:write",
    "users.list": "users:read",
    "users.lookupByEmail": "users:read.email",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "files.delete": "files:write",
}
"""Scope that a method needs."""

MAX_PAGE = 999
"""Largest `limit`: Slack wants less than 1000."""

USUAL_PAGE = 100
"""Items of a page where nothing is asked."""

MAX_UPDATE = 4000
"""Longest text of a message that is changed [characters]."""

SHAPE = re.compile(r"[CGDZ][A-Z0-9]{8,}")
"""What files.completeUploadExternal takes for a channel."""


def _need(arguments: Arguments, *names: str) -> list[str]:
    missing = [name for name in names if arguments.get(name) in (None, "")]
    if missing:
        said = [f"[ERROR] missing required field: {name}" for name in missing]
        raise SlackRefusalError(
            "invalid_arguments", response_metadata={"messages": said}
        )
    return [str(arguments[name]) for name in names]


def _true(value: Any) -> bool:
    return str(value).lower() in {"1", "true"}


def _page(
    items: list[dict[str, Any]], arguments: Arguments, largest: int
) -> tuple[list[dict[str, Any]], str]:
    """One page, and the cursor of the next; empty where it was the last."""
    limit = int(arguments.get("limit") or USUAL_PAGE)
    if not 0 < limit <= MAX_PAGE:
        raise SlackRefusalError("invalid_limit")
    cursor = str(arguments.get("cursor") or "after:0")
    match = re.fullmatch(r"after:(\d+)", cursor)
    if not match:
        raise SlackRefusalError("invalid_cursor")
    start = int(match[1])
    end = start + min(limit, largest)
    return items[start:end], f"after:{end}" if end < len(items) else ""


def _post(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    (target,) = _need(arguments, "channel")
    channel = space.conversation(target)
    if channel["is_archived"]:
        raise SlackRefusalError("is_archived")
    if not channel["is_member"]:
        raise SlackRefusalError("not_in_channel")
    check_message(arguments, space.files)
    thread = arguments.get("thread_ts")
    if thread and not _stands(space, channel["id"], thread):
        raise SlackRefusalError("thread_not_found")
    kept = ("text", "blocks", "metadata", "thread_ts")
    message = {name: arguments[name] for name in kept if arguments.get(name)}
    message |= {"type": "message", "bot_id": "B0NIGHTMAIL", "ts": space.new_ts()}
    space.messages.append(message | {"channel": channel["id"]})
    return {"channel": channel["id"], "ts": message["ts"], "message": message}


def _stands(space: Workspace, channel: str, ts: str) -> bool:
    return any((m["channel"], m["ts"]) == (channel, ts) for m in space.messages)


def _update(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    channel, ts = _need(arguments, "channel", "ts")
    if channel not in space.channels:
        raise SlackRefusalError("channel_not_found")
    if space.channels[channel]["is_archived"]:
        raise SlackRefusalError("is_inactive")
    message = space.message(channel, ts)
    if message.get("bot_id") != "B0NIGHTMAIL":
        raise SlackRefusalError("cant_update_message")
    check_message(arguments, space.files)
    if len(arguments.get("text") or "") > MAX_UPDATE:
        raise SlackRefusalError("msg_too_long")
    if arguments.get("text"):
        message.pop("blocks", None)
    changed = ("text", "blocks", "metadata")
    message.update({name: arguments[name] for name in changed if name in arguments})
    message["edited"] = {"ts": space.new_ts()}
    return {"channel": channel, "ts": ts, "text": message.get("text", "")}


def _delete(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    channel, ts = _need(arguments, "channel", "ts")
    space.messages.remove(space.message(channel, ts))
    return {"channel": channel, "ts": ts}


def _permalink(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    channel, ts = _need(arguments, "channel", "message_ts")
    space.message(channel, ts)
    place = f"{channel}/p{ts.replace('.', '')}"
    return {"channel": channel, "permalink": f"https://x.slack.com/archives/{place}"}


def _list(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    types = str(arguments.get("types") or "public_channel").split(",")
    wanted = [
        channel
        for channel in space.channels.values()
        if (not channel.get("is_im"))
        and ("private_channel" if channel["is_private"] else "public_channel") in types
        and (channel["is_member"] or not channel["is_private"])
    ]
    page, cursor = _page(wanted, arguments, MAX_PAGE)
    if _true(arguments.get("exclude_archived")):
        page = [channel for channel in page if not channel["is_archived"]]
    return {"channels": page, "response_metadata": {"next_cursor": cursor}}


def _info(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    (target,) = _need(arguments, "channel")
    if target not in space.channels:
        raise SlackRefusalError("channel_not_found")
    return {"channel": space.conversation(target)}


def _join(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    channel = _info(space, arguments)["channel"]
    if channel["is_archived"]:
        raise SlackRefusalError("is_archived")
    channel["is_member"] = True
    return {"channel": channel}


def _open(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    (user,) = _need(arguments, "users")
    return {"channel": {"id": space.open_im(user)["id"]}}


def _history(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    channel = _reached(space, arguments)
    oldest = float(arguments.get("oldest") or 0)
    latest = float(arguments.get("latest") or "inf")
    found = [
        message
        for message in reversed(space.messages)
        if message["channel"] == channel
        and oldest < float(message["ts"]) < latest
        and message.get("thread_ts", message["ts"]) == message["ts"]
    ]
    return _messages(found, arguments)


def _replies(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    channel, (ts,) = _reached(space, arguments), _need(arguments, "ts")
    if not _stands(space, channel, ts):
        raise SlackRefusalError("thread_not_found")
    found = [
        message
        for message in space.messages
        if message["channel"] == channel
        and ts in {message["ts"], message.get("thread_ts")}
    ]
    return _messages(found, arguments)


def _reached(space: Workspace, arguments: Arguments) -> str:
    channel = _info(space, arguments)["channel"]
    if not channel["is_member"]:
        raise SlackRefusalError("not_in_channel")
    return str(channel["id"])


def _messages(found: list[dict[str, Any]], arguments: Arguments) -> dict[str, Any]:
    largest = arguments.get("_history_page", MAX_PAGE)
    page, cursor = _page(found, arguments, largest)
    left_out = {"channel"} | (
        set() if _true(arguments.get("include_all_metadata")) else {"metadata"}
    )
    shown = [{k: v for k, v in m.items() if k not in left_out} for m in page]
    answer: dict[str, Any] = {"messages": shown, "has_more": bool(cursor)}
    return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})


def _users(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    page, cursor = _page(list(space.users.values()), arguments, MAX_PAGE)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def _by_email(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    (email,) = _need(arguments, "email")
    for user in space.users.values():
        known = user["profile"].get("email", "").lower()
        if known == email.lower() and not user["deleted"]:
            return {"user": user}
    raise SlackRefusalError("users_not_found")


def _upload_url(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    name, length = _need(arguments, "filename", "length")
    file = space.new_id("F")
    space.files[file] = {"name": name, "length": int(length), "done": False}
    return {"file_id": file, "upload_url": f"{arguments['_uploads']}{file}"}


def _complete(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    _need(arguments, "files")
    given = arguments["files"]
    given = json.loads(given) if isinstance(given, str) else given
    target = arguments.get("channel_id") or ""
    if target:
        if not SHAPE.fullmatch(target):
            raise SlackRefusalError("invalid_arguments")
        channel = space.conversation(target)
        if channel["is_archived"]:
            raise SlackRefusalError("is_archived")
        if not channel["is_member"]:
            raise SlackRefusalError("not_in_channel")
    for each in given:
        file = space.files.get(each.get("id"))
        if file is None or "data" not in file or file["done"]:
            raise SlackRefusalError("file_not_found")
        file |= {"done": True, "title": each.get("title", file["name"])}
        file |= {"channel": target, "thread_ts": arguments.get("thread_ts")}
        file["comment"] = arguments.get("initial_comment")
    if target:
        _share(space, channel["id"], arguments, [each["id"] for each in given])
    return {"files": [{"id": f["id"], "title": f.get("title", "")} for f in given]}


def _share(
    space: Workspace, channel: str, arguments: Arguments, files: list[str]
) -> None:
    """Show files in a message of their own, as Slack does; it has no metadata."""
    shown = [
        {"id": file, "name": space.files[file]["name"], "mode": "hosted"}
        for file in files
    ]
    message = {"type": "message", "subtype": "file_share", "files": shown, "text": ""}
    message |= {"bot_id": "B0NIGHTMAIL", "ts": space.new_ts(), "channel": channel}
    if thread := arguments.get("thread_ts"):
        message["thread_ts"] = thread
    space.messages.append(message)


def _delete_file(space: Workspace, arguments: Arguments) -> dict[str, Any]:
    (file,) = _need(arguments, "file")
    if space.files.pop(file, None) is None:
        raise SlackRefusalError("file_not_found")
    for message in [m for m in space.messages if m.get("files")]:
        left = [each for each in message["files"] if each["id"] != file]
        message["files"] = left
        if not left:
            space.messages.remove(message)
    return {}


METHODS: dict[str, Method] = {
    "chat.postMessage": _post,
    "chat.update": _update,
    "chat.delete": _delete,
    "chat.getPermalink": _permalink,
    "conversations.list": _list,
    "conversations.info": _info,
    "conversations.join": _join,
    "conversations.open": _open,
    "conversations.history": _history,
    "conversations.replies": _replies,
    "users.list": _users,
    "users.lookupByEmail": _by_email,
    "files.getUploadURLExternal": _upload_url,
    "files.completeUploadExternal": _complete,
    "files.delete": _delete_file,
}
"""Every method, by Slack's name, but auth.test."""
