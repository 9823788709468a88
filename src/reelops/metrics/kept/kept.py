"""What becomes of the picture over a clip: light, colour, contrast, detail and shape of every frame against it.

The picture is carried along the measured motion, so a camera that moves changes nothing; what drifts is the generator.
Without a picture the clip's own first frame stands for it. Where hardly anything of it is left in sight, the frame
before takes its place, and what had changed until then is kept.
"""

from __future__ import annotations

