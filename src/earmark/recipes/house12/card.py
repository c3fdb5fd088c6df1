"""The card of a model from measured tables: its origin, its measures, its limits."""

from earmark.hearing.bundle import Config
from earmark.learning import cards
from earmark.measures.scores import Score
from earmark.recipes.house12.tables import ATTRIBUTION

TEXT = """{signature} Architecture `{architecture}`: 34
short-term descriptors and the tempo as fixed layers, then an ensemble of {members} perceptrons. MIT licence.

## What it was made from

Its styles are from no audio of real tracks, but from descriptors that others measured and published under open
licences.

- {attribution}.
- Papers: Caparrini, Arroyo, Perez-Molina, Sanchez-Hernandez, "Automatic subgenre classification in an electronic dance
  music taxonomy", Journal of New Music Research 49(3), 2020; Vitos, "Dance librarian", 2021.
- The shop's genres were mapped to the twelve styles by a fixed table, so a label is what a shop filed a track under.
- It tells the shop's 32 genres of 2021 apart, those that map to no style too, and Halftime; a style is as probable as
  its genres are together. While it learned them it also had to tell the styles, and the 23 genres of 2016; those
  outputs are gone, what they taught remains.
- How the descriptors of excerpts of 8, 10 and 29 s, other masters, codecs and narrow bands scatter around those of the
  whole was measured on openly licensed music (`ATTRIBUTION.md` names every work), and half of the rows that it learned
  from are moved so, all descriptors of a row together. No work of music served as an example of a style.
- Synthetic tracks of our own, rendered by `earmark.synth`, taught how descriptors move under damage, when nothing but
  the drums is left and with half the drums, and synthetic noises what is no music. No synthetic track served as an
  example of a style.

Recipe: `{recipe}`, torch {torch}.

## How well it hears

Precision at k: the share of tracks whose style is among the k most probable, with 95 % bootstrap intervals over the
tracks; after the stroke the best figure known for the same protocol (ExtraTrees, SVM or perceptron on the same
descriptors). *micro* counts tracks, *macro* is the mean over the classes. No artist is on both sides of a split "by
artist". The rows under test are descriptors of whole two-minute previews: a short or damaged excerpt is harder.
Some settings of the fit (harmonics of the tempo, noise, epochs) were chosen while looking at such cross-validated
figures of the same rows, the others at figures inside one training part, so they flatter a little.

What was taught: for *styles 2021, by artist* the genres and styles of the 2021 rows of artists who are not under test,
those without a style included; for *styles 2016 to 2021* those of the 2016 rows, and nothing of 2021; for *32 genres*
the genres of 2016 as well; for *23 genres* those of 2021; in *as shipped* everything. A track that must
be in both tables, because its descriptors all but agree, was left out of the training while it was tested, save from
2016 to 2021, where the figures to compare with have it as well. Some tracks are in the table of 2016 twice, as ever.
The known figures were reached without further labels.

{protocols}

The first row is the model as shipped: all twelve styles, trained on both tables, each 2021 track predicted by a model
that has not heard its artist. Its expected calibration error is {ece:.3f} after dividing the logits by {temperature}.

{by_style}

## What to know before trusting it

{notes}
- A track whose most probable style is below {threshold} is called unlike anything the model knows. {unknown_share} of
  real tracks fall below that.
"""


def write(config: Config, scores: list[Score], notes: str) -> str:
    """The card of a model that was trained on the tables; the first score is that of the model as shipped."""
    shipped = scores[0]
    text = TEXT.format(
        signature=cards.signature(config),
        architecture=config.architecture,
        members=config.settings["members"],
        attribution=ATTRIBUTION,
        notes=notes.strip(),
        recipe=config.provenance["recipe"],
        torch=config.provenance["torch"],
        protocols=cards.precision(scores),
        ece=shipped.calibration_error,
        temperature=config.temperature,
        by_style=cards.precision_by_style(shipped),
        threshold=config.unknown_threshold,
        unknown_share=f"{config.measures['unknown_share']:.0%}",
    )
    return cards.card(config.name, config.provenance["summary"], text)
