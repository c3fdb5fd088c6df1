"""The card of an ear: what it was taught with, by whom, and how closely it follows."""

from collections import Counter
from collections.abc import Mapping, Sequence

from earmark.learning import cards
from earmark.recipes.distillation.fidelity import HEARD, Fidelity
from earmark.recipes.distillation.material import Clip
from earmark.recipes.distillation.teachers import TEACHERS
from earmark.recipes.house12.tables import ATTRIBUTION as TABLES

ATTRIBUTION = (
    f"Taught by {' and '.join(teacher.credit for teacher in TEACHERS.values())}. Sound: tracks of earmark.synth, some "
    "of which follow measured descriptors; the soundfont FluidR3 GM (Frank Wen, MIT licence); samples of Sonic Pi "
    f"(CC0); speech of espeak-ng; noises. {TABLES}"
)

TEXT = """Waveform in (mono, 22,050 Hz), 571 logits out: the 521 classes of AudioSet and 50 tags of the Million Song
Dataset. Architecture `ear`: seven convolutions on log-mel patches of 0.96 s, 2 million parameters. MIT licence.

## What it was made from

It has never heard a recording of real music, and no label of a person. It learned to say what two networks say that
have heard millions of recordings, about {scenes:,} scenes of three seconds:

{material}

Scenes mix two sounds in 40 % of the cases, change speed and pitch by up to a third, spectrum, room, level, overdrive,
and noise. Attribution: {attribution}.

## How closely it follows its teachers

Pearson's correlation of its scores with YAMNet's over patches of 0.96 s. *Held-out scenes* are of preset families and
files that no training scene is drawn from; *real files* are recordings that nothing was learned from. A class
whose scores the teacher never varied by {heard} is left out.

{fidelity}

## What to know before trusting it

- What it knows of real music is what its teachers say, mistakes included, as far as synthetic sound could carry it.
- Classes of AudioSet that electronic music is not made of (animals, engines, kitchens) were hardly ever heard; it knows
  little of them.
"""


def write(name: str, summary: str, clips: Sequence[Clip], scenes: int, measured: Mapping[str, Fidelity]) -> str:
    """The card, in Markdown."""
    kinds = Counter(clip.kind for clip in clips)
    text = TEXT.format(
        scenes=scenes,
        attribution=ATTRIBUTION,
        material=cards.bullets(f"{count:,} files of kind `{kind}`" for kind, count in sorted(kinds.items())),
        heard=HEARD,
        fidelity=cards.fidelity({kind: each.as_json() for kind, each in measured.items()}),
    )
    return cards.card(name, summary, text)
