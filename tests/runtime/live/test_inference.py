from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from faceir import flow
from faceir.detections import Detections
from faceir.flow import Frame, Image
from faceir.runtime.live.inference import Inference, Ticket
from tests.runtime.live.doubles import Answer, Background, by_picture, faces, picture, wait_until


def asked(detector: flow.Detector, count: int, batch_size: int = 1, push_timeout_s: float = 0.001) -> list[Ticket]:
    """Tickets for the pictures 0 to `count`, settled."""
    lock = threading.RLock()
    inference = Inference(detector, lock, threading.Condition(lock), batch_size, push_timeout_s)
    tickets = [Ticket(Frame.of(picture(n))) for n in range(count)]
    with lock:
        for ticket in tickets:
            inference.ask(ticket)
    inference.start()
    wait_until(lambda: all(ticket.settled for ticket in tickets))
    inference.close()
    inference.thread.join(2)
    assert not inference.thread.is_alive()
    return tickets


@pytest.mark.parametrize("count", [0, 1, 7, 50])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_every_ticket_gets_its_own_faces(count: int, batch_size: int) -> None:
    for detector in (by_picture, Background()):
        tickets = asked(detector, count, batch_size)
        assert [ticket.found for ticket in tickets] == [faces(picture(n)) for n in range(count)]


def test_a_submitter_is_kept_busy_but_not_more() -> None:
    detector = Background()
    asked(detector, 50)
    assert (detector.most, detector.in_flight) == (detector.concurrency, 0)


def test_plain_detectors_get_lists() -> None:
    sizes: list[int] = []

    def detector(images: Sequence[Image]) -> list[Detections]:
        sizes.append(len(images))
        return by_picture(images)

    tickets = asked(detector, 10, batch_size=4)
    assert sizes == [4, 4, 2]
    assert [ticket.passage().together for ticket in tickets] == [4] * 8 + [2] * 2


def test_a_ticket_tells_how_many_the_detector_was_at_work_on() -> None:
    in_flight: list[int] = []

    class Counting(Background):
        def submit(self, image: Image) -> Answer:
            answer = super().submit(image)
            in_flight.append(self.in_flight)
            return answer

    passages = [ticket.passage() for ticket in asked(Counting(), 50)]
    assert [passage.together for passage in passages] == in_flight
    assert all(passage.detector_ms >= 0 for passage in passages)


@pytest.mark.parametrize("when", ["submit", "done", "result"])
def test_a_failure_is_of_one_ticket(when: str) -> None:
    class Bad(Background):
        def submit(self, image: Image):  # type: ignore[no-untyped-def]
            answer = super().submit(image)
            if image[0, 0] == 2:
                if when == "submit":
                    raise RuntimeError("broken")
                if when == "done":
                    answer.done = fail
                answer.result = fail
            return answer

    def fail() -> bool:
        raise RuntimeError("broken")

    tickets = asked(Bad(), 5)
    assert [ticket.found is None for ticket in tickets] == [False, False, True, False, False]
    assert tickets[2].error == "detector: broken"


def test_an_answer_that_comes_too_late_is_thrown_away() -> None:
    detector = Background()
    detector.gate.clear()
    lock = threading.RLock()
    inference = Inference(detector, lock, threading.Condition(lock), 1, 0.0)
    tickets = [Ticket(Frame.of(picture(n))) for n in range(6)]
    inference.start()
    with lock:
        for ticket in tickets[:5]:
            inference.ask(ticket)
    wait_until(lambda: detector.asked == detector.concurrency)
    with lock:
        for ticket in tickets[:5]:
            inference.give_up(ticket, "late")
        assert inference.stuck_s > 0
        inference.ask(tickets[5])
    detector.gate.set()
    wait_until(lambda: tickets[5].settled)
    assert all(ticket.found is None and ticket.error == "late" for ticket in tickets[:5])
    assert tickets[5].found == faces(picture(5))
    assert inference.stuck_s == 0
    assert detector.asked == detector.concurrency + 1, "what was given up before it began is not asked at all"
    inference.close()
