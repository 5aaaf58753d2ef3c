import os
import shlex
import subprocess

HERE = os.path.dirname(__file__)
RENDERER = os.path.join(HERE, "../scripts/images.sh")
OPTIONS = {"wait": "--wait"}


def upgrade(name, renderer=None):
    cmd = ["helm", "upgrade", name, f"./{name}"]
    cmd.append("--post-renderer")
    cmd.append(RENDERER)
    subprocess.check_call(cmd)
    subprocess.check_call(shlex.split(f"helm upgrade x ./x --post-renderer {HERE}/../scripts/annotate.sh"))
    if renderer:
        cmd.extend(["--post-renderer", renderer])
