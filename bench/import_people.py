"""Measure `people import` as a whole process: rows a second and peak memory for 100,000 and 1,000,000 rows.

Each size runs in a fresh instance and a process of its own, dry run and write together, with the database's usual
durability. Run: python -m bench.import_people [--rows N]…
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = (100_000, 1_000_000)
RESULTS = Path(__file__).parent / "results" / "import.json"
MOST_MEMORY = 200  # megabytes
MOST_GROWTH = 1.15  # time a row at the largest size over that at the smallest

GIVEN = (
    "Anna",
    "Bálint",
    "Csilla",
    "Dávid",
    "Emese",
    "Ferenc",
    "Gizella",
    "Hedvig",
    "李明",
    "Āwhina",
    "Jean-Luc",
    "Uta",
)
FAMILY = ("Kovács", "O'Neill", "Müller", "Lefèvre", "Nagy", "Szabó", "Smith", "Tāmati", "Weiß", "Horváth", "Brown")


def write_people(file: Path, rows: int) -> None:
    """Write a register of that many different people with six columns."""
    with file.open("w", encoding="utf-8") as out:
        out.write("name,email,language,member,city,consent date\n")
        for n in range(rows):
            given, family = GIVEN[n % len(GIVEN)], FAMILY[n % len(FAMILY)]
            member = "yes" if n % 3 else "no"
            out.write(
                f"{given} {family},reader{n}@example{n % 997}.example.org,hu,{member},Town {n % 5000},2025-03-21\n"
            )


def measure(rows: int, folder: Path) -> dict[str, float]:
    """Import that many rows in a process of its own and return seconds, rows a second and peak megabytes."""
    instance, file = folder / "instance", folder / "people.csv"
    command = [sys.executable, "-m", "balintmail"]
    who = ["--society", "Bench", "--secretary-name", "S", "--secretary-address", "s@example.org"]
    subprocess.run([*command, "init", "--yes", *who, str(instance)], check=True, stdout=subprocess.DEVNULL)
    write_people(file, rows)
    args = ["-C", str(instance), "--json", "people", "import", str(file), "--consent", "I agree", "--yes"]
    began = time.perf_counter()
    with (folder / "report.json").open("wb") as out:
        process = subprocess.Popen([*command, *args], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    processor = usage.ru_utime + usage.ru_stime
    process.returncode = os.waitstatus_to_exitcode(status)
    report = json.loads((folder / "report.json").read_text())
    if process.returncode or report["new"] != rows or not report["written"]:
        raise SystemExit(f"the import of {rows:,} rows went wrong: status {process.returncode}, {report}")
    return {
        "rows": rows,
        "seconds": round(seconds, 2),
        "rows_a_second": round(rows / seconds),
        "processor_us_a_row": round(processor / rows * 1e6, 2),
        "peak_mb": usage.ru_maxrss // 1024,
    }


def main() -> None:
    """Measure every size, print the table and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", help="a size to measure (default: 100,000 and 1,000,000)")
    sizes = tuple(parser.parse_args().rows or SIZES)
    results = []
    print(f"{'rows':>10}  {'seconds':>8}  {'rows a second':>13}  {'processor':>14}  {'peak memory':>11}")
    for rows in sizes:
        with tempfile.TemporaryDirectory(prefix="balintmail-bench-") as name:
            found = measure(rows, Path(name))
        results.append(found)
        processor = f"{found['processor_us_a_row']:.1f} µs a row"
        speed = f"{found['rows_a_second']:>13,}  {processor:>14}"
        print(f"{rows:>10,}  {found['seconds']:>8}  {speed}  {found['peak_mb']:>8} MB")
    # Processor time: what else the machine does meanwhile does not count.
    growth = results[-1]["processor_us_a_row"] / results[0]["processor_us_a_row"]
    print(f"time a row grows by a factor of {growth:.2f} (to reach: {MOST_GROWTH}); memory to reach: {MOST_MEMORY} MB")
    if sizes != SIZES:
        return  # a trial; only the whole measurement is kept
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"sizes": results, "growth": round(growth, 3)}, indent=2) + "\n")


if __name__ == "__main__":
    main()
