"""Windows cover a signal and end with it; a stream is cut as the whole signal would be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.audio import window_starts, windows


@given(st.integers(0, 300), st.integers(1, 50), st.integers(1, 80))
def test_windows_cover_the_signal_and_end_with_it(samples: int, window: int, hop: int) -> None:
    starts = window_starts(samples, window, hop)
    assert starts[0] == 0
    assert starts[-1] == max(0, samples - window)
    assert (np.diff(starts) > 0).all()
    assert (np.diff(starts) <= hop).all()
    assert (starts[:-1] % hop == 0).all()
    assert (np.diff(starts)[:-1] == hop).all()


@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 50), st.integers(1, 80))
def test_streamed_windows_are_the_slices_at_the_window_starts(sizes: list[int], window: int, hop: int) -> None:
    signal = np.arange(sum(sizes), dtype=np.float32)
    blocks = np.split(signal, np.cumsum(sizes)[:-1]) if sizes else []
    streamed = [(start, waveform.tolist()) for start, waveform in windows(blocks, window, hop)]
    starts = window_starts(len(signal), window, hop).tolist() if len(signal) else []
    assert streamed == [(start, signal[start : start + window].tolist()) for start in starts]


def test_the_last_window_is_pulled_back() -> None:
    assert window_starts(11, window=4, hop=3).tolist() == [0, 3, 6, 7]
    assert window_starts(10, window=4, hop=3).tolist() == [0, 3, 6]
    assert window_starts(3, window=4, hop=3).tolist() == [0]


@pytest.mark.parametrize(("window", "hop"), [(0, 1), (1, 0), (-1, 1)])
def test_windows_and_hops_are_positive(window: int, hop: int) -> None:
    with pytest.raises(ValueError, match=f"must be positive, not {window} and {hop} samples"):
        window_starts(10, window, hop)
    with pytest.raises(ValueError, match=f"must be positive, not {window} and {hop} samples"):
        windows([], window, hop)
