"""Synthetic electronic music with known truth.

`render(style, seed)` makes a track of one of the twelve styles: stereo audio, tempo, beats, key, sections, stems. It
exists for example tracks, test fixtures and training sound; a style it names is what a program wrote, never a
judgement about real music. Needs the extra `train` (SciPy).

    clock      musical time             oscillators, filters, drums   sources of sound
    harmony    keys and chords          patch, patches                instruments and their designs
    grooves    drum patterns            effects, mix, desk            space, transitions, mastering
    lines      basses and melodies      recipes, studio               the styles and the artists
    arrangement, composition  form and content            performance, render         from a seed to a track
"""

from earmark.synth.recipes import STYLES
from earmark.synth.render import render
from earmark.synth.track import SAMPLE_RATE, Section, Track, Truth

__all__ = ["SAMPLE_RATE", "STYLES", "Section", "Track", "Truth", "render"]
