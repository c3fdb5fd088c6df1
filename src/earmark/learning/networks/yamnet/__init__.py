"""YAMNet: a MobileNet trained on two million recordings of AudioSet, read from its TFLite file and never shipped."""
