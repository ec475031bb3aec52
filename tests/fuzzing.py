"""Bytes and values that are almost what a parser expects, for the fuzz tests.

The suite tries the same sixty of each every time. FUZZ_EXAMPLES=5000 tries that many new ones, as
``python -m benchmarks.fuzz`` does.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

ASKED = os.environ.get("FUZZ_EXAMPLES", "")
HANG = 30  # seconds; a slow machine parses any of these in less than one
fuzz = settings(
    max_examples=int(ASKED or 60),
    derandomize=not ASKED,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TOKENS = (
    b"\t", b"\n", b"\r", b"\r\n", b"\0", b'"', b"'", b",", b";", b" ", b"#", b"-", b"/", b"../",
    b"n/a", b"nan", b"inf", b"-inf", b"1e999", b"-1e999", b"1e-400", b"9" * 400, b"9" * 5000,
    b"0", b"-0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xe9", b"\xed\xa0\x80", b"\xc2\xb2",
    b"\xe2\x80\xa8", b"\xd9\xa3", b"{", b"}", b"[", b"]", b"[" * 3000, b'{"a":' * 3000, b"true",
    b"null", b"sub-01", b"sub-02", b"ses-1", b"<script>", b"=1+1", b"\\", b"\\ud800", b"%s",
    b"\x1c", b"\x0b", b"\x85",
)  # fmt: skip
numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from([10**400, -(10**400), 2**63, 1e308])
)
texts = st.one_of(st.text(max_size=30), st.sampled_from([t.decode("latin-1") for t in TOKENS]))
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn, valid: bytes, most: int = 6) -> bytes:
    """Valid content with up to ``most`` places cut, overwritten, doubled or filled."""
    content = valid
    for _ in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 0, 1, 2, 8, 40, 10**6])))
        new = draw(
            st.one_of(
                st.sampled_from(TOKENS), st.binary(max_size=6), st.just(2 * content[start:end])
            )
        )
        content = content[:start] + new + content[end:]
        content = content[: 4 * len(valid) + 20_000]
    return content


@contextmanager
def no_hang() -> Iterator[None]:
    """Fail where the block takes longer than any parser may."""

    def stop(*_: object) -> None:
        raise AssertionError(f"still running after {HANG} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
