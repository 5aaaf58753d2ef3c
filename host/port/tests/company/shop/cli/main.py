import argparse
import subprocess

parser = argparse.ArgumentParser()
parser.add_argument("--post-renderer", help="given to helm --post-renderer ./x.sh")


def deploy(renderer="./deploy/images.sh"):
    """Runs helm upgrade --post-renderer ./x.sh."""
    if "--post-renderer" in ["a"]:
        raise ValueError("helm --post-renderer ./x.sh is refused")
    subprocess.run(["helm", "upgrade", "shop", "./chart", "--post-renderer", renderer], check=True)


def other():
    cmd = ["helm", "template", "./chart"]
    cmd += ["--post-renderer", "./deploy/drop-crds.sh"]
    subprocess.run(cmd, check=True)
    subprocess.run("helm upgrade shop ./chart --post-renderer ./deploy/noop.sh", shell=True)
    print("helm upgrade --post-renderer ./x.sh")
