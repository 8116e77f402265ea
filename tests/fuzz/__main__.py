"""`python -m tests.fuzz`: as many damaged inputs as you like.

python -m tests.fuzz --inputs 1000000 --processes 2
python -m tests.fuzz --target pictures --first 4711 --inputs 1    what one input of a failure does
"""

from __future__ import annotations

import argparse
import sys
import time

from alpr_app.runtime.system_info import cores, processor
from tests.fuzz.runner import Report, run, show, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Give damaged inputs to all readers.")
    parser.add_argument("--inputs", type=int, default=20_000, help="how many (default: 20000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other inputs")
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each target")
    parser.add_argument("--target", action="append", metavar="NAME", help="only this one; may be given again")
    parser.add_argument("--processes", type=int, default=cores(), help="at once (default: one a core)")
    parser.add_argument("--log_minutes", type=float, default=0, help="print the table that often on the way")
    args = parser.parse_args()
    begun = printed = time.monotonic()
    report = Report()
    for report in run(args.inputs, args.seed, args.first, args.target, args.processes, verbose=args.inputs == 1):
        show(report)
        if args.log_minutes and time.monotonic() - printed > 60 * args.log_minutes:
            printed = time.monotonic()
            print(table(report), flush=True)
    print(f"\n{table(report)}")
    print(f"{processor()}, {args.processes} processes, {time.monotonic() - begun:.0f} s")
    for target, number, fault in report.failures[:5]:
        print(f"\npython -m tests.fuzz --seed {args.seed} --target {target} --first {number} --inputs 1\n{fault}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
