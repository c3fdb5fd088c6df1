"""The page of benchmarks: `python -m bench` writes the sections that are quick, `python -m bench NAME...` those named.

Each section is a module of its own and runs in a process of its own: `python -m bench.NAME --help` tells its settings.
"""

import argparse
import subprocess
import sys

SECTIONS = {
    "speed": "what hearing costs, in multiples of plain decoding",
    "parts": "what each part of hearing costs",
    "peers": "beside the recipe of 2018, librosa and Essentia",
    "scale": "tracks that a scan hears in an hour",
    "tempi": "grooves at all tempi",
    "rhythm": "tempo, beats, bars and keys, beside librosa and Essentia",
}
LONG = ("rhythm",)


def main() -> None:
    """Run the sections one after the other; one that fails does not keep the others from being written."""
    listed = "\n".join(f"  {name:8}{what}{' (long)' if name in LONG else ''}" for name, what in SECTIONS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=f"Write sections of docs/benchmarks.md; by default all but the long ones.\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"there is no section {', '.join(sorted(unknown))}")
    failed = []
    for name in asked.sections or [each for each in SECTIONS if each not in LONG]:
        print(f"\n# {name}\n", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
