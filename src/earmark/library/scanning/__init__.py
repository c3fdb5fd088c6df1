"""A folder into a catalogue: only what is new or changed is heard, on one machine or on a Ray cluster.

examine    one file: content hash, tags, and the analysis where the content is new
scan       a folder compared with the catalogue, and what is new in it heard and kept
watch      a scan whenever something has changed
cluster    a collection in any storage into Parquet, on a Ray cluster
"""
