from __future__ import annotations

from concurrent.futures import CancelledError, Future

import pytest

from auditor.image.threads import settle, started


def test_what_comes_of_it_is_in_the_future() -> None:
    assert started("sum", lambda: 1 + 1).result(10) == 2


def test_what_is_raised_is_raised_where_the_result_is_asked_for() -> None:
    with pytest.raises(ZeroDivisionError):
        started("division", lambda: 1 // 0).result(10)


def test_nothing_is_done_for_one_that_was_cancelled() -> None:
    done: list[int] = []
    future: Future[None] = Future()
    future.cancel()
    settle(future, lambda: done.append(1))
    assert done == []
    with pytest.raises(CancelledError):
        future.result(0)
