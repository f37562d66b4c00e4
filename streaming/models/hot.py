"""SavedModels that change while they serve: a new generation is taken up between two batches, without a restart.

It is loaded beside the one that serves, tried as `trial.py` says, and only then put in its place. One that is refused
is reported and left alone until it changes; the one that serves goes on.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from streaming.errors import Mistakes, PermanentError, one_line
from streaming.models import memory, trial
from streaming.models.saved_model import SavedModel
from streaming.predictors import News, Predictor
from streaming.savedmodel.generations import Generation, current, fingerprint, generations, stamp
from streaming.wiring import ModelPlan, SavedModelCall

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Sight:
    """A generation as it lies there at one time: files and what its manifest demands."""

    generation: Generation
    stamp: str


class HotModel:
    """The SavedModel of a plan, whichever generation is current.

    Construction loads the current generation in the calling thread; where it is refused, the best older one that is
    not. With `watch`, a thread then looks for another one, twice in that time: what it sees unchanged for the second
    time is uploaded completely, and is tried. The thread ends with this object, or when it is closed.

    Args:
        plan: of a SavedModel.

    Raises:
        PermanentError: no generation can be served; says why the current one cannot.
    """

    def __init__(self, plan: ModelPlan) -> None:
        assert isinstance(plan.call, SavedModelCall)
        self._plan, self._path, self._place = plan, plan.call.path, trial.place(plan)
        self._news: list[News] = []
        self._news_lock = threading.Lock()
        self._look_lock = threading.Lock()
        self._retired: list[weakref.ref[SavedModel]] = []
        self._unreadable: str | None = None
        self._start()
        self._stop = threading.Event()
        weakref.finalize(self, self._stop.set)
        if plan.call.watch is not None:
            looks = (weakref.ref(self), self._stop, plan.call.watch.total_seconds() / 2)
            threading.Thread(target=_watch, args=looks, name=f"watch-{plan.name}", daemon=True).start()

    def current(self) -> Predictor:
        return self._model

    def news(self) -> Sequence[News]:
        with self._news_lock:
            told, self._news = self._news, []
        return told

    def close(self) -> None:
        """Look no more; a look that is under way goes on to its end."""
        self._stop.set()

    def look(self) -> bool:
        """Look once for another generation; tell whether one was taken up or refused."""
        with self._look_lock:
            sight = self._look()
            changed = sight is not None and self._sights.settles(sight) and self._turn_to(sight)
            self._clear_away(changed)
            return changed

    def _start(self) -> None:
        memory.spare_the_collector()
        try:
            sights = map(self._sight, generations(self._path, self._place))
            first = next(sights)
            self._sights = _Sights(first)
            for sight in chain([first], sights):
                model = self._try(sight.generation)
                if model is not None:
                    self._model, self._serves = model, sight
                    return
        except Mistakes as error:
            raise PermanentError(str(error)) from error
        raise PermanentError(self._news[0].refusal)

    def _look(self) -> _Sight | None:
        """What is current; None if nobody can tell, which is logged once."""
        try:
            sight = self._sight(current(self._path, self._place))
        except Mistakes as error:
            if str(error) != self._unreadable:
                _LOG.error("model %s goes on as it is: %s", self._plan.name, one_line(error))
            self._unreadable = str(error)
            return None
        self._unreadable = None
        return sight

    def _sight(self, generation: Generation) -> _Sight:
        return _Sight(generation, stamp(generation.directory, self._place))

    def _turn_to(self, sight: _Sight) -> bool:
        """Serve what is seen, if it can be; tell whether it was tried."""
        if sight == self._serves:
            return False  # what was current in between has been refused
        model = self._try(sight.generation)
        if model is not None:
            old, self._model, self._serves = self._model, model, sight
            self._retired.append(weakref.ref(old))
            self._tell(News(model.version))
            # No trouble, but what somebody waits for who has just uploaded it.
            _LOG.warning("model %s: generation %s takes over from %s", self._plan.name, model.version, old.version)
        return True

    def _try(self, generation: Generation) -> SavedModel | None:
        try:
            return trial.load(self._plan, generation)
        except PermanentError as error:
            refused = News(self._version(generation), str(error))
        _LOG.error("model %s: generation %s is refused: %s", self._plan.name, refused.version, refused.refusal)
        self._tell(refused)
        return None

    def _version(self, generation: Generation) -> str:
        if generation.version is not None:
            return generation.version
        try:
            return fingerprint(generation.directory, self._place)
        except Mistakes:
            return "unreadable"  # as its refusal says

    def _tell(self, news: News) -> None:
        with self._news_lock:
            self._news.append(news)

    def _clear_away(self, changed: bool) -> None:
        """Free the generation that was refused, and those served before once no batch has them in hand."""
        in_hand = [each for each in self._retired if each() is not None]
        if changed or len(in_hand) < len(self._retired):
            memory.give_back()
        self._retired = in_hand


class _Sights:
    """What was seen at the path so far, and what of it was dealt with."""

    def __init__(self, settled: _Sight) -> None:
        self._last = self._settled = settled

    def settles(self, sight: _Sight) -> bool:
        """Whether it is to be dealt with now: another one than before, and seen for the second time."""
        due = sight == self._last != self._settled
        self._last = sight
        if due:
            self._settled = sight
        return due


def _watch(model: weakref.ref[HotModel], stop: threading.Event, seconds: float) -> None:
    while not stop.wait(seconds):
        held = model()
        if held is None:
            return
        try:
            held.look()
        except Exception:  # noqa: BLE001 - without this thread the model would never change again
            _LOG.exception("looking for another generation has failed; the next look is in %g s", seconds)
        del held  # or it would live as long as this thread
