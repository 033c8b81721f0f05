"""Put the course where students of a hub pull it from: `python -m classroom.hub.publish handout.git`.

What `make handout` packs becomes a commit of a bare git repository, which is made when it is missing. The
exercises are left out: they come through nbgrader's exchange, and so does what students hand in.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from classroom.handout import HandoutError, contents
from tools.build.outline import ROOT, OutlineError

BRANCH = "main"
AUTHOR = {"NAME": "Reranking course", "EMAIL": "course@localhost"}
LEFT_OUT = "exercises/"


def publish(repository: Path, root: Path = ROOT) -> bool:
    """Commit the hand-out; whether anything has changed since the last time.

    Raises:
        HandoutError: there is no hand-out; nothing was committed.
        subprocess.CalledProcessError: git failed, and has said why.
    """
    found = contents(root)
    if not repository.exists():
        subprocess.run(
            ["git", "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", repository], check=True
        )
    with tempfile.TemporaryDirectory() as folder:
        for name, content in found.items():
            path = Path(folder, name)
            if not name.startswith(LEFT_OUT):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        _git(repository, folder, "add", "--all", "--force")
        if not _git(repository, folder, "status", "--porcelain"):
            return False
        _git(repository, folder, "commit", "--quiet", "--message=The course")
    return True


def _git(repository: Path, folder: str, *command: str) -> str:
    """What a git command prints that works on a bare repository and the files in a folder."""
    people = {f"GIT_{who}_{what}": text for who in ("AUTHOR", "COMMITTER") for what, text in AUTHOR.items()}
    run = subprocess.run(
        [
            "git",
            "-c",
            "commit.gpgsign=false",
            f"--git-dir={repository.absolute()}",
            f"--work-tree={folder}",
            *command,
        ],
        cwd=folder,
        env=os.environ | people,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return run.stdout


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("Say where the repository is: python -m classroom.hub.publish handout.git", file=sys.stderr)
        return 2
    try:
        changed = publish(Path(arguments[0]))
    except (HandoutError, OutlineError) as error:
        print(f"Nothing was published. {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        return 1
    print(f"{arguments[0]} {'has the course as it is now' if changed else 'had the course already'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
