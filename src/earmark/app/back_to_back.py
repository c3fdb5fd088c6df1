"""Back to back with a machine: a session with the catalogue as its crate, ears, transitions and a log."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from earmark.app.listening import MODEL, listener_of
from earmark.app.live import listen_live
from earmark.app.naming import Finder
from earmark.app.sets import export_set
from earmark.dj import log
from earmark.dj.candidates import Candidates
from earmark.dj.cost import read_weights
from earmark.dj.partner import LIVE, Mixed, Mood, Pick, Played, Session, Turn
from earmark.errors import EarmarkError, FileError
from earmark.library import Catalogue, Query, Track
from earmark.library.track import Summary

if TYPE_CHECKING:
    from earmark.dj.deck import Deck
    from earmark.hearing.live import Moment
    from earmark.hearing.model import Model

BARS: Final = 8  # of each track alone, before and after a transition
LISTENING: Final = 30.0  # seconds that live sound is heard


class BackToBack:
    """A session at work; every turn is in its log before the next one begins.

    Args:
        catalogue: the crate of the machine, and the tracks that the human can name.
        log_path: the file of the session: gone on with if it is there; None keeps no log.
        query: what of the catalogue the machine may play.
        repeat_artists: whether an artist may be played again.
        weights: a file of weights in the place of ours.
        transitions: the folder in which transitions are rendered; None renders none.
        model: hears the sounds in what the human plays.
        told: is called with a line about a transition that cannot be.

    Raises:
        EarmarkError: the log or the weights cannot be read, or the crate is empty.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        log_path: Path | None = None,
        *,
        query: Query | None = None,
        repeat_artists: bool = False,
        weights: Path | None = None,
        transitions: Path | None = None,
        model: str = MODEL,
        told: Callable[[str], None] = lambda line: None,  # noqa: ARG005  nobody listens
    ) -> None:
        self.catalogue, self.log_path, self.transitions = catalogue, log_path, transitions
        self._finder = Finder(catalogue, listen=listener_of(model))
        self._name, self._told = model, told
        self._opened: Model | None = None
        self._decks: dict[Path, Deck] = {}
        turns = log.read(log_path) if log_path and log_path.exists() else []
        crate = Candidates.of_catalogue(catalogue, query)
        if not len(crate):
            raise EarmarkError(f"{catalogue.path}: no track in it may be played")
        self.session = Session(crate, read_weights(weights), repeat_artists, turns)

    def human(self, words: str) -> str:
        """The human plays a track: its path, or words that it alone has; returns what was heard.

        Raises:
            EarmarkError: there is no such track, it cannot be heard, or it may not be played now.
        """
        track = self._finder.track(words)
        analysis = track.analysis
        embedding = analysis.embedding if analysis and not track.id else None
        return self._hears(Played(Summary.of(track), self._sounds(track.path), embedding))

    def human_live(self, device: str = "", seconds: float = LISTENING) -> str:
        """The human plays what comes in at the line input; returns what was heard.

        Raises:
            MissingExtra: the line input needs the extra `live`.
            EarmarkError: there is no such device, or nothing was heard.
        """
        last = None
        for moment in listen_live(None, self._name, device=device):
            last = moment
            if moment.end >= seconds:
                break
        return self.human_heard(last)

    def human_heard(self, moment: "Moment | None") -> str:
        """The human plays what was heard live; returns what was heard.

        Raises:
            EarmarkError: nothing was heard.
        """
        if moment is None or moment.analysis.no_music:
            raise EarmarkError("no music was heard")
        summary = Summary.of(Track(LIVE, 0, 0, "", analysis=moment.analysis))
        return self._hears(Played(summary, tuple(sound.name for sound in moment.sounds), moment.analysis.embedding))

    def picks(self, mood: str = "follow") -> tuple[Pick, ...]:
        """The pick of the machine and its alternatives.

        Raises:
            PlanError: it is not its turn, or no track is left.
        """
        return self.session.picks(Mood(mood))

    def machine(self, pick: Pick, others: Sequence[Pick] = ()) -> Turn:
        """The machine plays a pick; the transition is rendered, if there can be one.

        Raises:
            EarmarkError: it is not its turn, or a transition cannot be written.
        """
        turn = self.session.plays(pick, others, self._mix if self.transitions else None)
        self._note()
        return turn

    def takes_back(self) -> Turn:
        """Take the last turn back.

        Raises:
            PlanError: there is none.
        """
        turn = self.session.takes_back()
        self._note()
        return turn

    def gain(self, turn: Turn) -> float:
        """The gain in dB with which transitions play the track of a turn; 0 where it cannot be mixed."""
        from earmark.dj.mixing import LOUDNESS

        if turn.mixed and turn.mixed.joints:
            return turn.mixed.joints.gains[1]
        try:
            return round(LOUDNESS - self._deck(turn.played.track).level, 2)
        except FileError:
            return 0.0

    def export(self, form: str, out: Path, name: str, *, replace: bool = False) -> None:
        """Write the session as a set for another program; see `sets.export_set`."""
        export_set(self.catalogue, self.session.steps(), form, out, name, replace=replace)

    def _hears(self, played: Played) -> str:
        said = self.session.hears(played, self._mix if self.transitions else None)
        self._note()
        return said

    def _note(self) -> None:
        if self.log_path:
            log.save(self.session.turns, self.log_path)

    def _sounds(self, path: Path) -> tuple[str, ...]:
        """The kinds of sound in the middle window of a file."""
        import numpy as np

        from earmark.audio import Recording
        from earmark.hearing import Model
        from earmark.hearing.sounds import audible

        self._opened = self._opened or Model.open(self._name)
        config = self._opened.config
        with Recording(path) as recording:
            start = max(0.0, ((recording.duration or 0.0) - config.window) / 2)
            blocks = list(recording.blocks(config.sample_rate, start=start, duration=config.window))
        if not sum(block.size for block in blocks):
            return ()
        return tuple(sound.name for sound in audible(self._opened.sounds(np.concatenate(blocks))))

    def _mix(self, before: Summary, after: Summary, entered: float) -> Mixed | None:
        """The transition between two tracks; where there can be none, that is said."""
        from earmark.dj.joints import Joints
        from earmark.dj.mixing import render_transition
        from earmark.dj.recorder import rate_of
        from earmark.dj.transition import plan

        folder = self.transitions or Path()
        try:
            old, new = self._deck(before), self._deck(after)
            last = self.session.turns[-1].mixed
            if last and last.joints and last.joints.joined <= old.duration / 2:  # there is room for it to play alone
                entered = last.joints.joined
            transition = plan(old, new, after=entered)
            out = folder / f"transition-{len(self.session.turns):02}.flac"
            joints = Joints.of(render_transition(transition, out, bars=BARS), rate_of(out))
        except FileError as error:
            self._told(f"no transition: {error}")
            return None
        return Mixed(out, transition.reason, transition.entered, joints)

    def _deck(self, summary: Summary) -> "Deck":
        """A track on a deck; the last two stay there."""
        from earmark.dj.deck import load

        if summary.path not in self._decks:
            found = self.catalogue.by_ids([summary.id]) if summary.id else []
            track = next((one for one in found if one.analysis and one.path == summary.path), None)
            analysis = (track or self._finder.tracks.get(summary.path) or self._finder.heard(summary.path)).analysis
            if analysis is None:
                raise EarmarkError(f"{summary.path}: it was not heard")
            self._decks = dict(list(self._decks.items())[-1:])
            self._decks[summary.path] = load(analysis, title=summary.title, artist=summary.artist)
        return self._decks[summary.path]
