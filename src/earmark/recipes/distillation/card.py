"""The card of an ear: what it was taught with, by whom, and how closely it follows."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from earmark.learning import cards
from earmark.recipes.distillation.distil import Distilled
from earmark.recipes.distillation.fidelity import HEARD, SECONDS, Fidelity, Judged, between, compare
from earmark.recipes.distillation.material import KINDS, Clip
from earmark.recipes.distillation.teachers import CLASSES, TEACHERS
from earmark.recipes.house12.tables import ATTRIBUTION as TABLES

ATTRIBUTION = (
    f"Taught by {', '.join(teacher.credit for teacher in TEACHERS.values())}. Sound: music with open licences, each "
    "work with its author and licence in ATTRIBUTION.md; tracks of earmark.synth, some of which follow measured "
    "descriptors; the soundfont FluidR3 GM (Frank Wen, MIT licence); samples of Sonic Pi (CC0); speech of espeak-ng; "
    f"noises. {TABLES}"
)

INPUT = """Waveform in (mono, 22,050 Hz, any length from one second on), 571 logits out: the 521 classes of AudioSet
that YAMNet has, and 50 tags of the Million Song Dataset. Architecture `ear10` ({network}): convolutions on a log-mel
spectrogram up to 10.5 kHz, and a summary of the whole stretch. MIT licence.
"""

MADE_FROM = """No label of a person. It learned to answer as networks do that have heard millions of recordings, on
scenes that were made as it learned from {hours:.1f} hours of sound:
"""

SCENES = """Scenes are of 1 to 10 s; 40 % mix two sounds, half of the sounds are at another speed and pitch, others have
another spectrum, a narrow band, a room, overdrive, noise, another level, or lack what a codec leaves out. The target is
the mean of the two teachers that name classes.

Every work of music with its author, licence and source: `ATTRIBUTION.md`. {attribution}
"""

UNREAD = """**{unread} of {clips} clips could not be read where it was trained**, and were not heard. A work of which no
excerpt could be read is marked in `ATTRIBUTION.md`.
"""

FIDELITY = """Pearson's correlation over stretches of {seconds:g} s with the mean of YAMNet's and mn04's scores.
*Held-out music* is of artists that no training scene is drawn from; *real files* are recordings that nothing was
learned from. In the last columns the teachers are compared on the held-out music, as if each of them were a student. A
class whose scores the teachers never varied by {heard} is left out.
"""

LIMITS = """- It knows of real music what its teachers know, mistakes included.
- Classes of AudioSet that electronic music is not made of (animals, engines, kitchens) were hardly ever heard; it knows
  little of them.
- The music that it learned from is mostly of free games: club house, trap and big room are rare in it.
"""


def write(
    name: str,
    summary: str,
    clips: Sequence[Clip],
    unread: Collection[str],
    hours: float,
    network: str,
    choice: str,
    measured: Mapping[str, Fidelity],
    judged: Mapping[str, Judged],
) -> str:
    """The card, in Markdown.

    Args:
        name: of the ear.
        summary: of it, in a line.
        clips: the sound, held out or not.
        unread: names of the clips that could not be read.
        hours: of it that scenes were made from.
        network: the name of the architecture's settings.
        choice: sentences, as `chosen` gives them.
        measured: the fidelity on each kind of sound.
        judged: the answers of the teachers for it, the held-out music first.
    """
    counts = Counter(clip.kind for clip in clips if clip.split != "test" and clip.name not in unread)
    kinds = ((kind, counts.get(kind) or "", f"{share:.0%}") for kind, share in KINDS.items())
    columns = dict(measured) | of_teachers(next(iter(judged.values())))
    return cards.card(
        name,
        summary,
        INPUT.format(network=network),
        cards.section(
            "What it was made from",
            MADE_FROM.format(hours=hours),
            cards.table(["kind", "clips", "share of the scenes' sounds"], kinds),
            SCENES.format(attribution=cards.sentence(ATTRIBUTION)),
            UNREAD.format(unread=len(unread), clips=len(clips)) if unread else "",
        ),
        cards.section(
            "How closely it follows its teachers",
            FIDELITY.format(seconds=SECONDS, heard=HEARD),
            cards.fidelity({title: each.as_json() for title, each in columns.items()}),
            choice,
        ),
        cards.limits(LIMITS),
    )


def of_teachers(judged: Judged) -> dict[str, Fidelity]:
    """How the teachers that name classes follow their mean, and each other."""
    names = [name for name in judged.scores if TEACHERS[name].kind == CLASSES]
    columns = {f"{name} and the mean": compare(judged.scores[name], judged) for name in names}
    one, other = names
    columns[f"{one} and {other}"] = between(judged.scores[one], judged.scores[other])
    return columns


def chosen(distilled: Distilled, steps: int) -> str:
    """The choice among the candidates, and where the training ended, if that was before the `steps` of the recipe."""
    trial = distilled.trial
    if trial is None:
        text = "One architecture was trained; nothing was chosen by what is held out."
    else:
        found = ", ".join(f"`{name}` {value:.3f}" for name, value in trial.figures.items())
        text = (
            f"Of {len(trial.figures)} candidates one was chosen by its mean correlation on the held-out music after "
            f"{trial.steps:,} of {steps:,} steps: {found}; `{distilled.name}` went on. That is all that was "
            "chosen there."
        )
    if distilled.steps < steps:
        text += f" **The training ended after {distilled.steps:,} of {steps:,} steps**, when its time was over."
    return text
