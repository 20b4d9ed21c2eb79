"""Make the picture of the report page that the README shows, in English and Chinese side by side.

Runs the demonstration in a temporary folder and photographs two of its reports with Chromium, which has to be
installed, with a font for Chinese (Debian: chromium, fonts-noto-cjk).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "report.png"
PROGRAM = Path(sys.executable).parent / "crmcore"
WIDTH, HEIGHT = 1600, 920
PAGES = {"en": ("en", "abc.pareto"), "zh": ("zh-CN", "sales.funnel")}
BOTH = """<!doctype html>
<style>
  body {{ margin: 0; display: flex; background: #fff; overflow: hidden }}
  iframe {{ border: 0; width: {half}px; height: {height}px }}
  iframe + iframe {{ border-left: 1px solid #ccc }}
</style>
<iframe src="en.html" scrolling="no"></iframe><iframe src="zh.html" scrolling="no"></iframe>
"""


def main() -> None:
    """Write the picture."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("This takes Chromium; please install it (Debian: apt install chromium fonts-noto-cjk).")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        crmcore(folder, "demo", "demo")
        for name, (language, report) in PAGES.items():
            crmcore(folder / "demo", "--lang", language, "report", "run", report, "-o", f"../{name}.html")
        both = folder / "both.html"
        both.write_text(BOTH.format(half=WIDTH // 2, height=HEIGHT), encoding="utf-8")
        PICTURE.parent.mkdir(exist_ok=True)
        photographed = [f"--screenshot={PICTURE}", f"--window-size={WIDTH},{HEIGHT}", "--hide-scrollbars"]
        run([browser, "--headless", "--no-sandbox", *photographed, both.as_uri()], folder)
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")


def crmcore(folder: Path, *arguments: str) -> None:
    """Run a command of crmcore as ada."""
    run([str(PROGRAM), *arguments], folder)


def run(command: list[str], folder: Path) -> None:
    """Run a program, whose output is shown only where it fails."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "LOGNAME": "ada"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
