"""A reader's session without a browser: it speaks to the server as Streamlit's page does, so only the server's work is timed."""

from __future__ import annotations

from types import TracebackType

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

PATIENCE_S = 60


class Session:
    """``with Session(url) as session: session.view("search", "collection=large&patch=3")``."""

    def __init__(self, url: str) -> None:
        address = url.replace("http", "ws", 1) + "/_stcore/stream"
        self._socket = connect(address, origin=url, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE_S)  # type: ignore[arg-type]

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def view(self, page: str, query: str) -> bytes:
        """Everything the page sends until its script has run. Raises ``RuntimeError`` where it ends in an error."""
        ask = BackMsg()
        ask.rerun_script.page_name = page
        ask.rerun_script.query_string = query
        self._socket.send(ask.SerializeToString())
        sent = b""
        while True:
            data = self._socket.recv(timeout=PATIENCE_S)
            message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            sent += bytes(data) if isinstance(data, bytes) else data.encode()
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(message.delta.new_element.exception.message)
            if kind == "script_finished":
                if message.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
                    raise RuntimeError(f"the page ended as {ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)}")
                return sent
