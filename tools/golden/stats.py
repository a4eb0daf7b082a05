#!/usr/bin/env python3
"""Writes tests/golden/stats.json: what scipy and statsmodels say, for src/eval/statistics_test.cpp.

Run: python3 tools/golden/stats.py   (pip install scipy statsmodels; the versions are written inside)
"""
import json
import pathlib

import numpy
import scipy
import scipy.stats
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint


def wilson_rows():
    for successes, trials, confidence in [(17, 20, .95), (0, 10, .95), (10, 10, .95), (1, 3, .9), (60, 240, .99),
                                          (599, 1200, .95)]:
        low, high = proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
        yield {"successes": successes, "trials": trials, "confidence": confidence, "low": low, "high": high}


def mcnemar_rows():
    for b, c in [(9, 2), (2, 9), (5, 5), (0, 0), (0, 6), (1, 0), (40, 22), (120, 90)]:
        n, k = b + c, min(b, c)
        p = float(mcnemar([[0, b], [c, 0]], exact=True).pvalue) if n else 1.0
        # mid-p (Fagerland et al. 2013): the exact p less the probability of the observed table.
        mid = 1.0 if n == 0 else (1 - scipy.stats.binom.pmf(k, n, .5) if b == c else
                                  2 * scipy.stats.binom.cdf(k, n, .5) - scipy.stats.binom.pmf(k, n, .5))
        yield {"b": b, "c": c, "p_exact": p, "p_mid": float(mid)}


def holm_rows():
    for p in [[.01, .04, .03, .005], [.5, .9], [.02], [.2, .001, .001, .8, .05]]:
        yield {"p": p, "holm": multipletests(p, method="holm")[1].tolist()}


def newcombe_rows():
    """Newcombe 1998, method 10, from the Wilson limits of statsmodels and the phi of the table."""
    for both, a, b, neither in [(36, 12, 2, 0), (20, 10, 5, 25), (43, 0, 1, 0), (0, 0, 0, 30), (15, 9, 9, 15)]:
        n = both + a + b + neither
        pa, pb = (both + a) / n, (both + b) / n
        la, ua = proportion_confint(both + a, n, method="wilson")
        lb, ub = proportion_confint(both + b, n, method="wilson")
        margins = (both + a) * (b + neither) * (both + b) * (a + neither)
        product = both * neither - a * b
        phi = (product if product < 0 else max(0, product - n / 2)) / margins ** .5 if margins else 0
        low = pa - pb - max(0, (pa - la) ** 2 - 2 * phi * (pa - la) * (ub - pb) + (ub - pb) ** 2) ** .5
        high = pa - pb + max(0, (ua - pa) ** 2 - 2 * phi * (ua - pa) * (pb - lb) + (pb - lb) ** 2) ** .5
        yield {"cells": [both, a, b, neither], "low": low, "high": high}


def resampling():
    """Sign-flip exact p; the bootstrap is compared with scipy's within Monte Carlo error."""
    generator = numpy.random.default_rng(7)
    small = generator.normal(.3, 1, 12).round(4)
    large = (generator.normal(.1, .5, 80)).round(4)
    exact = scipy.stats.permutation_test((small,), numpy.mean, permutation_type="samples", n_resamples=numpy.inf)
    drawn = scipy.stats.permutation_test((large,), numpy.mean, permutation_type="samples", n_resamples=200000, rng=1)
    boot = scipy.stats.bootstrap((large,), numpy.mean, n_resamples=200000, method="percentile", batch=1000, rng=1)
    return {"small": small.tolist(), "small_p": float(exact.pvalue), "large": large.tolist(),
            "large_p": float(drawn.pvalue), "large_low": float(boot.confidence_interval.low),
            "large_high": float(boot.confidence_interval.high)}


def main():
    golden = {
        "magic": "ondol-golden-stats", "version": 1, "command": "python3 tools/golden/stats.py",
        "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": numpy.__version__},
        "quantile": [{"p": p, "z": float(scipy.stats.norm.ppf(p))} for p in [.975, .5, .8, .001, .9999999]],
        "wilson": list(wilson_rows()), "mcnemar": list(mcnemar_rows()), "holm": list(holm_rows()),
        "newcombe": list(newcombe_rows()), "resampling": resampling(),
    }
    path = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "stats.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
