"""The report on a model: what it said about tracks whose truth is known, measured and shown.

selection               which tracks of a manifest are asked about, and what should make one suspicious
predictions             what a model said about each of them, window by window
styles, tags, values    what is measured for each task
intervals, comparison   how sure that is; two models on the same tracks
results                 all of it as one record, and as JSON
contents, *_contents    from the record to a document
document, wording       what a document is made of, and how figures are written
figures                 the pictures
markdown, webpage       a document written out
writing                 the report on the disk
"""
