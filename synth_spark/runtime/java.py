"""The Java that a local session starts."""

import os
import re
import shutil
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

from synth_spark.errors import EngineError

_MIN_JAVA = 17
#: What each Java says of itself; whoever asks while another one is asking waits for the answer.
_SAID: dict[Path, str] = {}
_ASKING = threading.Lock()


def check_java() -> str:
    """What the Java on the path, or in JAVA_HOME, says of its version.

    Raises:
        EngineError: there is none, or it is older than version 17.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        remedy = f"install a Java runtime of version {_MIN_JAVA} or newer (Debian: openjdk-17-jre-headless)"
        raise EngineError("java", "was not found", remedy)
    with _ASKING:
        if Path(java) not in _SAID:
            done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
            _SAID[Path(java)] = done.stderr
    output = _SAID[Path(java)]
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version.group(1)) < _MIN_JAVA:
        raise EngineError("java", f"is older than version {_MIN_JAVA}", "install a newer one, or point JAVA_HOME to it")
    return output


def ask_java() -> None:
    """Have the Java asked what it is, ahead of need; what is wrong with it is said by whoever needs it."""
    with suppress(EngineError, OSError):
        check_java()
