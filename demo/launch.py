"""Start Home Assistant without what the demo has no use for, and what would need a compiler or the internet.

Home Assistant sets these up whatever its configuration says: voice (two of whose packages PyPI has as source alone),
cameras and sound (whose programs come from the system), and analytics.
"""

import sys
from types import ModuleType

from homeassistant import bootstrap
from homeassistant.__main__ import main

bootstrap.DEFAULT_INTEGRATIONS -= {
    "ai_task",
    "analytics",
    "assist_satellite",
    "camera",
    "conversation",
    "image_processing",
    "media_player",
    "stt",
    "tts",
    "wake_word",
}

# The list of actions that the frontend asks for imports voice all the same; nothing of it is ever called.
for package, name in (("pymicro_vad", "MicroVad"), ("pyspeex_noise", "AudioProcessor")):
    module = ModuleType(package)
    setattr(module, name, object)
    sys.modules.setdefault(package, module)

sys.exit(main())
