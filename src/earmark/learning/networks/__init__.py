"""The networks: waveform in, logits and an embedding out; the table ARCHITECTURES names them.

Every network carries its front end as its first layers and is built from `styles` and keyword settings that can be
written down in a model's `config.json`. It knows its `sample_rate` in Hz and the number of `samples` that one
prediction hears.

Conventions: logits (batch, styles), before the softmax; embedding (batch, dims), a summary of the sound that
similarity and teaching build on.
"""

from earmark.learning.networks.architectures import ARCHITECTURES, TRAINED
from earmark.learning.networks.network import AudioNetwork

__all__ = ["ARCHITECTURES", "TRAINED", "AudioNetwork"]
