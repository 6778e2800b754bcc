"""What came in one read of the network, as few events as say the same: each costs a record and a message to the client.

Pure. A model that sends its words one by one is passed on one by one: nothing is waited for. Start with `joined`.
"""

from copydesk.domain.stream import StreamEvent, TextDelta, ThinkingDelta, ToolCallDelta


def joined(events: list[StreamEvent]) -> list[StreamEvent]:
    """Neighbouring deltas of one kind (and of one call) as one."""
    if len(events) < 2:
        return events
    runs: list[list[StreamEvent]] = []
    for event in events:
        if runs and _continues(runs[-1][0], event):
            runs[-1].append(event)
        else:
            runs.append([event])
    return [run[0] if len(run) == 1 else _whole(run) for run in runs]


def _continues(first: StreamEvent, event: StreamEvent) -> bool:
    if isinstance(first, ToolCallDelta):
        return isinstance(event, ToolCallDelta) and event.index == first.index
    return type(first) is type(event) and isinstance(event, TextDelta | ThinkingDelta)


def _whole(run: list[StreamEvent]) -> StreamEvent:
    match run[0]:
        case TextDelta():
            return TextDelta("".join(each.text for each in run if isinstance(each, TextDelta)))
        case ThinkingDelta():
            return ThinkingDelta("".join(each.text for each in run if isinstance(each, ThinkingDelta)))
        case ToolCallDelta(index):
            return ToolCallDelta(index, "".join(each.json for each in run if isinstance(each, ToolCallDelta)))
        case other:
            return other
