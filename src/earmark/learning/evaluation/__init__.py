"""Evaluation of a model on tracks whose truth is known, and the report on it.

selection              the tracks of a manifest, with warnings about leaks
predictions            the outputs of a model for each of them, window by window
styles, tags, values   the measures for each task
comparison             paired differences of two models
results                all of it as one record, and as JSON
report                 the record as a document, and the files on the disk
style_sections         the sections on styles; those on tags and values stand beside their measures
document, wording      the parts of a document, and the spelling of figures
charts                 its pictures
markdown, webpage      its renderers
degradations           how far the output moves when the audio is degraded
"""
